/*
 * test_log.c - what a line on stderr looks like; stderr is a pipe that the test reads.
 */
#include "libipc/base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int pipe_read, stderr_kept;
static char text[8192];

static void set_up(void) {
        int fds[2];

        cr_assert_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        stderr_kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        cr_assert(stderr_kept >= 0);
        cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        close(fds[1]);
        pipe_read = fds[0];
        unsetenv("JOURNAL_STREAM");
        log_open("test", LOG_LEVEL_DEBUG);
}

static void tear_down(void) {
        dup2(stderr_kept, STDERR_FILENO);
        close(stderr_kept);
        close(pipe_read);
}

TestSuite(log, .init = set_up, .fini = tear_down);

/* What was written since; "" for nothing. */
static const char *written(void) {
        ssize_t n = read(pipe_read, text, sizeof(text) - 1);

        text[n > 0 ? n : 0] = '\0';
        return text;
}

static void set_journal_stream(ino_t inode) {
        struct stat st;
        char stream[64];

        cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
        snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)(st.st_ino + inode));
        setenv("JOURNAL_STREAM", stream, 1);
        log_open("test", LOG_LEVEL_DEBUG);
}

Test(log, a_line_starts_with_program_and_level) {
        log_error("no store path=%s", "x");
        cr_expect_str_eq(written(), "test: error: no store path=x\n");
        log_warn("slow");
        cr_expect_str_eq(written(), "test: warning: slow\n");
        log_info("started pid=%d", 3);
        cr_expect_str_eq(written(), "test: started pid=3\n");
        log_debug("frame");
        cr_expect_str_eq(written(), "test: debug: frame\n");
}

Test(log, the_journal_gets_the_level_as_a_number) {
        set_journal_stream(0);
        log_error("a");
        cr_expect_str_eq(written(), "<3>test: a\n");
        log_warn("b");
        cr_expect_str_eq(written(), "<4>test: b\n");
        log_info("c");
        cr_expect_str_eq(written(), "<6>test: c\n");
        log_debug("d");
        cr_expect_str_eq(written(), "<7>test: d\n");
}

Test(log, the_journal_of_another_stream_is_not_ours) {
        set_journal_stream(1);
        log_error("a");
        cr_expect_str_eq(written(), "test: error: a\n");
}

Test(log, what_is_above_the_level_is_not_written) {
        log_open("test", LOG_LEVEL_WARNING);
        log_info("a");
        log_debug("b");
        cr_expect_str_eq(written(), "");
        log_warn("c");
        cr_expect_str_eq(written(), "test: warning: c\n");
        cr_expect(log_wants(LOG_LEVEL_ERROR));
        cr_expect_not(log_wants(LOG_LEVEL_INFO));
}

Test(log, one_event_is_one_line_whatever_its_text_holds) {
        log_info("a\nb\x1b[31m\x7f");
        cr_expect_str_eq(written(), "test: a b [31m \n");
}

Test(log, a_long_line_is_cut_to_what_a_pipe_takes_in_one_piece) {
        char longer[5000];

        memset(longer, 'x', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        log_info("%s", longer);
        const char *line = written();
        cr_expect(strlen(line) <= 4096);
        cr_expect(strlen(line) > 4000);
        cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

static void fill_pipe(void) {
        char block[4096];

        memset(block, 'x', sizeof(block));
        while (write(STDERR_FILENO, block, sizeof(block)) > 0)
                ;
        cr_assert_eq(errno, EAGAIN);
}

static void empty_pipe(void) {
        while (written()[0] != '\0')
                ;
}

Test(log, lines_that_did_not_fit_are_counted_and_reported) {
        fill_pipe();
        log_info("lost");
        log_info("lost too");
        empty_pipe();
        log_info("kept");
        cr_expect_str_eq(written(), "test: warning: log lines were lost n=2\ntest: kept\n");
        log_info("next");
        cr_expect_str_eq(written(), "test: next\n");
}

Test(log, errno_survives) {
        errno = ENOENT;
        log_info("a");
        cr_expect_eq(errno, ENOENT);
}

Test(log, levels_have_names_and_names_levels) {
        static const enum log_level levels[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                                                 LOG_LEVEL_DEBUG };

        for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
                const char *name = log_level_name(levels[i]);
                cr_expect_eq(log_level_parse(name, strlen(name)), (int)levels[i]);
        }
        cr_expect_eq(log_level_parse("warn", 4), -1);
        cr_expect_eq(log_level_parse("errors", 6), -1);
        cr_expect_eq(log_level_parse("", 0), -1);
}

Test(log, quoting_leaves_nothing_that_could_end_the_quotes_or_the_line) {
        static const struct {
                const char *bytes;
                size_t len;
                const char *quoted;
        } rows[] = {
                { "", 0, "\"\"" },
                { "plain text", 10, "\"plain text\"" },
                { "a\"b", 3, "\"a\\\"b\"" },
                { "a\\b", 3, "\"a\\\\b\"" },
                { "a\nb\0c", 5, "\"a\\x0ab\\x00c\"" },
                { "\x1b[0m\x7f", 5, "\"\\x1b[0m\\x7f\"" },
                { "\xc3\xbc", 2, "\"\\xc3\\xbc\"" },
                { " ~", 2, "\" ~\"" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                cr_expect_str_eq(log_quote(rows[i].bytes, rows[i].len), rows[i].quoted);
}

Test(log, a_quote_is_cut_to_200_bytes_and_says_so) {
        char bytes[201];

        memset(bytes, 0xff, sizeof(bytes));
        const char *whole = log_quote(bytes, 200);
        cr_expect_eq(strlen(whole), 200 * 4 + 2);
        cr_expect_eq(whole[strlen(whole) - 1], '"');
        const char *cut = log_quote(bytes, 201);
        cr_expect_eq(strlen(cut), 200 * 4 + 5);
        cr_expect_str_eq(cut + strlen(cut) - 8, "\\xff\"...");
}

Test(log, four_quotes_fit_in_one_line) {
        log_info("%s %s %s %s", log_quote("a", 1), log_quote("b", 1), log_quote("c", 1),
                 log_quote("d", 1));
        cr_expect_str_eq(written(), "test: \"a\" \"b\" \"c\" \"d\"\n");
}
