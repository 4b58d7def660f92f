/*
 * cmd_tree.c - shutdown, version.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "libipc/client.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* The tree is gone when initd's process is; if that cannot be watched, when it has hung up. */
static int wait_for_end(struct invocation *inv, pid_t pid) {
        uint64_t timeout_us = inv->timeout_us != 0 ? inv->timeout_us : TREE_TIMEOUT_US;
        int pidfd CLEANUP(fd_closep) = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
        struct pollfd watched = { .fd = pidfd, .events = POLLIN };
        struct client_event event;
        int r = 0;

        if (pidfd >= 0) {
                r = poll(&watched, 1, (int)(timeout_us / CLOCK_MS_US));
                return r == 0 ? tree_lost(inv, -ETIMEDOUT, "shutdown") : 0;
        }
        while (r == 0)
                r = client_wait(inv->client, timeout_us, -1, &event);
        return r == -ECONNRESET ? 0 : tree_lost(inv, r, "shutdown");
}

static int ask_for_end(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        json_t *values;
        int exit_code;

        tree_args_init(&args);
        if (value_put_boolean(&args, inv->is_now) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot shut the tree down");
        exit_code = tree_call(inv, "tree.shutdown", &args, "shut the tree down", &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}

static int run_shutdown(struct invocation *inv) {
        json_t *values, *tree;
        json_int_t pid, n_processes;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code =
                        tree_call(inv, "tree.status", NULL, "ask for the tree's state", &values);
        if (exit_code != 0)
                return exit_code;
        tree = json_array_get(values, 0);
        pid = json_integer_value(json_object_get(tree, "pid"));
        n_processes = json_integer_value(json_object_get(tree, "processes"));
        json_decref(values);
        if (!command_confirmed(inv, "End the tree and its %" JSON_INTEGER_FORMAT " %s?",
                               n_processes, n_processes == 1 ? "process" : "processes")) {
                output_note(&inv->output, "the tree goes on");
                return EXIT_CODE_FAILED;
        }
        exit_code = ask_for_end(inv);
        if (exit_code == 0)
                exit_code = wait_for_end(inv, (pid_t)pid);
        if (exit_code == 0 && inv->output.is_json)
                output_document_take(&inv->output, "thox.shutdown/1",
                                     json_pack("{s:I}", "linux_pid", pid));
        return exit_code;
}

static int run_version(struct invocation *inv) {
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.version/1",
                                     json_pack("{s:s}", "version", THOX_VERSION));
        else
                fprintf(inv->output.out, "thox %s\n", THOX_VERSION);
        return EXIT_CODE_OK;
}

const struct command VERB_SHUTDOWN = {
        .name = "shutdown",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "",
        .summary = "end the tree: every program may finish, then all is closed",
        .details = "Returns when the tree is gone. Asks first on a terminal, unless --yes.",
        .examples = { "thoxctl shutdown", "thoxctl shutdown --now --yes" },
        .flags = { "now" },
        .run = run_shutdown,
};

const struct command VERB_VERSION = {
        .name = "version",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "",
        .summary = "show the version of thoxctl",
        .examples = { "thoxctl version", "thoxctl version --json" },
        .run = run_version,
};
