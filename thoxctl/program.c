/*
 * program.c - see program.h: context (what the program may call), console, process.run.
 */
#include "thoxctl/program.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "libipc/denied.h"
#include "libipc/status.h"
#include "thoxctl/tree.h"

#define PROGRAM_UID 1000

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

static int put_what(struct buf *b, const struct program *p) {
        char chunk[512];
        int r;

        if (!p->is_code)
                return put_text_member(b, "program", p->what);
        snprintf(chunk, sizeof(chunk), "@%s", p->what);
        r = value_put_text(b, "code");
        if (r == 0)
                r = value_put_bytes(b, p->source.data, p->source.len);
        return r == 0 ? put_text_member(b, "chunk", chunk) : r;
}

static int put_arguments(struct buf *b, const struct program *p) {
        int r = value_put_text(b, "args");

        if (r == 0)
                r = value_put_array(b, p->n_args);
        for (size_t i = 0; i < p->n_args && r == 0; i++)
                r = value_put_text(b, p->args[i]);
        return r;
}

/* Caps of the call: 0 is the program's context, 1 its console, 2 its data if it is given some. */
static int put_contexts(struct buf *b, const struct program *p) {
        int r = value_put_text(b, "ctx");

        if (r == 0)
                r = value_put_cap(b, 0);
        if (r == 0)
                r = value_put_text(b, "contexts");
        if (r == 0)
                r = value_put_map(b, p->data.handle != 0 ? 2 : 1);
        if (r == 0)
                r = value_put_text(b, "console");
        if (r == 0)
                r = value_put_cap(b, 1);
        if (r == 0 && p->data.handle != 0)
                r = value_put_text(b, "data");
        return r == 0 && p->data.handle != 0 ? value_put_cap(b, 2) : r;
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

static int put_spec(struct buf *b, const struct program *p) {
        const struct invocation *inv = p->inv;
        int r = value_put_map(b, VALUE_INDEFINITE);

        if (r == 0)
                r = put_what(b, p);
        if (r == 0 && (p->is_code || inv->name))
                r = put_text_member(b, "name", p->name);
        if (r == 0)
                r = put_text_member(b, "runtime", inv->runtime);
        if (r == 0)
                r = put_text_member(b, "restart", inv->restart);
        if (r == 0)
                r = put_arguments(b, p);
        if (r == 0)
                r = put_contexts(b, p);
        if (r == 0 && !inv->is_admin)
                r = put_integer_member(b, "uid", PROGRAM_UID);
        if (r == 0)
                r = put_properties(b, inv);
        return r == 0 ? value_put_end(b) : r;
}

/*
 * Starting.
 */

static int refused(const struct program *p, uint32_t status) {
        struct buf none;

        buf_init(&none, 0);
        return tree_refused(p->inv, status, &none, "prepare the run");
}

static int make_context(struct program *p) {
        ProtobufCBinaryData deny[64], any[] = { wire_bytes("*", 1) };
        Thox__Routing routing = THOX__ROUTING__INIT;
        uint32_t status;
        int r;

        p->ctx = CLIENT_NATIVE_HANDLE;
        if (p->inv->is_admin)
                return 0;
        assert(denied_n_names <= ARRAY_SIZE(deny));
        for (size_t i = 0; i < denied_n_names; i++)
                deny[i] = wire_bytes(denied_names[i], strlen(denied_names[i]));
        routing.mode = WIRE_ROUTING_TABLE;
        routing.n_deny = denied_n_names;
        routing.deny = deny;
        routing.n_bind = routing.n_push = routing.n_listen = ARRAY_SIZE(any);
        routing.bind = routing.push = routing.listen = any;
        routing.default_forward = true;
        routing.to = CLIENT_NATIVE_HANDLE;
        r = client_context_new(p->inv->client, &routing, &status, &p->ctx);
        if (r < 0)
                return tree_lost(p->inv, r, "run");
        return status == STATUS_OK ? 0 : refused(p, status);
}

static int make_console(struct program *p) {
        int r = console_init(&p->console, p->inv->client, STDIN_FILENO, STDOUT_FILENO);

        if (r < 0)
                return tree_lost(p->inv, r, "run");
        return r == STATUS_OK ? 0 : refused(p, (uint32_t)r);
}

int program_start(struct program *p) {
        struct wire_cap caps[] = { { .handle = p->ctx },
                                   { .handle = p->console.handle },
                                   { .handle = p->data.handle } };
        struct buf spec CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        struct value_reader reader;
        char purpose[192];
        uint32_t status;
        int64_t pid;
        int r;

        tree_args_init(&spec);
        tree_args_init(&answer);
        snprintf(purpose, sizeof(purpose), "run '%s'", p->what);
        r = put_spec(&spec, p);
        if (r < 0)
                return fail_errno(&p->inv->output, r, "cannot %s", purpose);
        r = client_call(p->inv->client, CLIENT_NATIVE_HANDLE, "process.run", &spec, caps,
                        ARRAY_SIZE(caps) - (p->data.handle == 0), TREE_TIMEOUT_US, &status,
                        &answer);
        if (r < 0)
                return tree_lost(p->inv, r, purpose);
        if (status != STATUS_OK)
                return tree_refused(p->inv, status, &answer, purpose);
        value_reader_init(&reader, answer.data, answer.len);
        if (!value_get_integer(&reader, &pid))
                return fail_errno(&p->inv->output, -EBADMSG, "cannot %s", purpose);
        p->pid = (uint32_t)pid;
        output_trace(&p->inv->output, "'%s' runs as pid %u", p->name, p->pid);
        return 0;
}

int program_prepare(struct program *p) {
        int exit_code = make_console(p);

        if (exit_code == 0)
                exit_code = make_context(p);
        if (exit_code == 0 && p->inv->data)
                exit_code = data_object_open(&p->data, p->inv, p->inv->data);
        return exit_code;
}

int program_kill(const struct program *p) {
        struct buf args CLEANUP(buf_deinit);
        struct client_request request = { .handle = CLIENT_NATIVE_HANDLE,
                                          .name = "process.kill",
                                          .values = &args };
        uint64_t cid;
        int r;

        tree_args_init(&args);
        r = value_put_integer(&args, p->pid);
        return r == 0 ? client_call_start(p->inv->client, &request, &cid) : r;
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
        [EXIT_REASON_CPU] = { "used up its CPU limit", NULL, NULL },
};
static_assert(ARRAY_SIZE(ENDINGS) == _EXIT_REASON_N, "one row per reason");

int program_report_death(const struct program *p, const struct client_event *exited) {
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
        return fail(&p->inv->output, f, "'%s' (pid %u) %s", p->name, p->pid, ending->what);
}
