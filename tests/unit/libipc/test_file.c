/*
 * test_file.c - whole files.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/file.h"

static char dir[] = "/tmp/thox-test-file-XXXXXX";
static int dir_fd = -1;

static void set_up(void) {
        cr_assert_not_null(mkdtemp(dir));
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cr_assert_geq(dir_fd, 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
        (void)st;
        (void)type;
        (void)at;
        return remove(path);
}

static void tear_down(void) {
        dir_fd = fd_close(dir_fd);
        nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(file, .init = set_up, .fini = tear_down);

static void write_file(const char *path, const char *content) {
        int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        cr_assert_eq(fd_write_all(fd, content, strlen(content)), 0);
        fd_close(fd);
}

static void expect_content(const char *path, const char *content) {
        uint8_t *data = NULL;
        size_t len = 0;

        cr_assert_eq(file_read(dir_fd, path, 1000, &data, &len), 0);
        cr_expect_eq(len, strlen(content));
        cr_expect_str_eq((char *)data, content);
        free(data);
}

Test(file, a_file_is_read_whole) {
        write_file("a", "first");
        expect_content("a", "first");
        write_file("empty", "");
        expect_content("empty", "");
}

Test(file, the_maximum_is_inclusive) {
        uint8_t *data = NULL;
        size_t len = 0;

        write_file("a", "12345");
        cr_expect_eq(file_read(dir_fd, "a", 4, &data, &len), -EFBIG);
        cr_expect_null(data);
        cr_assert_eq(file_read(dir_fd, "a", 5, &data, &len), 0);
        free(data);
}

Test(file, what_is_no_file_is_refused_without_blocking) {
        uint8_t *data = NULL;
        size_t len = 0;

        cr_expect_eq(file_read(-1, dir, 100, &data, &len), -EISDIR);
        cr_expect_eq(file_read(dir_fd, "absent", 100, &data, &len), -ENOENT);
        cr_assert_eq(mkfifoat(dir_fd, "fifo", 0600), 0);
        cr_expect_eq(file_read(dir_fd, "fifo", 100, &data, &len), -EINVAL);
        cr_expect_null(data);
}

Test(file, files_without_a_size_are_read_to_their_end) {
        uint8_t *data = NULL;
        size_t len = 0;

        cr_assert_eq(file_read(-1, "/proc/self/status", 1 << 20, &data, &len), 0);
        cr_expect_gt(len, 100);
        free(data);
        cr_expect_eq(file_read(-1, "/proc/self/status", 10, &data, &len), -EFBIG);
}

Test(file, directories_are_made_with_their_parents) {
        char path[128];

        snprintf(path, sizeof(path), "%s/a/b//c/", dir);
        cr_expect_eq(file_make_dirs(path, 0700), 0);
        cr_expect_eq(file_make_dirs(path, 0700), 0);
        cr_expect_eq(faccessat(dir_fd, "a/b/c", F_OK, 0), 0);

        write_file("plain", "x");
        snprintf(path, sizeof(path), "%s/plain/x", dir);
        cr_expect_eq(file_make_dirs(path, 0700), -ENOTDIR);
        cr_expect_eq(file_make_dirs("", 0700), -EINVAL);
}
