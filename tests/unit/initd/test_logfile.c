/*
 * test_logfile.c - a log in files, on a disk that fills up.
 */
#include "initd/logfile.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/file.h"

#define N_FILES 3

static char dir[] = "/tmp/thox-test-logfile-XXXXXX";
static struct logfile file;

static void set_up(void) {
        cr_assert_not_null(mkdtemp(dir));
        cr_assert_eq(logfile_init(&file, dir, 100, N_FILES), 0);
}

static void path_of(char *ret, size_t size, unsigned i) {
        snprintf(ret, size, i > 0 ? "%s/thox.log.%u" : "%s/thox.log", dir, i);
}

static void tear_down(void) {
        char path[256];
        logfile_deinit(&file);
        for (unsigned i = 0; i < N_FILES; i++) {
                path_of(path, sizeof(path), i);
                unlink(path);
        }
        cr_expect_eq(rmdir(dir), 0, "nothing else is left");
}

TestSuite(logfile, .init = set_up, .fini = tear_down);

static void add(const char *lines) {
        logfile_add(&file, lines, strlen(lines));
}

/* NULL: there is no such file. */
static void expect(unsigned i, const char *wanted) {
        char path[256];
        uint8_t *text;
        size_t len;
        path_of(path, sizeof(path), i);
        if (!wanted) {
                cr_expect_eq(access(path, F_OK), -1);
                return;
        }
        cr_assert_eq(file_read(-1, path, 4096, &text, &len), 0);
        cr_expect_str_eq((char *)text, wanted);
        free(text);
}

/* 60 bytes. */
#define LINE(c) c "23456789012345678901234567890123456789012345678901234567890\n"

Test(logfile, a_full_one_is_put_aside_and_the_oldest_goes) {
        add("a\n");
        add("b\n");
        expect(0, "a\nb\n");
        add(LINE("1"));
        add(LINE("2"));
        expect(0, LINE("2"));
        expect(1, "a\nb\n" LINE("1"));
        expect(2, NULL);
        add(LINE("3"));
        add(LINE("4"));
        expect(0, LINE("4"));
        expect(1, LINE("3"));
        expect(2, LINE("2"));
}

Test(logfile, goes_on_with_the_file_that_is_there) {
        add(LINE("1"));
        logfile_deinit(&file);
        cr_assert_eq(logfile_init(&file, dir, 100, N_FILES), 0);
        add("a\n");
        expect(0, LINE("1") "a\n");
        add(LINE("2"));
        expect(0, LINE("2"));
}

/* Then it would grow without end. */
Test(logfile, one_that_cannot_be_put_aside_takes_no_more) {
        char path[256];
        path_of(path, sizeof(path), 1);
        cr_assert_eq(mkdir(path, 0700), 0);
        cr_assert_eq(logfile_init(&file, dir, 100, 2), 0);
        add(LINE("1"));
        add(LINE("2"));
        expect(0, LINE("1"));
        add("a\n"); /* it still fits */
        expect(0, LINE("1") "a\n");
        cr_assert_eq(rmdir(path), 0);
        add("b\n");
        expect(1, LINE("1") "a\n");
        expect(0, "thox-logger: warning: 1 lines were lost: Is a directory\nb\n");
}

static void limit_files(rlim_t bytes) {
        struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };
        signal(SIGXFSZ, SIG_IGN);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(logfile, what_has_no_room_is_counted_and_no_line_is_torn) {
        limit_files(10);
        add("a\nb\n");
        add("12345678\n");
        add("c\nd\ne\n");
        limit_files(RLIM_INFINITY);
        expect(0, "a\nb\nc\nd\ne\n");
        add("f\n");
        expect(0, "a\nb\nc\nd\ne\n"
                  "thox-logger: warning: 1 lines were lost: No space left on device\nf\n");
}
