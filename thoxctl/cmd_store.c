/*
 * cmd_store.c - get, set, rm, versions, rollback on the program, library, runtime and props stores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/parse.h"
#include "libipc/bootstore.h"
#include "libipc/status.h"
#include "thoxctl/json.h"
#include "thoxctl/source.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define KINDS "\nKIND is program, library, runtime or props."

static int check_kind(const struct invocation *inv) {
        const char *words[_STORE_KIND_N + 1];

        if (store_kind_parse(inv->args[0], strlen(inv->args[0])) >= 0)
                return 0;
        for (size_t i = 0; i < _STORE_KIND_N; i++)
                words[i] = store_kind_name((enum store_kind)i);
        words[_STORE_KIND_N] = NULL;
        return command_unknown_word(inv, "store", inv->args[0], words);
}

static int open_store(struct invocation *inv) {
        int exit_code = check_kind(inv);

        return exit_code != 0 ? exit_code : tree_open(inv);
}

/* "program.set" and "change program 'bot'", for one invocation. */
struct request_text {
        char endpoint[32], purpose[192];
};

static void name_request(struct request_text *t,
                         const struct invocation *inv,
                         const char *verb,
                         const char *word,
                         const char *name) {
        snprintf(t->endpoint, sizeof(t->endpoint), "%s.%s", inv->args[0], verb);
        snprintf(t->purpose, sizeof(t->purpose), "%s %s '%s'", word, inv->args[0], name);
}

static int no_memory(const struct invocation *inv, const struct request_text *t) {
        return fail_errno(&inv->output, -ENOMEM, "cannot %s", t->purpose);
}

static int show_list(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "NAME", "name", COLUMN_TEXT },
                { "VERSION", "version", COLUMN_NUMBER },
                { "SIZE", "size", COLUMN_SIZE },
                { "TIME", "time", COLUMN_TIME },
        };
        char endpoint[32];
        json_t *rows;
        int exit_code;

        snprintf(endpoint, sizeof(endpoint), "%s.list", inv->args[0]);
        exit_code = tree_list(inv, endpoint, NULL, "list the store", &rows);
        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json) {
                output_document_take(&inv->output, "thox.store/1",
                                     json_pack("{s:s, s:o}", "kind", inv->args[0], "items", rows));
                return EXIT_CODE_OK;
        }
        output_table(&inv->output, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
        return EXIT_CODE_OK;
}

static int show_object(struct invocation *inv, const struct buf *answer) {
        struct value_reader r;
        const uint8_t *bytes = NULL;
        size_t len = 0;
        int64_t version = 0;
        json_t *text;

        value_reader_init(&r, answer->data, answer->len);
        if (!value_get_bytes(&r, &bytes, &len) || !value_get_integer_opt(&r, &version))
                return fail_errno(&inv->output, -EBADMSG, "cannot read the store's answer");
        if (!inv->output.is_json) {
                fwrite(bytes, 1, len, inv->output.out);
                return EXIT_CODE_OK;
        }
        text = json_from_bytes(bytes, len);
        output_document_take(&inv->output, "thox.object/1",
                             json_pack("{s:s, s:s, s:I, s:o}", "kind", inv->args[0], "name",
                                       inv->args[1], "version", (json_int_t)version, "content",
                                       text));
        return EXIT_CODE_OK;
}

static int run_get(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        struct request_text t;
        uint32_t status;
        int exit_code;

        tree_args_init(&args);
        tree_args_init(&answer);
        exit_code = open_store(inv);
        if (exit_code != 0)
                return exit_code;
        if (inv->n_args == 1)
                return show_list(inv);
        name_request(&t, inv, "get", "get", inv->args[1]);
        if (value_put_text(&args, inv->args[1]) < 0 ||
            (inv->version != INVOCATION_UNSET &&
             value_put_integer(&args, (int64_t)inv->version) < 0))
                return no_memory(inv, &t);
        exit_code = tree_ask(inv, t.endpoint, &args, &status, &answer);
        if (exit_code != 0)
                return exit_code;
        if (status != STATUS_OK)
                return tree_refused(inv, status, &answer, t.purpose);
        return show_object(inv, &answer);
}

static int put_expect_and_note(struct buf *args, const struct invocation *inv) {
        int r;

        if (inv->expect != INVOCATION_UNSET)
                r = value_put_integer(args, (int64_t)inv->expect);
        else
                r = value_put_nil(args);
        if (r == 0 && inv->note)
                r = value_put_text(args, inv->note);
        return r;
}

/* One change, and the version it made. */
static int change(struct invocation *inv,
                  const struct request_text *t,
                  const struct buf *args,
                  const char *name) {
        json_int_t version;
        json_t *values;
        int exit_code = tree_call(inv, t->endpoint, args, t->purpose, &values);

        if (exit_code != 0)
                return exit_code;
        version = json_integer_value(json_array_get(values, 0));
        json_decref(values);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.change/1",
                                     json_pack("{s:s, s:s, s:I}", "kind", inv->args[0], "name",
                                               name, "version", version));
        else if (!inv->output.is_quiet)
                fprintf(inv->output.out, "%s '%s' version %lld\n", inv->args[0], name,
                        (long long)version);
        return EXIT_CODE_OK;
}

static int run_set(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), bytes CLEANUP(buf_deinit);
        struct request_text t;
        int exit_code = check_kind(inv);

        tree_args_init(&args);
        tree_args_init(&bytes);
        if (exit_code == 0)
                exit_code = source_read(inv, inv->args[2], LIMIT_SOURCE_BYTES, &bytes);
        if (exit_code == 0)
                exit_code = tree_open(inv);
        if (exit_code != 0)
                return exit_code;
        name_request(&t, inv, "set", "set", inv->args[1]);
        if (value_put_text(&args, inv->args[1]) < 0 ||
            value_put_bytes(&args, bytes.data, bytes.len) < 0 ||
            put_expect_and_note(&args, inv) < 0)
                return no_memory(inv, &t);
        return change(inv, &t, &args, inv->args[1]);
}

