/*
 * child.h - work in a child process: what may end badly, because LMDB answers a damaged file with a
 * signal, and what takes too long for the loop. The only file of storaged that forks.
 */
#pragma once

#include <sys/types.h>

struct child {
        pid_t pid;
        int pidfd; /* readable when the child has ended */
};

/* How it ended: by a signal, or with what its work returned. */
struct child_end {
        int signal; /* 0: by itself */
        int status; /* 0 to 127 */
};

/* Runs in the child, which has no descriptors but `keep_fd` (-1: none), says nothing on stderr and dies
 * with us. */
typedef int child_fn(const void *userdata);

/* 0 or -errno. child_wait is due after 0. */
int child_start(struct child *ret, child_fn *work, const void *userdata, int keep_fd);
/* Waits for the end. 0 or -errno; the child is gone in either case. */
int child_wait(struct child *c, struct child_end *ret);
/* Makes it end at once; child_wait is still due. */
void child_kill(const struct child *c);
