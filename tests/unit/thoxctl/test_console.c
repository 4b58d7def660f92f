/*
 * test_console.c - the console over pipes; the client is played by this file.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "thoxctl/console.h"

#define CONTEXT 7u
#define MAX_ANSWERS 16

/* In place of libipc/client.c. */
static struct {
        uint64_t cid;
        uint32_t status;
        char text[64];
} answers[MAX_ANSWERS];
static size_t n_answers;

int client_context_new(struct client *client UNUSED,
                       const Thox__Routing *routing,
                       uint32_t *ret_status,
                       uint32_t *ret_handle) {
        cr_expect_null(routing, "a console is a manual context");
        *ret_status = STATUS_OK;
        *ret_handle = CONTEXT;
        return 0;
}

int client_answer(struct client *client UNUSED,
                  uint64_t cid,
                  uint32_t status,
                  const struct buf *values) {
        struct buf text;

        cr_assert_lt(n_answers, MAX_ANSWERS);
        buf_init(&text, 1 << 22);
        if (values)
                cr_assert_eq(value_print(&text, values->data, values->len), 0);
        answers[n_answers].cid = cid;
        answers[n_answers].status = status;
        snprintf(answers[n_answers].text, sizeof(answers[0].text), "%.*s", (int)text.len,
                 text.len > 0 ? (char *)text.data : "");
        n_answers++;
        buf_deinit(&text);
        return 0;
}

static struct console console;
static int in_fd = -1, out_fd = -1; /* our ends */

static void begin(void) {
        int in[2], out[2];

        cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
        cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
        cr_assert_eq(console_init(&console, NULL, in[0], out[1]), STATUS_OK);
        cr_assert_eq(console.handle, CONTEXT);
        in_fd = in[1];
        out_fd = out[0];
}

static void end(void) {
        fd_close(console.in_fd);
        fd_close(console.out_fd);
        console_deinit(&console);
        in_fd = fd_close(in_fd);
        out_fd = fd_close(out_fd);
}

TestSuite(console, .init = begin, .fini = end, .timeout = 20);

static void call(uint64_t cid, const char *name, const char *text, size_t len) {
        struct client_event event = { .type = CLIENT_EVENT_CALL,
                                      .cid = cid,
                                      .name = (const uint8_t *)name,
                                      .name_len = strlen(name) };
        struct buf values;

        buf_init(&values, 1 << 22);
        if (text)
                cr_assert_eq(value_put_bytes(&values, text, len), 0);
        event.values = values.data;
        event.values_len = values.len;
        cr_assert_eq(console_on_event(&console, &event), 0);
        buf_deinit(&values);
}

static void cancel(uint64_t cid) {
        struct client_event event = { .type = CLIENT_EVENT_CANCEL, .cid = cid };

        cr_assert_eq(console_on_event(&console, &event), 0);
}

