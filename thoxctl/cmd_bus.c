/*
 * cmd_bus.c - services, describe, handles, calls: what is being routed.
 */
#include <errno.h>
#include <string.h>

#include "thoxctl/json.h"
#include "thoxctl/process.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* One list as a verb shows it. */
struct view {
        const char *endpoint, *schema;
        const char *what; /* also the document's member */
        const struct column *columns;
        size_t n_columns;
        const char *sort_key;
        bool is_descending;
};

static void show_view(const struct invocation *inv, const struct view *view, json_t *rows) {
        if (inv->output.is_json) {
                output_document_take(&inv->output, view->schema,
                                     json_pack("{s:O}", view->what, rows));
                return;
        }
        output_table(&inv->output, view->columns, view->n_columns, rows);
}

/* The argument of the list: the pid of the process named on the command line, if any. */
static int put_process(struct invocation *inv, const char *purpose, struct buf *args) {
        uint64_t pid;
        int exit_code;

        if (inv->n_args == 0)
                return 0;
        exit_code = process_find(inv, inv->args[0], purpose, &pid);
        if (exit_code == 0 && value_put_integer(args, (int64_t)pid) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s '%s'", purpose, inv->args[0]);
        return exit_code;
}

static int run_view(struct invocation *inv, const struct view *view) {
        struct buf args CLEANUP(buf_deinit);
        char purpose[64];
        json_t *rows;
        int exit_code = tree_open(inv);

        tree_args_init(&args);
        snprintf(purpose, sizeof(purpose), "list the %s%s", view->what,
                 inv->n_args > 0 ? " of" : "");
        if (exit_code == 0)
                exit_code = put_process(inv, purpose, &args);
        if (inv->n_args > 0)
                snprintf(purpose, sizeof(purpose), "list the %s of '%.32s'", view->what,
                         inv->args[0]);
        if (exit_code == 0)
                exit_code = tree_list(inv, view->endpoint, &args, purpose, &rows);
        if (exit_code != 0)
                return exit_code;
        json_sort(rows, view->sort_key, view->is_descending);
        show_view(inv, view, rows);
        json_decref(rows);
        return EXIT_CODE_OK;
}

static const struct column SERVICE_COLUMNS[] = {
        { "NAME", "name", COLUMN_TEXT },         { "PID", "pid", COLUMN_NUMBER },
        { "PROGRAM", "program", COLUMN_TEXT },   { "CALLS", "calls", COLUMN_NUMBER },
        { "OPEN", "unanswered", COLUMN_NUMBER }, { "LIMIT", "limit", COLUMN_NUMBER },
        { "CONFLICT", "conflict", COLUMN_TEXT }, { "USAGE", "usage", COLUMN_TEXT },
};

static int run_services(struct invocation *inv) {
        static const struct view VIEW = {
                .endpoint = "service.list",
                .schema = "thox.services/1",
                .what = "services",
                .columns = SERVICE_COLUMNS,
                .n_columns = ARRAY_SIZE(SERVICE_COLUMNS),
                .sort_key = "name",
        };

        return run_view(inv, &VIEW);
}

static int run_handles(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "PID", "pid", COLUMN_NUMBER },
                { "NAME", "name", COLUMN_TEXT },
                { "HANDLE", "handle", COLUMN_NUMBER },
                { "KIND", "kind", COLUMN_TEXT },
                { "OWNER", "owner", COLUMN_NUMBER },
                { "OWNER-NAME", "owner_name", COLUMN_TEXT },
                { "HOLDERS", "holders", COLUMN_NUMBER },
                { "RIGHTS", "rights", COLUMN_TEXT },
        };
        static const struct view VIEW = {
                .endpoint = "handle.list",
                .schema = "thox.handles/1",
                .what = "handles",
                .columns = COLUMNS,
                .n_columns = ARRAY_SIZE(COLUMNS),
                .sort_key = "pid",
        };

        return run_view(inv, &VIEW);
}

