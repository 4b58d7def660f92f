/*
 * cmd_data.c - data: the objects in which programs keep data. Here are those of its actions that take an
 * object whole.
 */
#include <errno.h>
#include <string.h>

#include "thoxctl/data_action.h"
#include "thoxctl/data_object.h"
#include "thoxctl/json.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

static const struct column FIELDS[] = {
        { "name", "name", COLUMN_TEXT },
        { "volatile", "volatile", COLUMN_TEXT },
        { "keys", "keys", COLUMN_NUMBER },
        { "key limit", "max_keys", COLUMN_NUMBER },
        { "bytes", "bytes", COLUMN_SIZE },
        { "stream", "stream", COLUMN_SIZE },
        { "byte limit", "max_bytes", COLUMN_SIZE },
        { "revision", "revision", COLUMN_NUMBER },
        { "created", "time", COLUMN_TIME },
};

static int action_list(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "NAME", "name", COLUMN_TEXT },         { "KEYS", "keys", COLUMN_NUMBER },
                { "BYTES", "bytes", COLUMN_SIZE },       { "STREAM", "stream", COLUMN_SIZE },
                { "VOLATILE", "volatile", COLUMN_TEXT }, { "CREATED", "time", COLUMN_TIME },
        };
        json_t *rows;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code = tree_list(inv, "data.list", NULL, "list the data objects", &rows);
        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.data/1",
                                     json_pack("{s:O}", "objects", rows));
        else
                output_table(&inv->output, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
        return EXIT_CODE_OK;
}

static int action_info(struct invocation *inv) {
        struct data_object o;
        json_t *values, *info;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code = data_object_find(&o, inv, inv->args[1]);
        if (exit_code == 0)
                exit_code = data_object_call(&o, "info", NULL, "look at", &values);
        if (exit_code != 0)
                return exit_code;
        info = json_array_get(values, 0);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.data.info/1",
                                     json_pack("{s:O}", "object", info));
        else
                for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
                        output_field(&inv->output, &FIELDS[i], info);
        json_decref(values);
        return EXIT_CODE_OK;
}

static int put_limit(struct buf *args, const char *key, uint64_t n) {
        int r = n == INVOCATION_UNSET ? 0 : value_put_text(args, key);

        return r == 0 && n != INVOCATION_UNSET ? value_put_integer(args, (int64_t)n) : r;
}

static int action_limit(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct data_object o;
        char purpose[192];
        json_t *values;
        int exit_code;

        tree_args_init(&args);
        if (inv->max_bytes == INVOCATION_UNSET && inv->max_keys == INVOCATION_UNSET)
                return command_misused(inv, "'data limit' needs --bytes, --keys, or both");
        exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = data_object_name(&o, inv, inv->args[1]);
        if (exit_code != 0)
                return exit_code;
        snprintf(purpose, sizeof(purpose), "limit '%.128s'", o.name);
        if (value_put_text(&args, o.name) < 0 || value_put_map(&args, VALUE_INDEFINITE) < 0 ||
            put_limit(&args, "bytes", inv->max_bytes) < 0 ||
            put_limit(&args, "keys", inv->max_keys) < 0 || value_put_end(&args) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_call(inv, "data.limit", &args, purpose, &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}

static int action_rm(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct data_object o;
        char purpose[192];
        json_t *values;
        int exit_code = tree_open(inv);

        tree_args_init(&args);
        if (exit_code == 0)
                exit_code = data_object_find(&o, inv, inv->args[1]);
        if (exit_code != 0)
                return exit_code;
        if (!command_confirmed(inv, "Remove '%s' with all that is in it?", o.name))
                return EXIT_CODE_FAILED;
        snprintf(purpose, sizeof(purpose), "remove '%.128s'", o.name);
        if (value_put_text(&args, o.name) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_call(inv, "data.delete", &args, purpose, &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}

static const struct action {
        const char *name, *usage;
        size_t min_args, max_args;
        int (*run)(struct invocation *inv);
} ACTIONS[] = {
        { "list", "", 0, 0, action_list },
        { "info", "OBJECT", 1, 1, action_info },
        { "get", "OBJECT KEY", 2, 2, data_action_get },
        { "set", "OBJECT KEY VALUE", 3, 3, data_action_set },
        { "del", "OBJECT KEY", 2, 2, data_action_del },
        { "keys", "OBJECT [PREFIX]", 1, 2, data_action_keys },
        { "watch", "OBJECT [PREFIX]", 1, 2, data_action_watch },
        { "read", "OBJECT", 1, 1, data_action_read },
        { "write", "OBJECT FILE", 2, 2, data_action_write },
        { "limit", "OBJECT", 1, 1, action_limit },
        { "rm", "OBJECT", 1, 1, action_rm },
};

static int unknown_action(const struct invocation *inv) {
        const char *words[ARRAY_SIZE(ACTIONS) + 1] = { NULL };

        for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++)
                words[i] = ACTIONS[i].name;
        return command_unknown_word(inv, "action", inv->args[0], words);
}

static int run_data(struct invocation *inv) {
        size_t n = inv->n_args - 1;

        for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++) {
                const struct action *a = &ACTIONS[i];

                if (strcmp(a->name, inv->args[0]) != 0)
                        continue;
                if (n >= a->min_args && n <= a->max_args)
                        return a->run(inv);
                return command_misused(inv, "'data %s' is used like this: thoxctl data %s%s%s",
                                       a->name, a->name, *a->usage ? " " : "", a->usage);
        }
        return unknown_action(inv);
}

const struct command VERB_DATA = {
        .name = "data",
        .group = COMMAND_GROUP_STORES,
        .usage = "ACTION [OBJECT [ARGUMENTS...]]",
        .summary = "look at and change what programs keep in os.data",
        .details = "  list                     all objects\n"
                   "  info OBJECT              what one has, and its limits\n"
                   "  get OBJECT KEY           a value, as Lua would write it\n"
                   "  set OBJECT KEY VALUE     VALUE is a Lua literal: 1, 'text', {x = 2}\n"
                   "  del OBJECT KEY           remove a key\n"
                   "  keys OBJECT [PREFIX]     keys and values, in order\n"
                   "  watch OBJECT [PREFIX]    show changes as they are made\n"
                   "  read OBJECT              write its stream to stdout\n"
                   "  write OBJECT FILE        replace its stream; FILE may be '-'\n"
                   "  limit OBJECT             change --bytes, --keys, or both\n"
                   "  rm OBJECT                remove it with all that is in it\n"
                   "OBJECT is a program's name or, with a ':', an object's.",
        .examples = { "thoxctl data keys guest-book guest:",
                      "thoxctl data set bot greeting 'good morning'" },
        .flags = { "expect", "ttl", "from", "count", "bytes", "keys" },
        .min_args = 1,
        .max_args = 4,
        .run = run_data,
};
