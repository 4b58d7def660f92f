/*
 * child.c - fork, wait; see child.h.
 */
#include "storaged/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/macros.h"

#define FIRST_FD (STDERR_FILENO + 1)
#define STATUS_MAX 127
#define STATUS_ORPHAN 126 /* nobody is left to see it */

/* What of ours is open in a child would outlive us with it: the connection, the lock. */
static void close_others(int keep_fd) {
        if (keep_fd < FIRST_FD) {
                close_range(FIRST_FD, ~0u, 0);
                return;
        }
        if (keep_fd > FIRST_FD)
                close_range(FIRST_FD, (unsigned int)keep_fd - 1, 0);
        close_range((unsigned int)keep_fd + 1, ~0u, 0);
}

static _Noreturn void child_main(child_fn *work, const void *userdata, int keep_fd, pid_t parent) {
        const int deadly[] = { SIGABRT, SIGBUS, SIGSEGV, SIGFPE, SIGTERM };
        int null, status;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(STATUS_ORPHAN);
        for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
                signal(deadly[i], SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        close_others(keep_fd);
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0)
                dup2(null, STDERR_FILENO); /* LMDB's assertions speak C to people */

        status = work(userdata);
        assert(status >= 0 && status <= STATUS_MAX);
        _exit(status);
}

int child_start(struct child *ret, child_fn *work, const void *userdata, int keep_fd) {
        pid_t parent = getpid(), pid = fork();
        struct child_end end;
        int r;

        if (pid < 0)
                return error_origin(errno);
        if (pid == 0)
                child_main(work, userdata, keep_fd, parent);

        *ret = (struct child){ .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0) };
        if (ret->pidfd >= 0)
                return 0;
        r = error_origin(errno);
        child_kill(ret);
        (void)child_wait(ret, &end);
        return r;
}

int child_wait(struct child *c, struct child_end *ret) {
        int status;

        c->pidfd = fd_close(c->pidfd);
        while (waitpid(c->pid, &status, 0) < 0) {
                if (errno != EINTR)
                        return error_origin(errno);
        }
        *ret = (struct child_end){
                .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                .status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        };
        return 0;
}

void child_kill(const struct child *c) {
        kill(c->pid, SIGKILL);
}
