/*
 * cmd_run.c - run a program with this terminal as its console, and end as it ends.
 *
 * Life of a run: console (console.h), context (what the program may call), process.run, then events
 * until Exited. A signal, a broken pipe or --timeout ends the program first; a second signal ends
 * thoxctl at once.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/client.h"
#include "libipc/status.h"
#include "thoxctl/console.h"
#include "thoxctl/source.h"
#include "thoxctl/trace_feed.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define PROGRAM_UID 1000
#define EVENTS_PER_LOOK 64u /* a program that writes without end must not hide a signal */

enum run_end {
        RUN_END_NONE,
        RUN_END_SIGNAL,
        RUN_END_OUTPUT, /* stdout refused */
        RUN_END_TIMEOUT,
};

struct run {
        struct invocation *inv;
        const char *program; /* as typed */
        char name[128];      /* of the process */
        bool is_file;
        struct buf source; /* when is_file */
        struct console console;
        struct trace_feed trace;
        uint32_t ctx; /* handle of the program's context 0 */
        uint32_t pid;
        uint64_t deadline_us; /* CLIENT_FOREVER: none */
        enum run_end end;     /* why we ended it */
        int signal;
        bool has_exited;
        struct client_event exited; /* then; its bytes live until the next client_wait */
};

/* What a program run without --admin may not call; it may call, bind, push and listen to all else. */
static const char *const DENIED[] = {
        "program.set",      "program.rollback", "library.set",  "library.rollback", "runtime.set",
        "runtime.rollback", "store.delegate",   "process.list", "process.ready",    "process.eval",
        "tree.*",           "log.read",         "code.*",       "image.*",
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
static void name_run(struct run *run) {
        const char *base = strrchr(run->program, '/');
        const char *name = base ? base + 1 : run->program;
        size_t len = strlen(name);

        if (run->is_file && len > 4 && strcmp(name + len - 4, ".lua") == 0)
                len -= 4;
        if (run->inv->name)
                name = run->inv->name;
        else if (strcmp(name, "-") == 0)
                name = "stdin";
        if (run->inv->name || len > strlen(name))
                len = strlen(name);
        snprintf(run->name, sizeof(run->name), "%.*s", (int)len, name);
}

/*
 * process.run's one argument.
 */

static int put_text_member(struct buf *b, const char *key, const char *text) {
        int r = text ? value_put_text(b, key) : 0;

        return r == 0 && text ? value_put_text(b, text) : r;
}

static int put_integer_member(struct buf *b, const char *key, uint64_t n) {
        int r = value_put_text(b, key);

        return r == 0 ? value_put_integer(b, (int64_t)n) : r;
}

static int put_what(struct buf *b, const struct run *run) {
        char chunk[512];
        int r;

        if (!run->is_file)
                return put_text_member(b, "program", run->program);
        snprintf(chunk, sizeof(chunk), "@%s", run->program);
        r = value_put_text(b, "code");
        if (r == 0)
                r = value_put_bytes(b, run->source.data, run->source.len);
        return r == 0 ? put_text_member(b, "chunk", chunk) : r;
}

static int put_arguments(struct buf *b, const struct invocation *inv) {
        int r = value_put_text(b, "args");

        if (r == 0)
                r = value_put_array(b, inv->n_args - 1);
        for (size_t i = 1; i < inv->n_args && r == 0; i++)
                r = value_put_text(b, inv->args[i]);
        return r;
}

/* Caps of the call: 0 is the program's context, 1 its console. */
static int put_contexts(struct buf *b) {
        int r = value_put_text(b, "ctx");

        if (r == 0)
                r = value_put_cap(b, 0);
        if (r == 0)
                r = value_put_text(b, "contexts");
        if (r == 0)
                r = value_put_map(b, 1);
        if (r == 0)
                r = value_put_text(b, "console");
        return r == 0 ? value_put_cap(b, 1) : r;
}

static int put_properties(struct buf *b, const struct invocation *inv) {
        int r = value_put_text(b, "properties");

        if (r == 0)
                r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0 && inv->memory_bytes != 0)
                r = put_integer_member(b, "memory", inv->memory_bytes);
        if (r == 0 && inv->quantum_us != INVOCATION_UNSET)
                r = put_integer_member(b, "quantum", inv->quantum_us);
        if (r == 0 && inv->priority != INVOCATION_UNSET)
                r = put_integer_member(b, "priority", inv->priority);
        return r == 0 ? value_put_end(b) : r;
}

static int put_spec(struct buf *b, const struct run *run) {
        const struct invocation *inv = run->inv;
        int r = value_put_map(b, VALUE_INDEFINITE);

        if (r == 0)
                r = put_what(b, run);
        if (r == 0 && (run->is_file || inv->name))
                r = put_text_member(b, "name", run->name);
        if (r == 0)
                r = put_text_member(b, "runtime", inv->runtime);
        if (r == 0)
                r = put_text_member(b, "restart", inv->restart);
        if (r == 0)
                r = put_arguments(b, inv);
        if (r == 0)
                r = put_contexts(b);
        if (r == 0 && !inv->is_admin)
                r = put_integer_member(b, "uid", PROGRAM_UID);
        if (r == 0)
                r = put_properties(b, inv);
        return r == 0 ? value_put_end(b) : r;
}

