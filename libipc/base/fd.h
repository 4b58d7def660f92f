/*
 * fd.h - descriptors: CLOEXEC from birth, -1 when absent, closed only here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Closes unless negative; returns -1: `x->fd = fd_close(x->fd);`. errno is kept. */
int fd_close(int fd);
static inline void fd_closep(int *fd) {
        fd_close(*fd);
}

/* Opens /dev/null, unwritable, where stdin, stdout or stderr is closed: what a program opens later must
 * not be taken for them. */
void fd_hold_standard(void);
/* A memfd with these bytes, sealed against writing, growing, shrinking and further sealing.
 * Returns the descriptor or -errno. */
int fd_new_sealed(const char *name, const void *bytes, size_t len);
/* 0 when all four seals are set and the size is exactly `size`, else -EPERM. */
int fd_check_sealed(int fd, size_t size);

/* A connected AF_UNIX stream pair, non-blocking both ends. 0 or -errno. */
int fd_socketpair(int ret_fds[2]);
int fd_set_nonblock(int fd, bool on);
/* All of it, to a blocking descriptor or a file. 0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t len);
