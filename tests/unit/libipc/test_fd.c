/*
 * test_fd.c - descriptors.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libipc/base/fd.h"

static bool is_cloexec(int fd) {
        return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

Test(fd, a_sealed_memfd_cannot_be_changed) {
        char back[5] = { 0 };
        int fd;

        fd = fd_new_sealed("image", "bytes", 5);
        cr_assert_geq(fd, 0);
        cr_expect(is_cloexec(fd));
        cr_expect_eq(fd_check_sealed(fd, 5), 0);
        cr_expect_eq(fd_check_sealed(fd, 4), -EPERM);

        cr_expect_eq(pread(fd, back, sizeof(back), 0), 5);
        cr_expect_arr_eq(back, "bytes", 5);
        cr_expect_eq(pwrite(fd, "x", 1, 0), -1);
        cr_expect_eq(ftruncate(fd, 1), -1);
        cr_expect_eq(ftruncate(fd, 100), -1);
        cr_expect_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
        cr_expect_eq(fd_close(fd), -1);
}

Test(fd, a_memfd_that_lacks_a_seal_is_refused) {
        int fd = memfd_create("half", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        cr_assert_eq(ftruncate(fd, 3), 0);
        cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), 0);
        cr_expect_eq(fd_check_sealed(fd, 3), -EPERM);
        cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
        cr_expect_eq(fd_check_sealed(fd, 3), 0);
        fd_close(fd);
}

Test(fd, what_is_no_memfd_is_refused) {
        int fds[2];

        cr_assert_eq(fd_socketpair(fds), 0);
        cr_expect_eq(fd_check_sealed(fds[0], 0), -EPERM);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

Test(fd, both_ends_of_a_pair_are_nonblocking_and_closed_on_exec) {
        int fds[2];
        char byte;

        cr_assert_eq(fd_socketpair(fds), 0);
        for (int i = 0; i < 2; i++) {
                cr_expect(is_cloexec(fds[i]));
                cr_expect_eq(read(fds[i], &byte, 1), -1);
                cr_expect_eq(errno, EAGAIN);
        }
        cr_assert_eq(fd_set_nonblock(fds[0], false), 0);
        cr_expect_eq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
        cr_assert_eq(fd_set_nonblock(fds[0], true), 0);
        cr_expect_neq(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

Test(fd, closing_keeps_errno_and_ignores_what_is_absent) {
        errno = ENOTTY;
        cr_expect_eq(fd_close(-1), -1);
        cr_expect_eq(errno, ENOTTY);
}
