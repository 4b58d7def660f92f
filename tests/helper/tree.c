/*
 * tree.c - see tree.h. The test process becomes the subreaper: a process of the tree that survived
 * initd would turn up as a child of ours.
 */
#include "tests/helper/tree.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/file.h"

#define TREE_DEADLINE_MS 20000
#define LOG_MAX (1u << 20)

static const char *tree_build(void) {
        const char *build = getenv("THOX_BUILD");
        cr_assert(build, "THOX_BUILD is not set: meson test sets it");
        return build;
}

void tree_prepare(struct tree *t) {
        if (t->dir[0] == '\0') {
                snprintf(t->dir, sizeof(t->dir), "/tmp/thox-tree-XXXXXX");
                cr_assert(mkdtemp(t->dir));
        }
        if (t->boot[0] == '\0')
                snprintf(t->boot, sizeof(t->boot), "%s/packaging/bootstore", tree_build());
        snprintf(t->socket, sizeof(t->socket), "%s/control", t->dir);
        if (t->log[0] == '\0')
                snprintf(t->log, sizeof(t->log), "%s.log", t->dir);
        cr_assert(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

static void exec_initd(const struct tree *t, const char *const *args, int ready_fd) {
        char path[256], ready[16];
        const char *argv[TREE_ARGS_MAX + 10] = { path,         "--dir",      t->dir,
                                                 "--boot",     t->boot,      "--libexec",
                                                 tree_build(), "--ready-fd", ready };
        snprintf(path, sizeof(path), "%s/initd/thox-initd", tree_build());
        snprintf(ready, sizeof(ready), "%d", ready_fd);
        for (size_t n = 9; args && *args; n++)
                argv[n] = *args++;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        int log = open(t->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
                _exit(126);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
}

/* Returns the descriptor that becomes readable when the tree is ready, or has ended. */
static int spawn_initd(struct tree *t, const char *const *args) {
        int fds[2];
        tree_prepare(t);
        cr_assert(pipe2(fds, 0) == 0);
        t->pid = fork();
        cr_assert(t->pid >= 0);
        if (t->pid == 0) {
                close(fds[0]);
                exec_initd(t, args, fds[1]);
        }
        close(fds[1]);
        cr_assert(fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0);
        return fds[0];
}

static char *tree_read_log(const struct tree *t) {
        uint8_t *text;
        size_t len;
        cr_assert(file_read(-1, t->log, LOG_MAX, &text, &len) == 0, "%s", t->log);
        return (char *)text;
}

void tree_start(struct tree *t, const char *const *args) {
        char byte;
        int fd = spawn_initd(t, args);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int r = poll(&p, 1, TREE_DEADLINE_MS);
        cr_assert(r == 1 && read(fd, &byte, 1) == 1, "the tree did not come up:\n%s",
                  tree_read_log(t));
        fd_close(fd);
}

/* ---- the end ------------------------------------------------------------------------------- */

static int wait_exit(pid_t pid) {
        int status;
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        cr_assert(fd >= 0);
        cr_assert(poll(&p, 1, TREE_DEADLINE_MS) == 1, "initd did not end");
        fd_close(fd);
        cr_assert(waitpid(pid, &status, 0) == pid);
        cr_assert(WIFEXITED(status), "initd died by signal %d", WTERMSIG(status));
        return WEXITSTATUS(status);
}

static void expect_no_sanitizer_word(const struct tree *t) {
        char *log = tree_read_log(t);
        cr_assert_null(strstr(log, "Sanitizer"), "%s", log);
        cr_assert_null(strstr(log, "runtime error:"), "%s", log);
        free(log);
}

int tree_wait(struct tree *t) {
        char path[192];
        int status = wait_exit(t->pid);
        cr_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD,
                  "a process of the tree outlived initd");
        cr_assert(access(t->socket, F_OK) < 0, "the socket was left behind");
        snprintf(path, sizeof(path), "%s/lock", t->dir);
        cr_assert(access(path, F_OK) < 0, "the lock was left behind");
        expect_no_sanitizer_word(t);
        return status;
}

void tree_remove(struct tree *t) {
        char command[320];
        snprintf(command, sizeof(command), "rm -rf %s %s", t->dir, t->log);
        cr_assert(system(command) == 0);
}

void tree_stop(struct tree *t) {
        cr_assert(kill(t->pid, SIGTERM) == 0);
        int status = tree_wait(t);
        cr_assert_eq(status, 0, "exit status %d:\n%s", status, tree_read_log(t));
        tree_remove(t);
}

int tree_try(struct tree *t, const char *const *args) {
        int fd = spawn_initd(t, args);
        int status = wait_exit(t->pid);
        fd_close(fd);
        return status;
}

void tree_expect_log(const struct tree *t, const char *text) {
        char *log = tree_read_log(t);
        cr_assert(strstr(log, text), "expected '%s' in:\n%s", text, log);
        free(log);
}
