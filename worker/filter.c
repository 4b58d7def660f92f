/*
 * filter.c - see filter.h. The lists were found by running programs under the filter; what a worker can
 * do before it (timers, signal handlers, the time zone) needs no place in them.
 */
#include "worker/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/macros.h"

/* Without conditions, the frequent ones first. */
static const int allowed[] = {
        SCMP_SYS(recvmsg),
        SCMP_SYS(sendmsg),
        SCMP_SYS(ppoll),
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(setitimer),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrandom),
        SCMP_SYS(close),
        SCMP_SYS(fstat),
        SCMP_SYS(futex),
        SCMP_SYS(restart_syscall),
        /* What a crash says before it ends. */
        SCMP_SYS(poll),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(getpid),
        SCMP_SYS(gettid),
        SCMP_SYS(exit_group),
};

/* What libc may try and do without. */
static const struct {
        int number, error;
} refused[] = {
        { SCMP_SYS(openat), EPERM },     { SCMP_SYS(open), EPERM },   { SCMP_SYS(ioctl), EPERM },
        { SCMP_SYS(socket), EPERM },     { SCMP_SYS(clone), EPERM },  { SCMP_SYS(clone3), ENOSYS },
        { SCMP_SYS(readlinkat), EPERM }, { SCMP_SYS(prctl), EPERM },  { SCMP_SYS(readlink), EPERM },
        { SCMP_SYS(sysinfo), EPERM },    { SCMP_SYS(access), EPERM },
};

/* One more condition on an argument. */
static const struct {
        int number;
        struct scmp_arg_cmp condition;
} conditional[] = {
        { SCMP_SYS(mmap), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
        { SCMP_SYS(mprotect), { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 } },
        { SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_GET_SEALS, 0 } },
        { SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_GETFL, 0 } },
        /* fstat of glibc is newfstatat(fd, "", st, AT_EMPTY_PATH). */
        { SCMP_SYS(newfstatat), { 3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0 } },
        { SCMP_SYS(write), { 0, SCMP_CMP_EQ, STDERR_FILENO, 0 } },
        { SCMP_SYS(writev), { 0, SCMP_CMP_EQ, STDERR_FILENO, 0 } },
        { SCMP_SYS(sendto), { 0, SCMP_CMP_EQ, STDERR_FILENO, 0 } },
        { SCMP_SYS(tgkill), { 2, SCMP_CMP_EQ, SIGABRT, 0 } },
};

static int filter_add_rules(scmp_filter_ctx ctx) {
        int r = 0;
        for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
        for (size_t i = 0; i < ARRAY_SIZE(refused) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned)refused[i].error),
                                     refused[i].number, 0);
        for (size_t i = 0; i < ARRAY_SIZE(conditional) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, conditional[i].number, 1,
                                     conditional[i].condition);
        return r;
}

static int filter_read(struct sock_fprog *ret, int fd) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return errno;
        struct sock_filter *code = malloc((size_t)st.st_size);
        if (!code)
                return ENOMEM;
        if (pread(fd, code, (size_t)st.st_size, 0) != st.st_size) {
                free(code);
                return EIO;
        }
        *ret = (struct sock_fprog){ .filter = code,
                                    .len = (unsigned short)((size_t)st.st_size / sizeof(*code)) };
        return 0;
}

static int filter_export(struct sock_fprog *ret, scmp_filter_ctx ctx) {
        int fd = memfd_create("filter", MFD_CLOEXEC);
        if (fd < 0)
                return errno;
        int error = -seccomp_export_bpf(ctx, fd);
        if (error == 0)
                error = filter_read(ret, fd);
        fd_close(fd);
        return error;
}

/* libseccomp does not say. */
static int filter_why_no_context(void) {
        uint32_t action = SECCOMP_RET_KILL_PROCESS;
        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? errno : ENOMEM;
}

int filter_compile(struct sock_fprog *ret) {
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!ctx)
                return filter_why_no_context();
        int error = -filter_add_rules(ctx);
        if (error == 0)
                error = filter_export(ret, ctx);
        seccomp_release(ctx);
        return error;
}

void filter_free(struct sock_fprog *filter) {
        free(filter->filter);
}

int filter_apply(const struct sock_fprog *filter) {
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0 ? errno : 0;
}
