/*
 * cmd_package.c - export, import: a program with its data as one file.
 *
 * The file is the package as storaged sends it (docs/PROTOCOL.md, "program.export") and the SHA-256 of that.
 */
#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "libipc/base/fd.h"
#include "libipc/limits.h"
#include "thoxctl/fresh.h"
#include "thoxctl/json.h"
#include "thoxctl/source.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* The version that a package has, which is its fourth value. */
static json_int_t package_version(const struct buf *package) {
        struct value_reader r;
        struct value v = { .integer = 0 };

        value_reader_init(&r, package->data, package->len);
        for (int i = 0; i < 4; i++)
                if (value_next(&r, &v) != VALUE_OK)
                        return 0;
        return v.type == VALUE_INTEGER ? v.integer : 0;
}

static void sum_up(const struct buf *package, uint8_t ret[SHA256_DIGEST_LENGTH]) {
        SHA2_CTX hash;

        SHA256Init(&hash);
        SHA256Update(&hash, package->data, package->len);
        SHA256Final(ret, &hash);
}

/*
 * export.
 */

static int fetch(struct invocation *inv, const char *name, struct buf *package) {
        struct buf args CLEANUP(buf_deinit);
        char purpose[192];
        uint32_t status;
        int exit_code;

        tree_args_init(&args);
        snprintf(purpose, sizeof(purpose), "export '%.128s'", name);
        if (value_put_text(&args, name) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_ask(inv, "program.export", &args, &status, package);
        if (exit_code != 0 || status == STATUS_OK)
                return exit_code;
        return tree_refused(inv, status, package, purpose);
}

static int write_package(struct invocation *inv, struct fresh *file, const struct buf *package) {
        uint8_t digest[SHA256_DIGEST_LENGTH];
        int r;

        sum_up(package, digest);
        r = fd_write_all(file->fd, package->data, package->len);
        if (r == 0)
                r = fd_write_all(file->fd, digest, sizeof(digest));
        return r < 0 ? fail_errno(&inv->output, r, "cannot write '%s'", file->path) :
                       fresh_commit(file, inv);
}

static int show_export(const struct invocation *inv, const struct buf *package) {
        json_int_t version = package_version(package);
        json_int_t size = (json_int_t)(package->len + SHA256_DIGEST_LENGTH);

        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.export/1",
                                     json_pack("{s:s, s:I, s:s, s:I}", "program", inv->args[0],
                                               "version", version, "file", inv->args[1], "size",
                                               size));
        else if (!inv->output.is_quiet)
                fprintf(inv->output.out,
                        "%s: program '%s' version %" JSON_INTEGER_FORMAT
                        " with its data, %" JSON_INTEGER_FORMAT " bytes\n",
                        inv->args[1], inv->args[0], version, size);
        return EXIT_CODE_OK;
}

static int run_export(struct invocation *inv) {
        struct buf package CLEANUP(buf_deinit);
        struct fresh file;
        int exit_code = fresh_init(&file, inv, inv->args[1]);

        tree_args_init(&package);
        if (exit_code == 0)
                exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = fetch(inv, inv->args[0], &package);
        if (exit_code == 0)
                exit_code = write_package(inv, &file, &package);
        fresh_deinit(&file);
        return exit_code == 0 ? show_export(inv, &package) : exit_code;
}

/*
 * import.
 */

/* Cuts the sum off. */
static int check_sum(const struct invocation *inv, struct buf *package) {
        uint8_t digest[SHA256_DIGEST_LENGTH];
        bool is_sound = package->len > sizeof(digest);

        if (is_sound) {
                package->len -= sizeof(digest);
                sum_up(package, digest);
                is_sound = memcmp(package->data + package->len, digest, sizeof(digest)) == 0;
        }
        if (is_sound)
                return 0;
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                      .code = "damaged",
                                      .why = "its sum does not fit its content: it is no file of "
                                             "'thoxctl export', or it was changed or cut short",
                                      .fix = "export it again, or take another copy" },
                    "cannot import '%s'; nothing was changed", inv->args[0]);
}

static int show_import(const struct invocation *inv, const json_t *values) {
        const char *name = json_string_value(json_array_get(values, 1));
        json_int_t version = json_integer_value(json_array_get(values, 0));

        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.import/1",
                                     json_pack("{s:s, s:I}", "program", name, "version", version));
        else if (!inv->output.is_quiet)
                fprintf(inv->output.out, "program '%s' version %" JSON_INTEGER_FORMAT "\n", name,
                        version);
        return EXIT_CODE_OK;
}

static int send_package(struct invocation *inv, const struct buf *package) {
        struct buf args CLEANUP(buf_deinit);
        char purpose[192];
        json_t *values;
        int exit_code, r;

        tree_args_init(&args);
        snprintf(purpose, sizeof(purpose), "import '%.128s'", inv->args[0]);
        r = inv->name ? value_put_text(&args, inv->name) : value_put_nil(&args);
        if (r == 0)
                r = buf_add(&args, package->data, package->len);
        if (r < 0)
                return fail_errno(&inv->output, r, "cannot %s", purpose);
        exit_code = tree_call(inv, "program.import", &args, purpose, &values);
        if (exit_code != 0)
                return exit_code;
        exit_code = show_import(inv, values);
        json_decref(values);
        return exit_code;
}

static int run_import(struct invocation *inv) {
        struct buf package CLEANUP(buf_deinit);
        int exit_code;

        buf_init(&package, 2u * LIMIT_MESSAGE_BYTES);
        exit_code = source_read(inv, inv->args[0], LIMIT_MESSAGE_BYTES, &package);
        if (exit_code == 0)
                exit_code = check_sum(inv, &package);
        if (exit_code == 0)
                exit_code = tree_open(inv);
        return exit_code == 0 ? send_package(inv, &package) : exit_code;
}

const struct command VERB_EXPORT = {
        .name = "export",
        .group = COMMAND_GROUP_STORES,
        .usage = "NAME FILE",
        .summary = "write a program and its data to one file",
        .details =
                "Both as they are at one moment, without keys that end by themselves, and with a\n"
                "sum that 'thoxctl import' checks. At most 64 MiB.",
        .examples = { "thoxctl export guest-book guest-book.thox",
                      "thoxctl export bot bot.thox --force" },
        .flags = { "force" },
        .min_args = 2,
        .max_args = 2,
        .run = run_export,
};

const struct command VERB_IMPORT = {
        .name = "import",
        .group = COMMAND_GROUP_STORES,
        .usage = "FILE",
        .summary = "store a program and its data from a file of 'export'",
        .details = "The program gets a new version, and its data is replaced, in one step.\n"
                   "'thoxctl rollback program NAME --with-data' undoes it. FILE may be '-'.",
        .examples = { "thoxctl import guest-book.thox", "thoxctl import --name bot2 bot.thox" },
        .flags = { "name" },
        .min_args = 1,
        .max_args = 1,
        .run = run_import,
};
