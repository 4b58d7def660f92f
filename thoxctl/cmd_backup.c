/*
 * cmd_backup.c - backup, restore, compact, check, stats: looking after the whole store.
 */
#include <stdlib.h>

#include "thoxctl/fresh.h"
#include "thoxctl/offline.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* The text of a size, for a sentence. */
static void format_size(struct buf *text, const json_t *size) {
        buf_init(text, 64);
        output_format(text, COLUMN_SIZE, size);
}

static int show_backup(const struct invocation *inv, json_t *size) {
        struct buf text CLEANUP(buf_deinit);

        format_size(&text, size);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.backup/1",
                                     json_pack("{s:s, s:O}", "file", inv->args[0], "size", size));
        else if (!inv->output.is_quiet)
                fprintf(inv->output.out, "%s: %.*s\n", inv->args[0], (int)text.len,
                        (const char *)text.data);
        return EXIT_CODE_OK;
}

static int run_backup(struct invocation *inv) {
        struct fresh file;
        json_t *values = NULL;
        int exit_code = fresh_init(&file, inv, inv->args[0]);

        if (exit_code == 0)
                exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code =
                        tree_call_long(inv, "store.backup", file.fd, "back up the store", &values);
        if (exit_code == 0)
                exit_code = fresh_commit(&file, inv);
        if (exit_code == 0)
                exit_code = show_backup(inv, json_array_get(values, 0));
        json_decref(values);
        fresh_deinit(&file);
        return exit_code;
}

static int run_restore(struct invocation *inv) {
        return offline_run(inv, "--restore", inv->args[0]);
}

static int run_compact(struct invocation *inv) {
        struct buf before CLEANUP(buf_deinit), after CLEANUP(buf_deinit);
        json_t *values;
        int exit_code = tree_open(inv);

        buf_init(&before, 0);
        buf_init(&after, 0);
        if (exit_code == 0)
                exit_code = tree_call_long(inv, "store.compact", -1, "compact the store", &values);
        if (exit_code != 0)
                return exit_code;
        format_size(&before, json_array_get(values, 0));
        format_size(&after, json_array_get(values, 1));
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.compact/1",
                                     json_pack("{s:O, s:O}", "size_before",
                                               json_array_get(values, 0), "size",
                                               json_array_get(values, 1)));
        else if (!inv->output.is_quiet)
                fprintf(inv->output.out, "%.*s -> %.*s\n", (int)before.len,
                        (const char *)before.data, (int)after.len, (const char *)after.data);
        json_decref(values);
        return EXIT_CODE_OK;
}

static int report_damage(const struct invocation *inv, const json_t *check) {
        return fail(&inv->output,
                    (struct failure){
                            .exit_code = EXIT_CODE_FAILED,
                            .code = "damaged",
                            .why = json_string_value(json_object_get(check, "damage")),
                            .fix = "shut the tree down, then: thoxctl restore BACKUP",
                    },
                    "the store is damaged");
}

/* Reads the store of a tree that runs. */
static int check_running(struct invocation *inv) {
        json_t *values, *check;
        int exit_code = tree_call_long(inv, "store.check", -1, "check the store", &values);

        if (exit_code != 0)
                return exit_code;
        check = json_array_get(values, 0);
        if (!json_is_true(json_object_get(check, "sound")))
                exit_code = report_damage(inv, check);
        else if (inv->output.is_json)
                output_document_take(&inv->output, "thox.check/1", json_incref(check));
        else if (!inv->output.is_quiet)
                fputs("the store is sound\n", inv->output.out);
        json_decref(values);
        return exit_code;
}

static int run_check(struct invocation *inv) {
        int exit_code;

        if (inv->store || !tree_is_running(inv))
                return offline_run(inv, "--check", NULL);
        exit_code = tree_open(inv);
        return exit_code != 0 ? exit_code : check_running(inv);
}

/* The last check, in the document's place for one line of text. */
static void flatten_check(json_t *stats) {
        const json_t *check = json_object_get(stats, "check");
        const char *damage = json_string_value(json_object_get(check, "damage"));
        bool is_sound = json_is_true(json_object_get(check, "sound"));

        json_object_set_new(stats, "checked", json_incref(json_object_get(check, "time")));
        json_object_set_new(stats, "found", json_string(is_sound ? "sound" : damage));
}

static void show_stats(const struct output *o, json_t *stats) {
        static const struct column FIELDS[] = {
                { "path", "path", COLUMN_TEXT },   { "size", "size", COLUMN_SIZE },
                { "used", "used", COLUMN_SIZE },   { "free", "free", COLUMN_SIZE },
                { "map", "map", COLUMN_SIZE },     { "checked", "checked", COLUMN_TIME },
                { "found", "found", COLUMN_TEXT }, { "running", "operation", COLUMN_TEXT },
        };
        static const struct column COLUMNS[] = {
                { "TABLE", "name", COLUMN_TEXT },
                { "ENTRIES", "entries", COLUMN_NUMBER },
                { "SIZE", "size", COLUMN_SIZE },
        };

        flatten_check(stats);
        for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
                output_field(o, &FIELDS[i], stats);
        fputc('\n', o->out);
        output_table(o, COLUMNS, ARRAY_SIZE(COLUMNS), json_object_get(stats, "tables"));
}

static int run_stats(struct invocation *inv) {
        json_t *values;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code = tree_call(inv, "store.stats", NULL, "ask about the store", &values);
        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.stats/1",
                                     json_incref(json_array_get(values, 0)));
        else
                show_stats(&inv->output, json_array_get(values, 0));
        json_decref(values);
        return EXIT_CODE_OK;
}

const struct command VERB_BACKUP = {
        .name = "backup",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "FILE",
        .summary = "write a copy of the whole store, while it is in use",
        .details = "The file appears when it is complete and on the disk.",
        .examples = { "thoxctl backup thox.backup", "thoxctl backup --force /srv/thox.backup" },
        .flags = { "force" },
        .min_args = 1,
        .max_args = 1,
        .run = run_backup,
};

const struct command VERB_RESTORE = {
        .name = "restore",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "FILE",
        .summary = "put a backup in place of the store of a tree that is stopped",
        .details = "The file is checked first. The store before it is kept beside it, and named.",
        .examples = { "thoxctl restore thox.backup", "thoxctl --system restore thox.backup" },
        .flags = { "store", "libexec" },
        .min_args = 1,
        .max_args = 1,
        .run = run_restore,
};

const struct command VERB_COMPACT = {
        .name = "compact",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "",
        .summary = "give the store's free space back to the disk",
        .details = "Reading goes on meanwhile, changes wait.",
        .examples = { "thoxctl compact", "thoxctl compact --json" },
        .run = run_compact,
};

const struct command VERB_CHECK = {
        .name = "check",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "",
        .summary = "read the whole store and say whether it is sound",
        .details = "Of a tree that runs, or of one that does not.",
        .examples = { "thoxctl check", "thoxctl check --store /var/lib/thox" },
        .flags = { "store", "libexec" },
        .run = run_check,
};

const struct command VERB_STATS = {
        .name = "stats",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "",
        .summary = "show what the store takes, and what the last check found",
        .examples = { "thoxctl stats", "thoxctl stats --json" },
        .run = run_stats,
};
