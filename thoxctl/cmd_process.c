/*
 * cmd_process.c - ps, status, kill, restart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thoxctl/process.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* Exit codes of `status`. */
enum status_code {
        STATUS_CODE_RUNNING = 0,
        STATUS_CODE_FAILED = 1,
        STATUS_CODE_NOT_READY = 2,
        STATUS_CODE_NOT_RUNNING = 3,
        STATUS_CODE_UNKNOWN = 4,
};

static const struct column PROCESS_COLUMNS[] = {
        { "PID", "pid", COLUMN_NUMBER },
        { "PPID", "ppid", COLUMN_NUMBER },
        { "UID", "uid", COLUMN_NUMBER },
        { "NAME", "name", COLUMN_TEXT },
        { "STATE", "state", COLUMN_STATE },
        { "RESTARTS", "restarts", COLUMN_NUMBER },
        { "UPTIME", "uptime", COLUMN_DURATION },
        { "CPU", "cpu", COLUMN_CPU },
        { "MEMORY", "memory", COLUMN_SIZE },
        { "CALLS", "calls", COLUMN_NUMBER },
        { "LINUX-PID", "linux_pid", COLUMN_NUMBER },
        { "PROGRAM", "program", COLUMN_TEXT },
};

static int run_ps(struct invocation *inv) {
        json_t *rows;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code = tree_list(inv, "process.list", NULL, "list processes", &rows);
        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json) {
                output_document_take(&inv->output, "thox.ps/1",
                                     json_pack("{s:o}", "processes", rows));
                return EXIT_CODE_OK;
        }
        output_table(&inv->output, PROCESS_COLUMNS, ARRAY_SIZE(PROCESS_COLUMNS), rows);
        json_decref(rows);
        return EXIT_CODE_OK;
}

static enum status_code code_of_state(const char *state) {
        if (!state)
                return STATUS_CODE_UNKNOWN;
        if (strcmp(state, "running") == 0 || strcmp(state, "waiting") == 0)
                return STATUS_CODE_RUNNING;
        return strcmp(state, "failed") == 0 ? STATUS_CODE_FAILED : STATUS_CODE_NOT_READY;
}

static const char *text_member(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static void show_tree_status(const struct output *o, const json_t *tree) {
        static const struct column FIELDS[] = {
                { "state", "state", COLUMN_STATE },
                { "version", "version", COLUMN_TEXT },
                { "linux-pid", "pid", COLUMN_NUMBER },
                { "uptime", "uptime", COLUMN_DURATION },
                { "directory", "dir", COLUMN_TEXT },
                { "socket", "socket", COLUMN_TEXT },
                { "processes", "processes", COLUMN_NUMBER },
                { "calls", "calls", COLUMN_NUMBER },
        };
        static const struct column DAEMON_COLUMNS[] = {
                { "LINUX-PID", "pid", COLUMN_NUMBER },
                { "DAEMON", "name", COLUMN_TEXT },
                { "STATE", "state", COLUMN_STATE },
                { "RESTARTS", "restarts", COLUMN_NUMBER },
        };

        static const struct column LAYER_COLUMNS[] = {
                { "CONFINEMENT", "layer", COLUMN_TEXT },
                { "STATE", "state", COLUMN_TEXT },
                { "WHY", "why", COLUMN_TEXT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
                output_field(o, &FIELDS[i], tree);
        fputc('\n', o->out);
        output_table(o, DAEMON_COLUMNS, ARRAY_SIZE(DAEMON_COLUMNS),
                     json_object_get(tree, "daemons"));
        fputc('\n', o->out);
        output_table(o, LAYER_COLUMNS, ARRAY_SIZE(LAYER_COLUMNS),
                     json_object_get(tree, "confinement"));
}

static int status_of_tree(struct invocation *inv) {
        json_t *values, *tree;
        int exit_code = tree_call(inv, "tree.status", NULL, "ask for the tree's state", &values);

        if (exit_code != 0)
                return exit_code;
        tree = json_array_get(values, 0);
        exit_code = (int)code_of_state(json_string_value(json_object_get(tree, "state")));
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.status/1",
                                     json_pack("{s:O}", "tree", tree));
        else
                show_tree_status(&inv->output, tree);
        json_decref(values);
        return exit_code;
}

/* Nobody of that name runs: is there at least such a program? */
static int status_of_absent(struct invocation *inv, const char *name) {
        json_t *rows;
        bool exists = false;
        int exit_code = tree_list(inv, "program.list", NULL, "list programs", &rows);

        if (exit_code != 0)
                return STATUS_CODE_UNKNOWN;
        for (size_t i = 0; i < json_array_size(rows); i++)
                exists |= strcmp(text_member(json_array_get(rows, i), "name"), name) == 0;
        json_decref(rows);
        if (!exists)
                return fail(&inv->output,
                            (struct failure){ .exit_code = STATUS_CODE_UNKNOWN,
                                              .code = "notfound",
                                              .why = "no process and no stored program has this "
                                                     "name or pid",
                                              .fix = "thoxctl ps" },
                            "'%s' is unknown", name);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.status/1",
                                     json_pack("{s:[], s:s, s:s}", "processes", "name", name,
                                               "state", "not running"));
        else
                fprintf(inv->output.out, "%s is not running\n", name);
        return STATUS_CODE_NOT_RUNNING;
}

static const struct column CONFINEMENT = { "confinement", "confinement", COLUMN_TEXT };

static void show_processes(const struct output *o, const json_t *processes) {
        for (size_t i = 0; i < json_array_size(processes); i++) {
                if (i > 0)
                        fputc('\n', o->out);
                for (size_t k = 0; k < ARRAY_SIZE(PROCESS_COLUMNS); k++) {
                        struct column field = PROCESS_COLUMNS[k];

                        field.title = field.key;
                        output_field(o, &field, json_array_get(processes, i));
                }
                output_field(o, &CONFINEMENT, json_array_get(processes, i));
        }
}

static int status_of_processes(struct invocation *inv, json_t *processes) {
        enum status_code worst = STATUS_CODE_RUNNING;

        for (size_t i = 0; i < json_array_size(processes); i++) {
                const json_t *process = json_array_get(processes, i);
                enum status_code code = code_of_state(text_member(process, "state"));

                if (code > worst)
                        worst = code;
        }
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.status/1",
                                     json_pack("{s:O}", "processes", processes));
        else
                show_processes(&inv->output, processes);
        return (int)worst;
}

