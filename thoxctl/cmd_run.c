/*
 * cmd_run.c - run a program with this terminal as its console, and end as it ends.
 *
 * Life of a run: console (console.h), context (what the program may call), process.run, then events
 * until Exited. A signal, a broken pipe or --timeout ends the program first; a second signal ends
 * thoxctl at once.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "libipc/base/clock.h"
#include "libipc/client.h"
#include "libipc/status.h"
#include "thoxctl/program.h"
#include "thoxctl/source.h"
#include "thoxctl/trace_feed.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define EVENTS_PER_LOOK 64u /* a program that writes without end must not hide a signal */

enum run_end {
        RUN_END_NONE,
        RUN_END_SIGNAL,
        RUN_END_OUTPUT, /* stdout refused */
        RUN_END_TIMEOUT,
};

struct run {
        struct invocation *inv;
        struct program program;
        struct trace_feed trace;
        uint64_t deadline_us; /* CLIENT_FOREVER: none */
        enum run_end end;     /* why we ended it */
        int signal;
        bool has_exited;
        struct client_event exited; /* then; its bytes live until the next client_wait */
};

/* A file is meant when the word has a '/', ends in ".lua", is "-", or names a file that exists. */
static bool names_file(const char *word) {
        size_t len = strlen(word);
        struct stat st;

        if (strchr(word, '/') || strcmp(word, "-") == 0)
                return true;
        if (len > 4 && strcmp(word + len - 4, ".lua") == 0)
                return true;
        return stat(word, &st) == 0 && S_ISREG(st.st_mode);
}

/* bots/greeter.lua is called greeter. */
static void name_program(struct program *p) {
        const char *base = strrchr(p->what, '/');
        const char *name = p->inv->name ? p->inv->name : base ? base + 1 : p->what;
        size_t len;

        if (strcmp(name, "-") == 0)
                name = "stdin";
        len = strlen(name);
        if (p->is_code && !p->inv->name && len > 4 && strcmp(name + len - 4, ".lua") == 0)
                len -= 4;
        snprintf(p->name, sizeof(p->name), "%.*s", (int)len, name);
}

/*
 * Ending.
 */

/* Its Exited event ends the run. */
static int end_program(struct run *run, enum run_end why) {
        run->end = why;
        return program_kill(&run->program);
}

/* Acts on what the console noticed. 0, -errno, or -EINTR when a second signal came. */
static int look_at_console(struct run *run) {
        int signal = run->program.console.signal;

        run->program.console.signal = 0;
        if (signal != 0 && run->end == RUN_END_SIGNAL)
                return -EINTR;
        if (signal != 0) {
                run->signal = signal;
                return end_program(run, RUN_END_SIGNAL);
        }
        if (run->program.console.write_error != 0 && run->end == RUN_END_NONE)
                return end_program(run, RUN_END_OUTPUT);
        return 0;
}

static uint64_t time_left(const struct run *run) {
        uint64_t now = clock_now_us();

        if (run->deadline_us == CLIENT_FOREVER || run->end != RUN_END_NONE)
                return CLIENT_FOREVER;
        return run->deadline_us > now ? run->deadline_us - now : 0;
}

/* One event or readiness. */
static int turn(struct run *run, unsigned int n) {
        struct client_event event;
        int r = client_wait(run->inv->client, time_left(run), run->program.console.ready_fd,
                            &event);

        if (r == -ETIMEDOUT)
                return end_program(run, RUN_END_TIMEOUT);
        if (r < 0 && r != -EAGAIN)
                return r;
        if (r == 0 && event.type == CLIENT_EVENT_EXITED && event.pid == run->program.pid) {
                run->has_exited = true;
                run->exited = event;
                return 0;
        }
        if (r == 0 && event.type == CLIENT_EVENT_PUSHED)
                trace_feed_show(&run->trace, &event);
        else if (r == 0)
                r = console_on_event(&run->program.console, &event);
        if (r == -EAGAIN || n % EVENTS_PER_LOOK == 0)
                r = console_on_ready(&run->program.console);
        return r < 0 ? r : look_at_console(run);
}