static bool is_ready(void) {
        struct pollfd p = { .fd = console.ready_fd, .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

static void type(const char *text) {
        cr_assert_eq(write(in_fd, text, strlen(text)), (ssize_t)strlen(text));
}

Test(console, a_write_reaches_stdout_and_is_answered) {
        char got[8];

        call(1, "write", "hello", 5);
        cr_assert_eq(read(out_fd, got, sizeof(got)), 5);
        cr_expect_arr_eq(got, "hello", 5);
        cr_assert_eq(n_answers, 1);
        cr_expect_eq(answers[0].cid, 1);
        cr_expect_eq(answers[0].status, STATUS_OK);
}

/* A pipe that nobody reads holds 64 KiB: the rest waits, its answer too, and nothing blocks. */
Test(console, a_slow_reader_delays_the_answer_only) {
        static char big[200000];
        size_t n_read = 0;
        char piece[4096];

        memset(big, 'x', sizeof(big));
        call(1, "write", big, sizeof(big));
        call(2, "write", "end", 3);
        cr_assert_eq(n_answers, 0);
        cr_expect_not(is_ready(), "stdout is full");
        while (n_answers < 2) {
                ssize_t n = read(out_fd, piece, sizeof(piece));

                cr_assert_gt(n, 0);
                n_read += (size_t)n;
                if (is_ready())
                        cr_assert_eq(console_on_ready(&console), 0);
        }
        cr_expect_eq(answers[0].cid, 1);
        cr_expect_eq(answers[1].cid, 2);
        cr_expect_not(is_ready(), "stdout is no longer watched");
        fd_set_nonblock(out_fd, true);
        for (ssize_t n; (n = read(out_fd, piece, sizeof(piece))) > 0;)
                n_read += (size_t)n;
        cr_expect_eq(n_read, sizeof(big) + 3);
}

Test(console, a_reader_that_went_away_is_an_error_not_a_signal) {
        out_fd = fd_close(out_fd);
        call(1, "write", "hello", 5);
        cr_expect_eq(console.write_error, EPIPE);
        cr_expect_eq(n_answers, 1);
}

Test(console, what_a_dead_program_wrote_is_drained) {
        static char big[100000];
        char piece[65536];

        call(1, "write", big, sizeof(big));
        cancel(1);
        cr_assert_eq(n_answers, 0);
        cr_assert_eq(read(out_fd, piece, sizeof(piece)), (ssize_t)sizeof(piece));
        console_drain(&console);
        cr_expect_eq(console.write_error, 0);
        cr_expect_eq(n_answers, 0, "nobody waits for the answer");
        cr_expect_eq(read(out_fd, piece, sizeof(piece)), (ssize_t)(sizeof(big) - sizeof(piece)));
}

Test(console, lines_are_given_one_by_one_then_nil) {
        type("one\ntwo\nlast");
        call(1, "read_line", NULL, 0);
        call(2, "read_line", NULL, 0);
        cr_assert_eq(n_answers, 2);
        cr_expect_str_eq(answers[0].text, "'one'");
        cr_expect_str_eq(answers[1].text, "'two'");
        call(3, "read_line", NULL, 0);
        cr_assert_eq(n_answers, 2, "the last line has no end yet");
        in_fd = fd_close(in_fd);
        cr_assert(is_ready());
        cr_assert_eq(console_on_ready(&console), 0);
        call(4, "read_line", NULL, 0);
        cr_assert_eq(n_answers, 4);
        cr_expect_str_eq(answers[2].text, "'last'");
        cr_expect_str_eq(answers[3].text, "nil");
}

Test(console, standard_input_is_left_alone_until_asked) {
        char got[8];

        type("mine\n");
        cr_expect_not(is_ready());
        cr_assert_eq(console_on_ready(&console), 0);
        cr_expect_eq(read(console.in_fd, got, sizeof(got)), 5);
}

Test(console, a_cancelled_reader_takes_no_line) {
        call(1, "read_line", NULL, 0);
        cancel(1);
        type("line\n");
        cr_expect_not(is_ready());
        call(2, "read_line", NULL, 0);
        cr_assert_eq(n_answers, 1);
        cr_expect_eq(answers[0].cid, 2);
        cr_expect_str_eq(answers[0].text, "'line'");
}

Test(console, a_signal_is_noticed_without_killing) {
        cr_expect_not(is_ready());
        cr_assert_eq(kill(getpid(), SIGTERM), 0);
        cr_assert(is_ready());
        cr_assert_eq(console_on_ready(&console), 0);
        cr_expect_eq(console.signal, SIGTERM);
}

Test(console, the_size_comes_from_the_environment_without_a_terminal) {
        setenv("COLUMNS", "132", 1);
        unsetenv("LINES");
        call(1, "size", NULL, 0);
        cr_assert_eq(n_answers, 1);
        cr_expect_str_eq(answers[0].text, "132, 24");
}

Test(console, wrong_calls_are_refused) {
        call(1, "write", NULL, 0);
        call(2, "writes", "x", 1);
        cr_assert_eq(n_answers, 2);
        cr_expect_eq(answers[0].status, STATUS_BADARGS);
        cr_expect_eq(answers[1].status, STATUS_NOTBOUND);
}
