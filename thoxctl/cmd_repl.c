/*
 * cmd_repl.c - Lua, line by line: in a fresh program whose console this terminal is, or in one that
 * runs already. Either way process.eval does the work, and while it does, or a line is awaited, the
 * program's console is served.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "libipc/status.h"
#include "thoxctl/line.h"
#include "thoxctl/process.h"
#include "thoxctl/program.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define PROMPT "> "
#define PROMPT_MORE ">> "
#define INCOMPLETE "<eof>" /* how the message for unfinished input ends */

/* What waits for the person; what is typed is run beside it. */
static const char IDLE[] = "os.pull('terminate')";

struct repl {
        struct invocation *inv;
        struct program program; /* its console also tells of signals */
        bool is_own;            /* started by us, to be ended by us */
        uint32_t pid;
        struct line_editor *editor; /* NULL: plain lines */
        struct buf source;          /* what has been typed of one input */
        struct buf line;            /* plain */
        bool is_prompting;
        bool is_interrupted; /* the line that was being typed is given up */
        bool is_leaving;     /* the program's end is our doing */
        bool is_over;        /* nothing more can be evaluated */
        int signal;          /* that ends us */
        int exit_code;
};

static bool is_terminal(void) {
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* ---- events -------------------------------------------------------------------------------- */

static void on_exited(struct repl *repl, const struct client_event *event) {
        repl->is_over = true;
        if (repl->is_leaving)
                return;
        if (event->reason == EXIT_REASON_EXIT)
                repl->exit_code = (int)event->status;
        else
                repl->exit_code = program_report_death(&repl->program, event);
}

/* What the program prints while a line is being typed goes above that line. */
static int serve_console(struct repl *repl, const struct client_event *event) {
        struct line_editor *shown =
                repl->is_prompting && event->type == CLIENT_EVENT_CALL ? repl->editor : NULL;
        int r;

        line_editor_hide(shown);
        r = console_on_event(&repl->program.console, event);
        line_editor_show(shown);
        return r;
}

/* One event or readiness; *ret_answer is set for an ANSWER. 0 or -errno; -EINTR: a signal came. */
static int turn(struct repl *repl, struct client_event *event, bool *ret_answer) {
        struct console *console = &repl->program.console;
        int r = client_wait(repl->inv->client, CLIENT_FOREVER, console->ready_fd, event);

        if (r == -EAGAIN)
                r = console_on_ready(console);
        else if (r == 0 && event->type == CLIENT_EVENT_ANSWER)
                *ret_answer = true;
        else if (r == 0 && event->type == CLIENT_EVENT_EXITED && event->pid == repl->pid)
                on_exited(repl, event);
        else if (r == 0)
                r = serve_console(repl, event);
        if (r < 0 || console->signal == 0)
                return r;
        if (console->signal != SIGINT)
                repl->signal = console->signal;
        console->signal = 0;
        return -EINTR;
}

/* Until standard input has something. A line_wait_fn. */
static int wait_for_input(void *userdata) {
        struct repl *repl = userdata;
        struct client_event event;
        bool is_answer = false;
        int r = 0;

        while (r == 0 && !repl->is_over && !console_has_input(&repl->program.console))
                r = turn(repl, &event, &is_answer);
        repl->is_interrupted |= r == -EINTR && repl->signal == 0;
        return r < 0 || repl->is_over ? -1 : 0;
}

/* ---- evaluating ---------------------------------------------------------------------------- */

static int put_evaluation(const struct repl *repl, struct buf *args) {
        int r = value_put_integer(args, repl->pid);

        return r == 0 ? value_put_bytes(args, repl->source.data, repl->source.len) : r;
}

/* Waits for the answer; an interrupt withdraws the call, whose answer then says so. */
static int await(struct repl *repl, uint64_t cid, struct client_event *event) {
        bool is_answer = false;
        int r = 0;

        while (r == 0 && !(is_answer && event->cid == cid)) {
                is_answer = false;
                r = turn(repl, event, &is_answer);
                if (r == -EINTR && repl->signal == 0)
                        r = client_cancel(repl->inv->client, cid);
        }
        return r;
}

/* Until its end has been told. */
static int await_exit(struct repl *repl) {
        struct client_event event;
        bool is_answer;
        int r = 0;

        while (r == 0 && !repl->is_over)
                r = turn(repl, &event, &is_answer);
        return r;
}

static const char *message_of(const struct client_event *answer, size_t *ret_len) {
        struct value_reader reader;
        const uint8_t *text;

        value_reader_init(&reader, answer->values, answer->values_len);
        if (!value_get_bytes(&reader, &text, ret_len))
                return NULL;
        return (const char *)text;
}

static bool wants_more(const struct client_event *answer) {
        size_t n = strlen(INCOMPLETE), len = 0;
        const char *text = message_of(answer, &len);

        return answer->status == STATUS_BADCODE && text && len >= n &&
               memcmp(text + len - n, INCOMPLETE, n) == 0;
}

/* Line by line, its control characters shown, but for a traceback's tabs. */
static void put_text(FILE *out, const char *text, size_t len) {
        struct buf shown;

        buf_init(&shown, LIMIT_MESSAGE_BYTES);
        for (size_t at = 0; at < len; at++)
                if (text[at] == '\n' || text[at] == '\t')
                        buf_add(&shown, &text[at], 1);
                else if ((text[at] & 0x80) == 0)
                        output_escape(&shown, &text[at], 1);
                else
                        buf_add(&shown, &text[at], 1);
        fprintf(out, "%.*s\n", (int)shown.len, (const char *)shown.data);
        fflush(out);
        buf_deinit(&shown);
}

static void show_answer(struct repl *repl, const struct client_event *answer) {
        const struct output *o = &repl->inv->output;
        size_t len = 0;
        const char *text = message_of(answer, &len);

        if (answer->status == STATUS_OK && text)
                put_text(o->out, text, len);
        if (answer->status == STATUS_OK)
                return;
        repl->exit_code = EXIT_CODE_FAILED;
        if (answer->status == STATUS_CANCELLED) /* behind the ^C that the terminal shows */
                fprintf(o->err, "%sinterrupted\n", is_terminal() ? "\n" : "");
        else if (text)
                put_text(o->err, text, len);
}

/* Runs what has been typed. *ret_more: it is not complete, unless this was all there will be. */
static int evaluate(struct repl *repl, bool is_last, bool *ret_more) {
        struct buf args CLEANUP(buf_deinit);
        struct client_request request = { .handle = CLIENT_NATIVE_HANDLE,
                                          .name = "process.eval",
                                          .values = &args };
        struct client_event answer;
        uint64_t cid;
        int r;

        tree_args_init(&args);
        *ret_more = false;
        r = put_evaluation(repl, &args);
        if (r == 0)
                r = client_call_start(repl->inv->client, &request, &cid);
        if (r == 0)
                r = await(repl, cid, &answer);
        if (r < 0)
                return r;
        *ret_more = !is_last && wants_more(&answer);
        if (*ret_more)
                return 0;
        buf_clear(&repl->source);
        if (answer.status == STATUS_DEAD && repl->is_own)
                return await_exit(repl);
        repl->is_over |= answer.status == STATUS_DEAD || answer.status == STATUS_NOPROC;
        show_answer(repl, &answer);
        return 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

static bool take_plain_line(struct repl *repl, const char *prompt) {
        struct console *console = &repl->program.console;

        if (is_terminal())
                fputs(prompt, stdout);
        fflush(stdout);
        buf_clear(&repl->line);
        while (!console_take_line(console, &repl->line)) {
                if (console->is_at_end || wait_for_input(repl) < 0)
                        return false;
                console_take_input(console);
        }
        return true;
}

/* False at the end of input, or when the line is given up. */
static bool read_line(struct repl *repl, const char *prompt, const char **ret, size_t *ret_len) {
        bool is_line;

        repl->is_prompting = true;
        console_hold_input(&repl->program.console, true);
        if (repl->editor) {
                *ret = line_editor_read(repl->editor, prompt, ret_len);
                is_line = *ret != NULL;
        } else {
                is_line = take_plain_line(repl, prompt);
                *ret = (const char *)repl->line.data;
                *ret_len = repl->line.len;
        }
        console_hold_input(&repl->program.console, false);
        repl->is_prompting = false;
        return is_line && !repl->is_over;
}

/* One input: lines until it is complete. *ret_end: there are no more. */
static int read_and_evaluate(struct repl *repl, bool *ret_end) {
        const char *line;
        bool is_more = false;
        size_t len;
        int r = 0;

        do {
                bool is_line = read_line(repl, is_more ? PROMPT_MORE : PROMPT, &line, &len);

                *ret_end = !is_line;
                if (!is_line && (repl->source.len == 0 || repl->is_interrupted || repl->is_over))
                        return 0;
                if (is_more && is_line)
                        r = buf_add(&repl->source, "\n", 1);
                if (r == 0 && is_line)
                        r = buf_add(&repl->source, line, len);
                if (r == 0 && repl->source.len > 0)
                        r = evaluate(repl, !is_line || (is_more && len == 0), &is_more);
        } while (r == 0 && is_more);
        return r;
}

static void greet(const struct repl *repl) {
        if (!is_terminal())
                return;
        output_note(&repl->inv->output,
                    "Lua 5.4 in '%s' (pid %u); an empty line ends unfinished input, Ctrl-D leaves",
                    repl->program.name, repl->pid);
        output_note(&repl->inv->output, "each input is a chunk: its locals end with it");
}

static int repl_loop(struct repl *repl) {
        bool is_end = false;
        int r = 0;

        greet(repl);
        while (r == 0 && !repl->is_over && repl->signal == 0 && !is_end) {
                r = read_and_evaluate(repl, &is_end);
                if (repl->is_interrupted) {
                        buf_clear(&repl->source);
                        fputc('\n', stdout);
                        is_end = repl->is_interrupted = false;
                }
        }
        if (is_end && is_terminal() && !repl->is_over)
                fputc('\n', stdout);
        return r;
}

/* ---- life ---------------------------------------------------------------------------------- */

static int leave(struct repl *repl) {
        int r;

        if (!repl->is_own || repl->is_over)
                return 0;
        repl->is_leaving = true;
        r = program_kill(&repl->program);
        return r == 0 ? await_exit(repl) : r;
}

/* The program that is looked at: the one named, or a fresh one. 0 or an exit code. */
static int choose_program(struct repl *repl) {
        struct program *p = &repl->program;
        uint64_t pid = 0;
        int exit_code;

        repl->is_own = repl->inv->n_args == 0;
        snprintf(p->name, sizeof(p->name), "%s",
                 !repl->is_own   ? repl->inv->args[0] :
                 repl->inv->name ? repl->inv->name :
                                   p->what);
        if (repl->is_own) {
                if (buf_add(&p->source, IDLE, strlen(IDLE)) < 0)
                        return fail_errno(&repl->inv->output, -ENOMEM, "cannot run 'repl'");
                exit_code = program_start(p);
                pid = p->pid;
        } else {
                exit_code = process_find(repl->inv, repl->inv->args[0], "evaluate in", &pid);
        }
        repl->pid = (uint32_t)pid;
        return exit_code;
}

static int repl_run(struct repl *repl) {
        int exit_code = program_prepare(&repl->program), r;

        if (exit_code == 0)
                exit_code = choose_program(repl);
        if (exit_code != 0)
                return exit_code;
        repl->editor = line_editor_new(wait_for_input, repl);
        r = repl_loop(repl);
        if (r == 0)
                r = leave(repl);
        line_editor_free(repl->editor);
        if (repl->signal != 0)
                return EXIT_CODE_SIGNAL + repl->signal;
        if (r < 0)
                return tree_lost(repl->inv, r, repl->program.name);
        /* To a person every mistake has been told at once. */
        if (is_terminal() && (repl->is_leaving || !repl->is_over))
                return EXIT_CODE_OK;
        return repl->exit_code;
}

static int run_repl(struct invocation *inv) {
        struct repl repl = { .inv = inv,
                             .program = { .inv = inv, .what = "repl", .is_code = true } };
        int exit_code = tree_open(inv);

        if (exit_code != 0)
                return exit_code;
        tree_args_init(&repl.program.source);
        buf_init(&repl.source, LIMIT_MESSAGE_BYTES);
        buf_init(&repl.line, LIMIT_MESSAGE_BYTES);
        exit_code = repl_run(&repl);
        console_deinit(&repl.program.console);
        buf_deinit(&repl.program.source);
        buf_deinit(&repl.source);
        buf_deinit(&repl.line);
        return exit_code;
}

const struct command VERB_REPL = {
        .name = "repl",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "[NAME|PID]",
        .summary = "evaluate Lua line by line, in a fresh program or in one that runs",
        .details = "Expressions print their values. A fresh program may what a program of 'run' "
                   "may; of a\n"
                   "running one everything can be read and changed, and each input leaves a line "
                   "in the\n"
                   "log. Interrupting ends the evaluation. From a pipe: exit code 1 when an input "
                   "failed.",
        .examples = { "thoxctl repl", "echo 'os.name, #os.args' | thoxctl repl bot" },
        .flags = { "admin", "name", "runtime", "memory", "quantum" },
        .max_args = 1,
        .run = run_repl,
};