static int run_rm(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct request_text t;
        int exit_code = open_store(inv);

        tree_args_init(&args);
        if (exit_code != 0)
                return exit_code;
        name_request(&t, inv, "set", "remove", inv->args[1]);
        if (value_put_text(&args, inv->args[1]) < 0 || value_put_nil(&args) < 0 ||
            put_expect_and_note(&args, inv) < 0)
                return no_memory(inv, &t);
        return change(inv, &t, &args, inv->args[1]);
}

static int run_versions(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "VERSION", "version", COLUMN_NUMBER }, { "SIZE", "size", COLUMN_SIZE },
                { "TIME", "time", COLUMN_TIME },         { "DELETED", "deleted", COLUMN_TEXT },
                { "DATA", "data", COLUMN_TEXT },         { "NOTE", "note", COLUMN_TEXT },
        };
        struct buf args CLEANUP(buf_deinit);
        struct request_text t;
        json_t *values, *rows;
        int exit_code = open_store(inv);

        tree_args_init(&args);
        if (exit_code != 0)
                return exit_code;
        name_request(&t, inv, "versions", "list the versions of", inv->args[1]);
        if (value_put_text(&args, inv->args[1]) < 0)
                return no_memory(inv, &t);
        exit_code = tree_call(inv, t.endpoint, &args, t.purpose, &values);
        if (exit_code != 0)
                return exit_code;
        rows = json_array_get(values, 0);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.versions/1",
                                     json_pack("{s:s, s:s, s:O}", "kind", inv->args[0], "name",
                                               inv->args[1], "versions", rows));
        else
                output_table(&inv->output, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(values);
        return EXIT_CODE_OK;
}

static int put_with_data(struct buf *args, const struct invocation *inv) {
        int r = inv->with_data ? value_put_map(args, 1) : 0;

        if (r == 0 && inv->with_data)
                r = value_put_text(args, "data");
        return r == 0 && inv->with_data ? value_put_boolean(args, true) : r;
}

static int run_rollback(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct request_text t;
        uint64_t version = 0;
        int exit_code;

        tree_args_init(&args);
        if (inv->n_args == 3 && parse_u64(inv->args[2], INT64_MAX, &version) < 0)
                return command_misused(inv, "'%s' is no version: it takes a whole number",
                                       inv->args[2]);
        exit_code = open_store(inv);
        if (exit_code != 0)
                return exit_code;
        name_request(&t, inv, "rollback", "roll back", inv->args[1]);
        if (value_put_text(&args, inv->args[1]) < 0 ||
            (inv->n_args == 3 ? value_put_integer(&args, (int64_t)version) : value_put_nil(&args)) <
                    0 ||
            put_with_data(&args, inv) < 0)
                return no_memory(inv, &t);
        return change(inv, &t, &args, inv->args[1]);
}

const struct command VERB_GET = {
        .name = "get",
        .group = COMMAND_GROUP_STORES,
        .usage = "KIND [NAME]",
        .summary = "write a stored object to stdout, or list the store",
        .details = "Without NAME the store is listed; version 0 comes from the boot store." KINDS,
        .examples = { "thoxctl get program", "thoxctl get program bot --version 3 > bot.lua" },
        .flags = { "version" },
        .min_args = 1,
        .max_args = 2,
        .run = run_get,
};

const struct command VERB_SET = {
        .name = "set",
        .group = COMMAND_GROUP_STORES,
        .usage = "KIND NAME FILE",
        .summary = "store a new version; FILE may be '-'",
        .details = "The source must compile; earlier versions are kept." KINDS,
        .examples = { "thoxctl set program bot bot.lua",
                      "thoxctl set library json - --expect 2 --note 'faster' < json.lua" },
        .flags = { "expect", "note" },
        .min_args = 3,
        .max_args = 3,
        .run = run_set,
};

const struct command VERB_RM = {
        .name = "rm",
        .group = COMMAND_GROUP_STORES,
        .usage = "KIND NAME",
        .summary = "remove an object; its versions are kept",
        .details = "A removal is a version: 'thoxctl rollback' brings the object back." KINDS,
        .examples = { "thoxctl rm program bot", "thoxctl rm library json --expect 4" },
        .flags = { "expect", "note" },
        .min_args = 2,
        .max_args = 2,
        .run = run_rm,
};

const struct command VERB_VERSIONS = {
        .name = "versions",
        .group = COMMAND_GROUP_STORES,
        .usage = "KIND NAME",
        .summary = "list the kept versions of an object, newest first",
        .details = "KIND is program, library, runtime or props.",
        .examples = { "thoxctl versions program bot", "thoxctl versions program bot --json" },
        .min_args = 2,
        .max_args = 2,
        .run = run_versions,
};

const struct command VERB_ROLLBACK = {
        .name = "rollback",
        .group = COMMAND_GROUP_STORES,
        .usage = "KIND NAME [VERSION]",
        .summary = "store an earlier version again, by default the one before",
        .details = "Makes a new version with the old content. With --with-data a program's data "
                   "becomes\n"
                   "what it was when that version ended; 'thoxctl versions' shows of which "
                   "versions\n"
                   "it is kept." KINDS,
        .examples = { "thoxctl rollback program bot",
                      "thoxctl rollback program bot 3 --with-data" },
        .flags = { "with-data" },
        .min_args = 2,
        .max_args = 3,
        .run = run_rollback,
};