/*
 * Starting.
 */

static int refused(const struct run *run, uint32_t status) {
        struct buf none;

        buf_init(&none, 0);
        return tree_refused(run->inv, status, &none, "prepare the run");
}

static int make_context(struct run *run) {
        ProtobufCBinaryData deny[ARRAY_SIZE(DENIED)], any[] = { wire_bytes("*", 1) };
        Thox__Routing routing = THOX__ROUTING__INIT;
        uint32_t status;
        int r;

        run->ctx = CLIENT_NATIVE_HANDLE;
        if (run->inv->is_admin)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(DENIED); i++)
                deny[i] = wire_bytes(DENIED[i], strlen(DENIED[i]));
        routing.mode = WIRE_ROUTING_TABLE;
        routing.n_deny = ARRAY_SIZE(deny);
        routing.deny = deny;
        routing.n_bind = routing.n_push = routing.n_listen = ARRAY_SIZE(any);
        routing.bind = routing.push = routing.listen = any;
        routing.default_forward = true;
        routing.to = CLIENT_NATIVE_HANDLE;
        r = client_context_new(run->inv->client, &routing, &status, &run->ctx);
        if (r < 0)
                return tree_lost(run->inv, r, "run");
        return status == STATUS_OK ? 0 : refused(run, status);
}

static int make_console(struct run *run) {
        int r = console_init(&run->console, run->inv->client, STDIN_FILENO, STDOUT_FILENO);

        if (r < 0)
                return tree_lost(run->inv, r, "run");
        return r == STATUS_OK ? 0 : refused(run, (uint32_t)r);
}

static int start(struct run *run) {
        struct wire_cap caps[] = { { .handle = 0 }, { .handle = run->console.handle } };
        struct buf spec CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        struct value_reader reader;
        char purpose[192];
        uint32_t status;
        int64_t pid;
        int r;

        tree_args_init(&spec);
        tree_args_init(&answer);
        caps[0].handle = run->ctx;
        snprintf(purpose, sizeof(purpose), "run '%s'", run->program);
        r = put_spec(&spec, run);
        if (r < 0)
                return fail_errno(&run->inv->output, r, "cannot %s", purpose);
        r = client_call(run->inv->client, CLIENT_NATIVE_HANDLE, "process.run", &spec, caps,
                        ARRAY_SIZE(caps), TREE_TIMEOUT_US, &status, &answer);
        if (r < 0)
                return tree_lost(run->inv, r, purpose);
        if (status != STATUS_OK)
                return tree_refused(run->inv, status, &answer, purpose);
        value_reader_init(&reader, answer.data, answer.len);
        if (!value_get_integer(&reader, &pid))
                return fail_errno(&run->inv->output, -EBADMSG, "cannot %s", purpose);
        run->pid = run->trace.pid = (uint32_t)pid;
        output_trace(&run->inv->output, "'%s' runs as pid %u", run->name, run->pid);
        return 0;
}

/*
 * Ending.
 */

/* Asks the tree to end the program; its Exited event ends the run. */
static int end_program(struct run *run, enum run_end why) {
        struct buf args CLEANUP(buf_deinit);
        struct client_request request = { .handle = CLIENT_NATIVE_HANDLE,
                                          .name = "process.kill",
                                          .values = &args };
        uint64_t cid;
        int r;

        tree_args_init(&args);
        run->end = why;
        r = value_put_integer(&args, run->pid);
        if (r == 0)
                r = client_call_start(run->inv->client, &request, &cid);
        return r;
}

/* Acts on what the console noticed. 0, -errno, or -EINTR when a second signal came. */
static int look_at_console(struct run *run) {
        int signal = run->console.signal;

        run->console.signal = 0;
        if (signal != 0 && run->end == RUN_END_SIGNAL)
                return -EINTR;
        if (signal != 0) {
                run->signal = signal;
                return end_program(run, RUN_END_SIGNAL);
        }
        if (run->console.write_error != 0 && run->end == RUN_END_NONE)
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
        int r = client_wait(run->inv->client, time_left(run), run->console.ready_fd, &event);

        if (r == -ETIMEDOUT)
                return end_program(run, RUN_END_TIMEOUT);
        if (r < 0 && r != -EAGAIN)
                return r;
        if (r == 0 && event.type == CLIENT_EVENT_EXITED && event.pid == run->pid) {
                run->has_exited = true;
                run->exited = event;
                return 0;
        }
        if (r == 0 && event.type == CLIENT_EVENT_PUSHED)
                trace_feed_show(&run->trace, &event);
        else if (r == 0)
                r = console_on_event(&run->console, &event);
        if (r == -EAGAIN || n % EVENTS_PER_LOOK == 0)
                r = console_on_ready(&run->console);
        return r < 0 ? r : look_at_console(run);
}

