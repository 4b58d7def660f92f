/*
 * cmd_locks.c - locks: who holds and waits for which lock of which data object.
 */
#include "thoxctl/data_object.h"
#include "thoxctl/json.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* Appends the locks of one object, each with its name and what whoever has it does. */
static int collect(struct invocation *inv, const char *typed, json_t *rows) {
        struct data_object o;
        json_t *values, *lock;
        size_t i;
        int exit_code = data_object_open(&o, inv, typed);

        if (exit_code == 0)
                exit_code = data_object_call(&o, "locks", NULL, "list the locks of", &values);
        data_object_close(&o);
        if (exit_code != 0)
                return exit_code;
        json_array_foreach(json_array_get(values, 0), i, lock) {
                bool is_held = json_object_get(lock, "fence") != NULL;

                json_object_set_new(lock, "object", json_string(o.name));
                json_object_set_new(lock, "state", json_string(is_held ? "held" : "waits"));
                json_array_append(rows, lock);
        }
        json_decref(values);
        return 0;
}

static int collect_all(struct invocation *inv, json_t *rows) {
        json_t *objects, *object;
        size_t i;
        int exit_code = tree_list(inv, "data.list", NULL, "list the data objects", &objects);

        if (exit_code != 0)
                return exit_code;
        json_array_foreach(objects, i, object) if (exit_code == 0) exit_code =
                collect(inv, json_string_value(json_object_get(object, "name")), rows);
        json_decref(objects);
        return exit_code;
}

static int run_locks(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "OBJECT", "object", COLUMN_TEXT }, { "LOCK", "name", COLUMN_TEXT },
                { "STATE", "state", COLUMN_STATE },  { "MODE", "mode", COLUMN_TEXT },
                { "PID", "pid", COLUMN_NUMBER },     { "FENCE", "fence", COLUMN_NUMBER },
                { "SINCE", "time", COLUMN_TIME },
        };
        json_t *rows;
        int exit_code = tree_open(inv);

        if (exit_code != 0)
                return exit_code;
        rows = json_array();
        exit_code = inv->n_args > 0 ? collect(inv, inv->args[0], rows) : collect_all(inv, rows);
        if (exit_code == 0 && inv->output.is_json)
                output_document_take(&inv->output, "thox.locks/1",
                                     json_pack("{s:O}", "locks", rows));
        else if (exit_code == 0)
                output_table(&inv->output, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
        return exit_code;
}

const struct command VERB_LOCKS = {
        .name = "locks",
        .group = COMMAND_GROUP_STORES,
        .usage = "[OBJECT]",
        .summary = "list who holds and waits for the locks of data objects",
        .details = "OBJECT is a program's name or, with a ':', an object's; without it, all that\n"
                   "were ever written to.",
        .examples = { "thoxctl locks", "thoxctl locks guest-book --json" },
        .max_args = 1,
        .run = run_locks,
};
