/*
 * test_journal.c - how many log lines are taken of those who share a ration, and what is said of the rest.
 */
#include "initd/journal.h"

#include <criterion/criterion.h>
#include <string.h>

#include "libipc/limits.h"
#include "tests/fake/fake_loop.h"

static struct journal journal;
static struct journal_ration ration;
static struct loop loop;

static void setup(void) {
        log_open("test", LOG_LEVEL_ERROR);
        cr_assert(loop_init(&loop) == 0);
        journal_init(&journal, NULL);
        ration = (struct journal_ration){ 0 };
}

static void teardown(void) {
        journal_deinit(&journal);
        loop_deinit(&loop);
}

TestSuite(journal, .init = setup, .fini = teardown);

static void write_lines(unsigned n) {
        for (unsigned i = 0; i < n; i++)
                journal_add(&journal, &ration, 7, "p", LOG_LEVEL_INFO, "line", 4);
}

static void expect_newest(const char *text) {
        const struct journal_line *line =
                container_of(journal.lines.prev, struct journal_line, link);
        cr_assert_eq(line->text_len, strlen(text), "%.*s", (int)line->text_len, line->text);
        cr_assert_arr_eq(line->text, text, line->text_len);
}

static size_t n_lines(void) {
        size_t n = 0;
        list_for_each(link, &journal.lines)
                n++;
        return n;
}

Test(journal, lines_over_the_ration_are_dropped_and_counted) {
        write_lines(LIMIT_LOG_LINES);
        expect_newest("line");
        write_lines(1);
        expect_newest("its family writes more than 1000 lines in 10 s (LIMIT_LOG_LINES): what "
                      "follows is dropped");
        write_lines(41);
        cr_assert_eq(n_lines(), LIMIT_LOG_LINES + 1, "which is said once");
        fake_loop_advance(&loop, LIMIT_LOG_INTERVAL_US);
        write_lines(1);
        expect_newest("line");
        cr_assert_eq(n_lines(), LIMIT_LOG_LINES + 3);
        const struct journal_line *last =
                container_of(journal.lines.prev->prev, struct journal_line, link);
        cr_assert_arr_eq(last->text, "42 lines of its family were dropped", last->text_len);
}

Test(journal, a_ration_is_had_again_after_an_interval) {
        for (unsigned i = 0; i < 3; i++) {
                write_lines(LIMIT_LOG_LINES);
                expect_newest("line");
                fake_loop_advance(&loop, LIMIT_LOG_INTERVAL_US);
        }
        cr_assert_eq(n_lines(), 3 * LIMIT_LOG_LINES);
}

Test(journal, at_the_end_it_is_said_how_many_were_dropped) {
        write_lines(LIMIT_LOG_LINES + 5);
        journal_settle(&journal, &ration, 7, "p");
        expect_newest("5 lines of its family were dropped");
        journal_settle(&journal, &ration, 7, "p");
        cr_assert_eq(n_lines(), LIMIT_LOG_LINES + 2, "once");
}

Test(journal, who_has_no_ration_writes_what_he_likes) {
        for (unsigned i = 0; i < 2 * LIMIT_LOG_LINES; i++)
                journal_add(&journal, NULL, 7, "p", LOG_LEVEL_INFO, "line", 4);
        cr_assert_eq(n_lines(), 2 * LIMIT_LOG_LINES);
}
