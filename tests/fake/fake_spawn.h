/*
 * fake_spawn.h - replaces initd/spawn.c by link order: children are numbers, their sockets are in the
 * test's hands, and they die when the test says so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKE_CHILDREN_MAX 64

struct fake_child {
        pid_t linux_pid;
        const char *path; /* NULL: asked of the zygote */
        uint32_t pid;     /* then the thox pid */
        int fd;           /* its end of the socket; -1 once taken */
        int last_signal;  /* what spawn_kill sent last; 0: nothing */
        bool is_dead, is_reaped;
        int wait_status;
};

extern struct fake_child fake_children[FAKE_CHILDREN_MAX];
extern unsigned fake_n_children;

void fake_spawn_reset(void);
/* The newest child whose path ends so, or the newest forked one for NULL. */
struct fake_child *fake_spawn_find(const char *path_end);
int fake_spawn_take_fd(struct fake_child *child);
/* Its death; the test then delivers SIGCHLD. */
void fake_spawn_die(struct fake_child *child, int wait_status);

#define FAKE_EXITED(code) ((code) << 8)
#define FAKE_KILLED(signal) (signal)
