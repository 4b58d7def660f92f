/*
 * spawn.c - see spawn.h. Between fork and exec only async-signal-safe calls are made.
 */
#include "initd/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "initd/peer.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"

#define CHILD_FD 3
#define EXIT_NOT_EXECUTED 127

static struct rlimit inherited_limit;
static bool has_inherited_limit;

int spawn_raise_limits(void) {
        if (getrlimit(RLIMIT_NOFILE, &inherited_limit) < 0)
                return error_origin(errno);

        struct rlimit raised = inherited_limit;
        raised.rlim_cur = raised.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
                return error_origin(errno);

        has_inherited_limit = true;
        return 0;
}

static void child_reset_signals(void) {
        struct sigaction standard = { .sa_handler = SIG_DFL };
        for (int i = 1; i < NSIG; i++)
                sigaction(i, &standard, NULL);

        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool child_set_fds(int fd) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0)
                return false;
        if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
                return false;
        /* dup2 onto itself would leave CLOEXEC set. */
        bool is_there = fd == CHILD_FD ? fcntl(fd, F_SETFD, 0) >= 0 : dup2(fd, CHILD_FD) >= 0;
        /* What we inherited ourselves without CLOEXEC goes no further. */
        return is_there && close_range(CHILD_FD + 1, ~0u, 0) == 0;
}

__attribute__((noreturn)) static void child_exec(const char *path,
                                                 char *const argv[],
                                                 int fd,
                                                 pid_t parent) {
        child_reset_signals();
        setpgid(0, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(EXIT_NOT_EXECUTED);
        if (!child_set_fds(fd))
                _exit(EXIT_NOT_EXECUTED);
        if (has_inherited_limit)
                setrlimit(RLIMIT_NOFILE, &inherited_limit);
        execv(path, argv);
        _exit(EXIT_NOT_EXECUTED);
}

int spawn_exec(const char *path, char *const argv[], int fd, pid_t *ret_pid) {
        pid_t parent = getpid();
        pid_t pid = fork();
        if (pid == 0)
                child_exec(path, argv, fd, parent);

        int errnum = errno;
        fd_close(fd);
        if (pid < 0)
                return error_origin(errnum);

        *ret_pid = pid;
        return 0;
}

void spawn_fork(
        struct peer *zygote, uint32_t pid, const char *name, uint64_t memory_bytes, int fd) {
        Thox__Fork body = THOX__FORK__INIT;
        body.pid = pid;
        body.name = wire_bytes(name, strlen(name));
        body.memory_bytes = memory_bytes;

        WIRE_MESSAGE(message, 0, FORK, fork, &body);
        struct wire_extra extra = { .fds = &fd, .n_fds = 1 };
        peer_send(zygote, &message, &extra);
        fd_close(fd);
}

void spawn_kill(pid_t pid, int signal) {
        assert(pid > 1);
        if (kill(pid, signal) < 0)
                log_warn("cannot signal a child linux_pid=%d signal=%d: %s", (int)pid, signal,
                         strerror(errno));
}

void spawn_renice(pid_t pid, int difference) {
        if (difference == 0)
                return;
        int nice = getpriority(PRIO_PROCESS, 0) + difference;
        if (setpriority(PRIO_PROCESS, (id_t)pid, nice) < 0 && errno != EACCES && errno != EPERM)
                log_warn("cannot set the nice value of a child linux_pid=%d: %s", (int)pid,
                         strerror(errno));
}

static double seconds(struct timeval t) {
        return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

bool spawn_reap(struct spawn_death *ret) {
        struct rusage usage = { 0 };
        int status;
        pid_t pid;
        do {
                pid = wait4(-1, &status, WNOHANG, &usage);
        } while (pid < 0 && errno == EINTR);
        if (pid <= 0)
                return false;

        *ret = (struct spawn_death){
                .linux_pid = pid,
                .wait_status = status,
                .cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime),
                .peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
        };
        return true;
}
