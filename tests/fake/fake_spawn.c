/*
 * fake_spawn.c - see fake_spawn.h.
 */
#include "tests/fake/fake_spawn.h"

#include <criterion/criterion.h>
#include <string.h>

#include "initd/peer.h"
#include "initd/spawn.h"
#include "libipc/base/fd.h"

#define FIRST_LINUX_PID 1000

struct fake_child fake_children[FAKE_CHILDREN_MAX];
unsigned fake_n_children;

void fake_spawn_reset(void) {
        for (unsigned i = 0; i < fake_n_children; i++)
                fd_close(fake_children[i].fd);
        fake_n_children = 0;
}

static struct fake_child *add_child(const char *path, uint32_t pid, int fd) {
        cr_assert_lt(fake_n_children, FAKE_CHILDREN_MAX);
        struct fake_child *child = &fake_children[fake_n_children++];
        *child = (struct fake_child){ .linux_pid = FIRST_LINUX_PID + (pid_t)fake_n_children,
                                      .path = path,
                                      .pid = pid,
                                      .fd = fd };
        return child;
}

struct fake_child *fake_spawn_find(const char *path_end) {
        for (unsigned i = fake_n_children; i > 0; i--) {
                struct fake_child *child = &fake_children[i - 1];
                if (!path_end && !child->path)
                        return child;
                if (!path_end || !child->path)
                        continue;
                size_t len = strlen(child->path), end_len = strlen(path_end);
                if (len >= end_len && strcmp(child->path + len - end_len, path_end) == 0)
                        return child;
        }
        return NULL;
}

int fake_spawn_take_fd(struct fake_child *child) {
        int fd = child->fd;
        child->fd = -1;
        return fd;
}

void fake_spawn_die(struct fake_child *child, int wait_status) {
        child->is_dead = true;
        child->wait_status = wait_status;
        child->fd = fd_close(child->fd);
}

int spawn_raise_limits(void) {
        return 0;
}

int spawn_exec(const char *path, char *const argv[], int fd, pid_t *ret_pid) {
        cr_assert_str_eq(argv[0], path);
        *ret_pid = add_child(path, 0, fd)->linux_pid;
        return 0;
}

void spawn_fork(
        struct peer *zygote, uint32_t pid, const char *name, uint64_t memory_bytes UNUSED, int fd) {
        cr_assert(zygote);
        cr_assert_gt(strlen(name), 0);
        add_child(NULL, pid, fd);
}

void spawn_kill(pid_t pid, int signal) {
        for (unsigned i = 0; i < fake_n_children; i++) {
                if (fake_children[i].linux_pid == pid && !fake_children[i].is_reaped)
                        fake_children[i].last_signal = signal;
        }
}

void spawn_renice(pid_t pid UNUSED, int difference UNUSED) {
}

bool spawn_reap(struct spawn_death *ret) {
        for (unsigned i = 0; i < fake_n_children; i++) {
                struct fake_child *child = &fake_children[i];
                if (!child->is_dead || child->is_reaped)
                        continue;
                child->is_reaped = true;
                *ret = (struct spawn_death){ .linux_pid = child->linux_pid,
                                             .wait_status = child->wait_status };
                return true;
        }
        return false;
}
