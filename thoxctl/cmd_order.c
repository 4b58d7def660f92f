/*
 * cmd_order.c - kill, start, stop, restart, enable, disable: one thing asked for each name given.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "libipc/status.h"
#include "thoxctl/process.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* Asked of init when the name can be a service's, else or when it is none of initd about a process. */
struct order {
        const char *verb;
        const char *of_service, *of_process; /* endpoints; NULL: not asked there */
        const char *signal; /* of_process's second argument; NULL: none, and no third */
        const char *schema, *member;
};

static int order_process(struct invocation *inv, const struct order *order, const char *wanted) {
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
            (order->signal && (value_put_text(&args, order->signal) < 0 ||
                               value_put_boolean(&args, inv->is_family) < 0)))
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_call(inv, order->of_process, &args, purpose, &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}

/* Stopping one may have stopped others, which need it. */
static void note_others(const struct invocation *inv,
                        const char *wanted,
                        const struct buf *answer) {
        struct value_reader r;
        struct value list;
        const uint8_t *name;
        size_t len;

        value_reader_init(&r, answer->data, answer->len);
        if (value_next(&r, &list) != VALUE_OK || list.type != VALUE_ARRAY)
                return;
        while (value_get_bytes(&r, &name, &len))
                if (len != strlen(wanted) || memcmp(name, wanted, len) != 0)
                        output_note(&inv->output, "'%.*s', which needs it, was stopped before",
                                    (int)len, (const char *)name);
}

static bool is_absent(uint32_t status) {
        return status == STATUS_NOTFOUND || status == STATUS_NOTBOUND;
}

static int order_service(struct invocation *inv, const struct order *order, const char *wanted) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        char purpose[160];
        uint32_t status;
        int exit_code;

        tree_args_init(&args);
        tree_args_init(&answer);
        snprintf(purpose, sizeof(purpose), "%s '%s'", order->verb, wanted);
        if (value_put_text(&args, wanted) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot %s", purpose);
        exit_code = tree_ask(inv, order->of_service, &args, &status, &answer);
        if (exit_code != 0)
                return exit_code;
        if (is_absent(status) && order->of_process)
                return order_process(inv, order, wanted);
        if (status != STATUS_OK)
                return tree_refused(inv, status, &answer, purpose);
        note_others(inv, wanted, &answer);
        return 0;
}

static int order_one(struct invocation *inv, const struct order *order, const char *wanted) {
        bool is_pid = isdigit((unsigned char)wanted[0]) && order->of_process;

        return order->of_service && !is_pid ? order_service(inv, order, wanted) :
                                              order_process(inv, order, wanted);
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
                                     .of_process = "process.kill",
                                     .signal = inv->is_now ? "kill" : "terminate",
                                     .schema = "thox.kill/1",
                                     .member = "killed" };
        return order_all(inv, &order);
}

static int run_start(struct invocation *inv) {
        static const struct order order = { .verb = "start",
                                            .of_service = "init.start",
                                            .schema = "thox.start/1",
                                            .member = "started" };
        return order_all(inv, &order);
}

static int run_stop(struct invocation *inv) {
        static const struct order order = { .verb = "stop",
                                            .of_service = "init.stop",
                                            .schema = "thox.stop/1",
                                            .member = "stopped" };
        return order_all(inv, &order);
}

static int run_restart(struct invocation *inv) {
        static const struct order order = { .verb = "restart",
                                            .of_service = "init.restart",
                                            .of_process = "process.restart",
                                            .schema = "thox.restart/1",
                                            .member = "restarted" };
        return order_all(inv, &order);
}

static int run_enable(struct invocation *inv) {
        static const struct order order = { .verb = "enable",
                                            .of_service = "init.enable",
                                            .schema = "thox.enable/1",
                                            .member = "enabled" };
        return order_all(inv, &order);
}

static int run_disable(struct invocation *inv) {
        static const struct order order = { .verb = "disable",
                                            .of_service = "init.disable",
                                            .schema = "thox.disable/1",
                                            .member = "disabled" };
        return order_all(inv, &order);
}

const struct command VERB_KILL = {
        .name = "kill",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "NAME|PID...",
        .summary = "end processes: asks, waits a second, then forces",
        .details =
                "Returns when they are gone. A name that several processes have is refused.\n"
                "--family ends all that was begun with it: the program that a client or init ran, "
                "and\n"
                "whatever that has run, directly or not.",
        .examples = { "thoxctl kill bot", "thoxctl kill --now --family 12" },
        .flags = { "now", "family" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_kill,
};

const struct command VERB_START = {
        .name = "start",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "SERVICE...",
        .summary = "start services, and before them those they need",
        .details =
                "A service is what 'thoxctl set props NAME FILE' describes. Returns when they are "
                "up.",
        .examples = { "thoxctl start bot", "thoxctl start --timeout 2m bot" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_start,
};

const struct command VERB_STOP = {
        .name = "stop",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "SERVICE...",
        .summary = "end services, and before them those that need them",
        .details = "Returns when they are gone. They stay enabled; see 'thoxctl disable'.",
        .examples = { "thoxctl stop bot", "thoxctl stop mqtt bot" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_stop,
};

const struct command VERB_RESTART = {
        .name = "restart",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "NAME|PID...",
        .summary = "end services or processes as kill does and start them again",
        .details = "They get the newest version of their program, services also that of their "
                   "properties.\n"
                   "Processes keep their pids. Returns when they are up.",
        .examples = { "thoxctl restart bot", "thoxctl restart 12 13" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_restart,
};

const struct command VERB_ENABLE = {
        .name = "enable",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "SERVICE...",
        .summary = "have services started with the tree from now on",
        .details = "Writes them into the properties of 'init' and starts nothing.",
        .examples = { "thoxctl enable bot", "thoxctl enable mqtt bot" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_enable,
};

const struct command VERB_DISABLE = {
        .name = "disable",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "SERVICE...",
        .summary = "have services no longer started with the tree",
        .details = "Takes them out of the properties of 'init' and stops nothing.",
        .examples = { "thoxctl disable bot", "thoxctl disable mqtt bot" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .run = run_disable,
};
