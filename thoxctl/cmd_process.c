/*
 * cmd_process.c - ps, status.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/status.h"
#include "thoxctl/json.h"
#include "thoxctl/process.h"
#include "thoxctl/report.h"
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

static const struct column SERVICE_COLUMNS[] = {
        { "SERVICE", "name", COLUMN_TEXT }, { "ENABLED", "enabled", COLUMN_TEXT },
        { "STATE", "state", COLUMN_STATE }, { "PID", "pid", COLUMN_NUMBER },
        { "WHY", "why", COLUMN_TEXT },
};

/* What init says of its services; NULL when there is none to ask. */
static json_t *list_services(struct invocation *inv) {
        struct buf answer CLEANUP(buf_deinit);
        json_t *values, *rows = NULL;
        uint32_t status;

        tree_args_init(&answer);
        if (tree_ask(inv, "init.list", NULL, &status, &answer) != 0 || status != STATUS_OK)
                return NULL;
        values = json_from_values(answer.data, answer.len);
        if (values)
                rows = json_incref(json_array_get(values, 0));
        json_decref(values);
        return rows;
}

static void show_tree_status(const struct output *o, const json_t *tree) {
        static const struct column FIELDS[] = {
                { "state", "state", COLUMN_STATE },    { "version", "version", COLUMN_TEXT },
                { "linux-pid", "pid", COLUMN_NUMBER }, { "uptime", "uptime", COLUMN_DURATION },
                { "directory", "dir", COLUMN_TEXT },   { "socket", "socket", COLUMN_TEXT },
                { "log", "log", COLUMN_TEXT },         { "processes", "processes", COLUMN_NUMBER },
                { "calls", "calls", COLUMN_NUMBER },
        };
        static const struct column SAFE = { "safe mode", "safe", COLUMN_TEXT };
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
        if (json_is_true(json_object_get(tree, "safe")))
                output_field(o, &SAFE, tree);
        fputc('\n', o->out);
        output_table(o, DAEMON_COLUMNS, ARRAY_SIZE(DAEMON_COLUMNS),
                     json_object_get(tree, "daemons"));
        fputc('\n', o->out);
        output_table(o, LAYER_COLUMNS, ARRAY_SIZE(LAYER_COLUMNS),
                     json_object_get(tree, "confinement"));
        if (json_array_size(json_object_get(tree, "services")) == 0)
                return;
        fputc('\n', o->out);
        output_table(o, SERVICE_COLUMNS, ARRAY_SIZE(SERVICE_COLUMNS),
                     json_object_get(tree, "services"));
}

static int status_of_tree(struct invocation *inv) {
        json_t *values, *tree;
        int exit_code = tree_call(inv, "tree.status", NULL, "ask for the tree's state", &values);

        if (exit_code != 0)
                return exit_code;
        tree = json_array_get(values, 0);
        json_object_set_new(tree, "services", list_services(inv));
        exit_code = (int)code_of_state(json_string_value(json_object_get(tree, "state")));
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.status/1",
                                     json_pack("{s:O}", "tree", tree));
        else
                show_tree_status(&inv->output, tree);
        json_decref(values);
        return exit_code;
}

/* True when it is a service that does not run, and was shown. */
static bool show_service(struct invocation *inv,
                         const char *name,
                         json_t *reports,
                         int *ret_exit_code) {
        json_t *services = list_services(inv);
        const json_t *found = NULL;

        for (size_t i = 0; i < json_array_size(services) && !found; i++)
                if (strcmp(text_member(json_array_get(services, i), "name"), name) == 0)
                        found = json_array_get(services, i);
        if (found && inv->output.is_json)
                output_document_take(&inv->output, "thox.status/1",
                                     json_pack("{s:[], s:O, s:O}", "processes", "service", found,
                                               "reports", reports));
        for (size_t i = 0; found && !inv->output.is_json && i < ARRAY_SIZE(SERVICE_COLUMNS); i++) {
                struct column field = SERVICE_COLUMNS[i];

                field.title = field.key;
                output_field(&inv->output, &field, found);
        }
        if (found && !inv->output.is_json)
                report_show(&inv->output, reports);
        if (found)
                *ret_exit_code = strcmp(text_member(found, "state"), "failed") == 0 ?
                                         STATUS_CODE_FAILED :
                                         STATUS_CODE_NOT_RUNNING;
        json_decref(services);
        return found != NULL;
}

/* Nobody of that name runs: is there at least such a service, or a program? */
static int status_of_absent(struct invocation *inv, const char *name, json_t *reports) {
        json_t *rows;
        bool exists = json_array_size(reports) > 0;
        int exit_code;

        if (show_service(inv, name, reports, &exit_code))
                return exit_code;
        exit_code = tree_list(inv, "program.list", NULL, "list programs", &rows);
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
                                     json_pack("{s:[], s:s, s:s, s:O}", "processes", "name", name,
                                               "state", "not running", "reports", reports));
        else
                fprintf(inv->output.out, "%s is not running\n", name);
        if (!inv->output.is_json)
                report_show(&inv->output, reports);
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

static int status_of_processes(struct invocation *inv, json_t *processes, json_t *reports) {
        enum status_code worst = STATUS_CODE_RUNNING;

        for (size_t i = 0; i < json_array_size(processes); i++) {
                const json_t *process = json_array_get(processes, i);
                enum status_code code = code_of_state(text_member(process, "state"));

                if (code > worst)
                        worst = code;
        }
        if (inv->output.is_json)
                output_document_take(
                        &inv->output, "thox.status/1",
                        json_pack("{s:O, s:O}", "processes", processes, "reports", reports));
        else
                show_processes(&inv->output, processes);
        if (!inv->output.is_json)
                report_show(&inv->output, reports);
        return (int)worst;
}

static int run_status(struct invocation *inv) {
        json_t *rows, *selected, *reports;
        int exit_code = tree_open(inv);

        if (exit_code != 0)
                return exit_code;
        if (inv->n_args == 0)
                return status_of_tree(inv);
        if (report_list(inv, inv->args[0], &reports) != 0)
                return STATUS_CODE_UNKNOWN;
        exit_code = tree_list(inv, "process.list", NULL, "list processes", &rows);
        if (exit_code != 0) {
                json_decref(reports);
                return STATUS_CODE_UNKNOWN;
        }
        selected = process_select(rows, inv->args[0]);
        if (json_array_size(selected) == 0)
                exit_code = status_of_absent(inv, inv->args[0], reports);
        else
                exit_code = status_of_processes(inv, selected, reports);
        json_decref(reports);
        json_decref(selected);
        json_decref(rows);
        return exit_code;
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
        .details = "After a fall also the report of it: why, where, what it had used and last "
                   "called.\n\n"
                   "Exit codes: 0 running, 1 failed, 2 degraded or not ready, 3 not running, 4 "
                   "unknown.",
        .examples = { "thoxctl status", "thoxctl status bot && echo up" },
        .max_args = 1,
        .unreachable_code = STATUS_CODE_NOT_RUNNING,
        .run = run_status,
};