static int wait_for_exit(struct run *run) {
        int r = 0;

        for (unsigned int n = 1; r == 0 && !run->has_exited; n++)
                r = turn(run, n);
        return r;
}

static const struct ending {
        const char *what, *why, *fix;
} ENDINGS[] = {
        [EXIT_REASON_EXIT] = { "ended", NULL, NULL },
        [EXIT_REASON_ERROR] = { "ended with an error", NULL, NULL },
        [EXIT_REASON_KILLED] = { "was killed",
                                 "by thoxctl kill, by os.kill of another program, or by the end of "
                                 "the tree",
                                 NULL },
        [EXIT_REASON_MEMORY] = { "ran out of its memory limit", NULL,
                                 "give it more with --memory SIZE" },
        [EXIT_REASON_SIGNAL] = { "was killed by a signal", NULL, NULL },
        [EXIT_REASON_PROTOCOL] = { "was removed: its process sent something malformed", NULL,
                                   NULL },
        [EXIT_REASON_RUNTIME] = { "never started: its runtime failed", NULL, NULL },
        [EXIT_REASON_HUNG] = { "was removed: it stopped reading its messages", NULL, NULL },
};
static_assert(ARRAY_SIZE(ENDINGS) == _EXIT_REASON_N, "one row per reason");

static int report_death(const struct run *run) {
        const struct client_event *exited = &run->exited;
        const struct ending *ending = exited->reason < _EXIT_REASON_N ? &ENDINGS[exited->reason] :
                                                                        &ENDINGS[EXIT_REASON_ERROR];
        struct failure f = { .exit_code = EXIT_CODE_FAILED,
                             .code = exit_reason_name(exited->reason),
                             .why = ending->why,
                             .fix = ending->fix };
        char signal_text[64];

        /* "killed" as a message adds nothing to "was killed". */
        if (exited->message_len > 0 && exited->reason != EXIT_REASON_KILLED) {
                f.why = (const char *)exited->message;
                f.why_len = exited->message_len;
        } else if (exited->signal != 0 && exited->reason == EXIT_REASON_SIGNAL) {
                snprintf(signal_text, sizeof(signal_text), "signal %u (%s)", exited->signal,
                         strsignal((int)exited->signal));
                f.why = signal_text;
        }
        return fail(&run->inv->output, f, "'%s' (pid %u) %s", run->name, run->pid, ending->what);
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
                            "'%s' (pid %u) was killed: it ran for more than %.3g s", run->name,
                            run->pid, (double)run->inv->timeout_us / (double)CLOCK_S_US);
        case RUN_END_NONE:
        case RUN_END_OUTPUT:
                break;
        }
        /* A reader that has enough (head, less) is no failure. */
        if (run->console.write_error == EPIPE)
                return EXIT_CODE_OK;
        if (run->console.write_error != 0)
                return fail_errno(o, -run->console.write_error, "cannot write to standard output");
        if (run->exited.reason == EXIT_REASON_EXIT)
                return (int)run->exited.status;
        return report_death(run);
}

static int run_to_end(struct run *run) {
        int r = start(run);

        if (r != 0)
                return r;
        if (run->inv->timeout_us != 0)
                run->deadline_us = clock_now_us() + run->inv->timeout_us;
        r = wait_for_exit(run);
        if (r == -EINTR)
                return EXIT_CODE_SIGNAL + run->signal;
        if (r < 0)
                return tree_lost(run->inv, r, run->name);
        console_drain(&run->console);
        return report_end(run);
}

static int run_in_tree(struct run *run) {
        int exit_code = tree_open(run->inv);

        if (exit_code != 0)
                return exit_code;
        exit_code = make_console(run);
        if (exit_code == 0)
                exit_code = make_context(run);
        if (exit_code == 0 && run->inv->is_traced)
                exit_code = trace_feed_open(&run->trace, run->inv, run->name, run->inv->output.err);
        if (exit_code == 0)
                exit_code = run_to_end(run);
        console_deinit(&run->console);
        return exit_code;
}

static int run_run(struct invocation *inv) {
        struct run run = { .inv = inv, .program = inv->args[0], .deadline_us = CLIENT_FOREVER };
        int exit_code = 0;

        run.is_file = names_file(run.program);
        name_run(&run);
        tree_args_init(&run.source);
        if (run.is_file)
                exit_code = source_read(inv, run.program, &run.source);
        if (exit_code == 0)
                exit_code = run_in_tree(&run);
        buf_deinit(&run.source);
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
        .flags = { "admin", "name", "runtime", "memory", "quantum", "priority", "restart", "trace",
                   "strace" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .passes_flags = true,
        .run = run_run,
};
