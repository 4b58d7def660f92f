/*
 * spawn.h - the only fork, exec, kill and wait of initd. Knows nothing of states or policies.
 *
 * Two ways to a child: spawn_exec starts a daemon or the zygote from its file; spawn_fork asks the
 * zygote for a worker, which becomes our child as well. Every child gets its socket, dies with initd
 * (PDEATHSIG) and inherits nothing else but stderr.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peer;

/* A child that ended. */
struct spawn_death {
        pid_t linux_pid;
        int wait_status;
        double cpu_s;        /* that it used */
        uint64_t peak_bytes; /* its memory at its largest */
};

/* Raises the soft limit of descriptors to the hard one; children get the old one back. Once. */
int spawn_raise_limits(void);

/* Runs `path` with its socket `fd` (taken, also on failure) on descriptor 3, stdin from /dev/null,
 * stdout and stderr on our stderr, in a process group of its own. A file that cannot be executed
 * ends with status 127. */
int spawn_exec(const char *path, char *const argv[], int fd, pid_t *ret_pid);

/* Asks the zygote for a worker on socket `fd` (taken, also on failure); Forked answers. */
void spawn_fork(struct peer *zygote, uint32_t pid, const char *name, uint64_t memory_bytes, int fd);

/* To a child of ours that has not been reaped; `pid` is never 0 or negative. */
void spawn_kill(pid_t pid, int signal);

/* Makes a child nicer than initd, or less nice (negative) where that is permitted. */
void spawn_renice(pid_t pid, int difference);

/* The next ended child; false when there is none for now. */
bool spawn_reap(struct spawn_death *ret);