static int run_calls(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "AGE", "age", COLUMN_CPU },         { "STATE", "state", COLUMN_TEXT },
                { "PID", "caller", COLUMN_NUMBER },   { "CALLER", "caller_name", COLUMN_TEXT },
                { "TO", "server", COLUMN_NUMBER },    { "SERVER", "server_name", COLUMN_TEXT },
                { "DUE-IN", "deadline", COLUMN_CPU }, { "PRIO", "priority", COLUMN_NUMBER },
                { "HOPS", "hops", COLUMN_NUMBER },    { "CID", "cid", COLUMN_NUMBER },
                { "NAME", "name", COLUMN_TEXT },
        };
        static const struct view VIEW = {
                .endpoint = "call.list",
                .schema = "thox.calls/1",
                .what = "calls",
                .columns = COLUMNS,
                .n_columns = ARRAY_SIZE(COLUMNS),
                .sort_key = "age",
                .is_descending = true,
        };

        return run_view(inv, &VIEW);
}

static void show_servers(const struct output *o, const json_t *servers) {
        static const struct column COLUMNS[] = {
                { "PID", "pid", COLUMN_NUMBER },     { "PROGRAM", "program", COLUMN_TEXT },
                { "CALLS", "calls", COLUMN_NUMBER }, { "OPEN", "unanswered", COLUMN_NUMBER },
                { "LIMIT", "limit", COLUMN_NUMBER },
        };

        fputc('\n', o->out);
        output_table(o, COLUMNS, ARRAY_SIZE(COLUMNS), servers);
}

static void show_service(const struct output *o, const json_t *service) {
        static const struct column FIELDS[] = {
                { "name", "name", COLUMN_TEXT },
                { "usage", "usage", COLUMN_TEXT },
                { "conflict", "conflict", COLUMN_TEXT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
                output_field(o, &FIELDS[i], service);
        show_servers(o, json_object_get(service, "servers"));
}

static int run_describe(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        char purpose[160];
        json_t *values;
        int exit_code = tree_open(inv);

        tree_args_init(&args);
        if (exit_code != 0)
                return exit_code;
        snprintf(purpose, sizeof(purpose), "describe '%s'", inv->args[0]);
        if (value_put_text(&args, inv->args[0]) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_call(inv, "service.describe", &args, purpose, &values);
        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.describe/1",
                                     json_pack("{s:O}", "service", json_array_get(values, 0)));
        else
                show_service(&inv->output, json_array_get(values, 0));
        json_decref(values);
        return EXIT_CODE_OK;
}

const struct command VERB_SERVICES = {
        .name = "services",
        .group = COMMAND_GROUP_BUS,
        .usage = "",
        .summary = "list the endpoints that can be called, and who serves them",
        .examples = { "thoxctl services", "thoxctl services --no-legend | grep '^bot'" },
        .run = run_services,
};

const struct command VERB_DESCRIBE = {
        .name = "describe",
        .group = COMMAND_GROUP_BUS,
        .usage = "NAME",
        .summary = "show one endpoint: how it is called, who serves it, how busy it is",
        .examples = { "thoxctl describe process.run", "thoxctl describe bot.say --json" },
        .min_args = 1,
        .max_args = 1,
        .run = run_describe,
};

const struct command VERB_HANDLES = {
        .name = "handles",
        .group = COMMAND_GROUP_BUS,
        .usage = "[NAME|PID]",
        .summary = "list which contexts processes can reach, and with which rights",
        .details = "Handles are numbered as programs see them: 0 is the default context.\n"
                   "Kinds: native, table and manual (how its owner routes it), connection (its "
                   "owner\n"
                   "is who serves it), dead.",
        .examples = { "thoxctl handles", "thoxctl handles bot" },
        .max_args = 1,
        .run = run_handles,
};

const struct command VERB_CALLS = {
        .name = "calls",
        .group = COMMAND_GROUP_BUS,
        .usage = "[NAME|PID]",
        .summary = "list the calls that wait for an answer, oldest first",
        .details = "Of one process: what it asks and what it is asked.\n"
                   "States: sending (parts of the request are still to come), waiting, answering.",
        .examples = { "thoxctl calls", "thoxctl calls bot --json" },
        .max_args = 1,
        .run = run_calls,
};