static int run_status(struct invocation *inv) {
        json_t *rows, *selected;
        int exit_code = tree_open(inv);

        if (exit_code != 0)
                return exit_code;
        if (inv->n_args == 0)
                return status_of_tree(inv);
        exit_code = tree_list(inv, "process.list", NULL, "list processes", &rows);
        if (exit_code != 0)
                return STATUS_CODE_UNKNOWN;
        selected = process_select(rows, inv->args[0]);
        if (json_array_size(selected) == 0)
                exit_code = status_of_absent(inv, inv->args[0]);
        else
                exit_code = status_of_processes(inv, selected);
        json_decref(selected);
        json_decref(rows);
        return exit_code;
}

/* What is asked for each process that the command line names. */
struct order {
        const char *verb, *endpoint;
        const char *signal; /* NULL: the endpoint wants none */
        const char *schema, *member;
};

static int order_one(struct invocation *inv, const struct order *order, const char *wanted) {
        struct buf args CLEANUP(buf_deinit);
        char purpose[160];
        json_t *values;
        uint64_t pid;
        int exit_code;

        tree_args_init(&args);
        exit_code = process_find(inv, wanted, order->verb, &pid);
        if (exit_code != 0)
                return exit_code;
        snprintf(purpose, sizeof(purpose), "%s '%s'", order->verb, wanted);
        if (value_put_integer(&args, (int64_t)pid) < 0 ||
            (order->signal && value_put_text(&args, order->signal) < 0))
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_call(inv, order->endpoint, &args, purpose, &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}

static int order_all(struct invocation *inv, const struct order *order) {
        json_t *done = json_array();
        int exit_code = tree_open(inv);

        if (exit_code != 0) {
                json_decref(done);
                return exit_code;
        }
        for (size_t i = 0; i < inv->n_args; i++) {
                int r = order_one(inv, order, inv->args[i]);

                if (r == 0)
                        json_array_append_new(done, json_string(inv->args[i]));
                else if (exit_code == 0)
                        exit_code = r;
        }
        if (inv->output.is_json)
                output_document_take(&inv->output, order->schema,
                                     json_pack("{s:O}", order->member, done));
        json_decref(done);
        return exit_code;
}

static int run_kill(struct invocation *inv) {
        const struct order order = { .verb = "kill",
                                     .endpoint = "process.kill",
                                     .signal = inv->is_now ? "kill" : "terminate",
                                     .schema = "thox.kill/1",
                                     .member = "killed" };
        return order_all(inv, &order);
}

static int run_restart(struct invocation *inv) {
        static const struct order order = { .verb = "restart",
                                            .endpoint = "process.restart",
                                            .schema = "thox.restart/1",
                                            .member = "restarted" };
        return order_all(inv, &order);
}

const struct command VERB_PS = {
        .name = "ps",
        .aliases = { "ls", "list" },
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "",
        .summary = "list the processes of the tree",
        .details = "States: starting, running (has Lua to execute), waiting (for an event), "
                   "restarting,\n"
                   "stopping.",
        .examples = { "thoxctl ps", "thoxctl ps --json" },
        .run = run_ps,
};

const struct command VERB_STATUS = {
        .name = "status",
        .aliases = { "info" },
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "[NAME|PID]",
        .summary = "state of the tree, or of a process; also as exit code",
        .details = "Exit codes: 0 running, 1 failed, 2 degraded or not ready, 3 not running, 4 "
                   "unknown.",
        .examples = { "thoxctl status", "thoxctl status bot && echo up" },
        .max_args = 1,
        .unreachable_code = STATUS_CODE_NOT_RUNNING,
        .run = run_status,
};

const struct command VERB_KILL = {
        .name = "kill",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "NAME|PID...",
        .summary = "end processes: asks, waits a second, then forces",
        .details = "Returns when they are gone. A name that several processes have is refused.",
        .examples = { "thoxctl kill bot", "thoxctl kill --now 12 13" },
        .flags = { "now" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_kill,
};

const struct command VERB_RESTART = {
        .name = "restart",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "NAME|PID...",
        .summary = "end processes as kill does and start them again",
        .details = "They keep their pids and get the newest version of their program. Returns when "
                   "they are up.",
        .examples = { "thoxctl restart bot", "thoxctl restart 12 13" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_restart,
};
