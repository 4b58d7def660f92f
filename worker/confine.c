/*
 * confine.c - see confine.h. The order matters: the death signal is forgotten when ids change, Landlock
 * and the filter need no_new_privs, and nothing works behind the filter.
 */
#include "worker/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "worker/filter.h"
#include "worker/heap.h"
#include "worker/landlock.h"
#include "worker/namespaces.h"

/* A sanitizer's run time reserves terabytes, makes system calls of its own and writes its report to a
 * file: builds with one go without the layers that forbid that, and say so. */
#define CONFINE_IS_SANITIZED HEAP_IS_CHECKED

#ifndef PR_SET_MDWE
#        define PR_SET_MDWE 65
#        define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

void confine_init(struct confine *c) {
        *c = (struct confine){ 0 };
        c->filter_error = filter_compile(&c->filter);
}

void confine_deinit(struct confine *c) {
        filter_free(&c->filter);
}

static int confine_descriptors(int fd) {
        if (close_range((unsigned)fd + 1, ~0u, 0) < 0)
                return errno;
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        return 0;
}

static int confine_prctl(int option, unsigned long value) {
        return prctl(option, value, 0, 0, 0) < 0 ? errno : 0;
}

/* What Linux limits, it limits by user: with one of its own a worker takes nothing from others. */
static int confine_user(uint32_t pid) {
        uid_t id = LIMIT_WORKER_UID_FIRST + pid % LIMIT_WORKER_UIDS;
        if (geteuid() != 0)
                return 0;
        if (CONFINE_IS_SANITIZED)
                return CONFINEMENT_SANITIZED;
        bool is_done =
                setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
        return is_done ? 0 : errno;
}

/* Those that a set-uid program could bring back. */
static void confine_bound_capabilities(void) {
        for (unsigned long i = 0; prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++)
                ;
}

/* Effective, permitted and inheritable. */
static int confine_capabilities(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
        return syscall(SYS_capset, &header, none) < 0 ? errno : 0;
}

/* Address space: the heap and its reserve, a block that moves while it grows, and long messages. */
static rlim_t confine_address_space(uint64_t memory_bytes) {
        if (memory_bytes == 0 || CONFINE_IS_SANITIZED)
                return RLIM_INFINITY;
        return 2 * memory_bytes + LIMIT_WORKER_MESSAGES_BYTES;
}

/* What goes to a file on stderr is what a worker says before it ends. */
static bool confine_logs_to_file(void) {
        struct stat st;
        return fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode);
}

static int confine_limits(uint64_t memory_bytes) {
        const struct {
                __rlimit_resource_t resource;
                rlim_t max;
        } limits[] = {
                { RLIMIT_AS, confine_address_space(memory_bytes) },
                { RLIMIT_CORE, 0 },
                { RLIMIT_FSIZE, confine_logs_to_file() ? RLIM_INFINITY : 0 },
                { RLIMIT_NPROC, 0 },
                { RLIMIT_MEMLOCK, 0 },
                { RLIMIT_MSGQUEUE, 0 },
                { RLIMIT_SIGPENDING, 0 },
                { RLIMIT_NOFILE, LIMIT_WORKER_FDS },
                { RLIMIT_STACK, LIMIT_WORKER_STACK_BYTES },
        };
        int error = 0;
        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                struct rlimit limit;
                getrlimit(limits[i].resource, &limit);
                if (limits[i].max < limit.rlim_max)
                        limit.rlim_max = limits[i].max;
                limit.rlim_cur = limit.rlim_max;
                if (setrlimit(limits[i].resource, &limit) < 0)
                        error = errno;
        }
        return error;
}

static int confine_landlock(void) {
        return CONFINE_IS_SANITIZED ? (int)CONFINEMENT_SANITIZED : landlock_apply();
}

static int confine_filter(const struct confine *c) {
        if (CONFINE_IS_SANITIZED)
                return CONFINEMENT_SANITIZED;
        return c->filter_error != 0 ? c->filter_error : filter_apply(&c->filter);
}

static uint8_t confine_state(int error) {
        return error == 0 ? CONFINEMENT_ON : (uint8_t)error;
}

void confine_enter(struct confine *c) {
        c->namespaces = confine_state(CONFINE_IS_SANITIZED ? (int)CONFINEMENT_SANITIZED :
                                                             namespaces_enter());
        confine_bound_capabilities();
}

void confine_apply(const struct confine *c,
                   int fd,
                   uint32_t pid,
                   uint64_t memory_bytes,
                   struct confinement *ret) {
        uint8_t *s = ret->states;
        s[CONFINEMENT_DESCRIPTORS] = confine_state(confine_descriptors(fd));
        s[CONFINEMENT_USER] = confine_state(confine_user(pid));
        s[CONFINEMENT_DEATH_SIGNAL] = confine_state(confine_prctl(PR_SET_PDEATHSIG, SIGKILL));
        s[CONFINEMENT_NO_NEW_PRIVS] = confine_state(confine_prctl(PR_SET_NO_NEW_PRIVS, 1));
        s[CONFINEMENT_CAPABILITIES] = confine_state(confine_capabilities());
        s[CONFINEMENT_LIMITS] = confine_state(confine_limits(memory_bytes));
        s[CONFINEMENT_UNDUMPABLE] = confine_state(confine_prctl(PR_SET_DUMPABLE, 0));
        s[CONFINEMENT_NO_WX] = confine_state(confine_prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN));
        s[CONFINEMENT_LANDLOCK] = confine_state(confine_landlock());
        s[CONFINEMENT_NAMESPACES] = c->namespaces;
        s[CONFINEMENT_SECCOMP] = confine_state(confine_filter(c));
}