static int wait_for_exit(struct run *run) {
        int r = 0;

        for (unsigned int n = 1; r == 0 && !run->has_exited; n++)
                r = turn(run, n);
        return r;
}

static int report_end(const struct run *run) {
        const struct output *o = &run->inv->output;

        switch (run->end) {
        case RUN_END_SIGNAL:
                return EXIT_CODE_SIGNAL + run->signal;
        case RUN_END_TIMEOUT:
                return fail(o,
                            (struct failure){ .exit_code = EXIT_CODE_TIMEOUT,
                                              .code = "timeout",
                                              .fix = "give it longer with --timeout" },
                            "'%s' (pid %u) was killed: it ran for more than %.3g s",
                            run->program.name, run->program.pid,
                            (double)run->inv->timeout_us / (double)CLOCK_S_US);
        case RUN_END_NONE:
        case RUN_END_OUTPUT:
                break;
        }
        /* A reader that has enough (head, less) is no failure. */
        if (run->program.console.write_error == EPIPE)
                return EXIT_CODE_OK;
        if (run->program.console.write_error != 0)
                return fail_errno(o, -run->program.console.write_error,
                                  "cannot write to standard output");
        if (run->exited.reason == EXIT_REASON_EXIT)
                return (int)run->exited.status;
        return program_report_death(&run->program, &run->exited);
}

static int run_to_end(struct run *run) {
        int r = program_start(&run->program);

        if (r != 0)
                return r;
        run->trace.pid = run->program.pid;
        if (run->inv->timeout_us != 0)
                run->deadline_us = clock_now_us() + run->inv->timeout_us;
        r = wait_for_exit(run);
        if (r == -EINTR)
                return EXIT_CODE_SIGNAL + run->signal;
        if (r < 0)
                return tree_lost(run->inv, r, run->program.name);
        console_drain(&run->program.console);
        return report_end(run);
}

static int run_in_tree(struct run *run) {
        int exit_code = tree_open(run->inv);

        if (exit_code != 0)
                return exit_code;
        exit_code = program_prepare(&run->program);
        if (exit_code == 0 && run->inv->is_traced)
                exit_code = trace_feed_open(&run->trace, run->inv, run->program.name,
                                            run->inv->output.err);
        if (exit_code == 0)
                exit_code = run_to_end(run);
        console_deinit(&run->program.console);
        return exit_code;
}

static int run_run(struct invocation *inv) {
        struct run run = { .inv = inv, .deadline_us = CLIENT_FOREVER };
        struct program *p = &run.program;
        int exit_code = 0;

        *p = (struct program){
                .inv = inv, .what = inv->args[0], .args = inv->args + 1, .n_args = inv->n_args - 1
        };
        p->is_code = names_file(p->what);
        name_program(p);
        tree_args_init(&p->source);
        if (p->is_code)
                exit_code = source_read(inv, p->what, LIMIT_SOURCE_BYTES, &p->source);
        if (exit_code == 0)
                exit_code = run_in_tree(&run);
        buf_deinit(&p->source);
        return exit_code;
}

const struct command VERB_RUN = {
        .name = "run",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "FILE|[RUNTIME#]PROGRAM [ARGUMENTS...]",
        .summary = "run a program here and exit with its status",
        .details = "A word with a '/', one that ends in .lua, an existing file and '-' are files; "
                   "all\n"
                   "else is the name of a stored program. Flags stand before it; what follows "
                   "belongs\n"
                   "to the program. Without --admin it may not change stores or the tree.\n"
                   "--timeout kills it after that time.",
        .examples = { "thoxctl run hello.lua world", "thoxctl run --memory 16M extended#bot" },
        .flags = { "admin", "name", "data", "runtime", "memory", "quantum", "priority", "restart",
                   "trace", "strace" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .passes_flags = true,
        .run = run_run,
};
