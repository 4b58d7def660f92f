/*
 * shim.c - memory and system calls that run out: one chosen of all that a daemon asks for fails. To be
 * preloaded.
 *
 *   THOX_SCARCE_IN   short name of the program it is meant for; in others it does nothing
 *   THOX_SCARCE      a file that the test maps too: struct scarce
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum scarce_kind {
        SCARCE_NOTHING,
        SCARCE_MEMORY,
        SCARCE_CALLS, /* those below that may run out of something */
};

/* Little endian, as the test packs it. */
struct scarce {
        uint64_t kind;
        uint64_t fails_at; /* which of those counted, from 1; 0: none */
        uint64_t n_seen;   /* since the test set it to 0 */
        uint64_t n_failed;
};

static struct scarce nothing, *scarce = &nothing;

__attribute__((constructor)) static void scarce_open(void) {
        const char *in = getenv("THOX_SCARCE_IN"), *path = getenv("THOX_SCARCE");
        int fd = in && path && strcmp(in, program_invocation_short_name) == 0 ?
                         (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0) :
                         -1;
        if (fd < 0)
                return;
        void *map = mmap(NULL, sizeof(*scarce), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (map != MAP_FAILED)
                scarce = map;
}

static int scarce_fails(enum scarce_kind kind) {
        if (scarce->kind != kind || scarce->fails_at == 0)
                return 0;
        scarce->n_seen++;
        int fails = scarce->n_seen == scarce->fails_at;
        scarce->n_failed += (uint64_t)fails;
        return fails;
}

/* ---- memory -------------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);

static void *scarce_none(void) {
        errno = ENOMEM;
        return NULL;
}

EXPORT void *malloc(size_t size) {
        return scarce_fails(SCARCE_MEMORY) ? scarce_none() : __libc_malloc(size);
}

EXPORT void *calloc(size_t n, size_t size) {
        return scarce_fails(SCARCE_MEMORY) ? scarce_none() : __libc_calloc(n, size);
}

EXPORT void *realloc(void *ptr, size_t size) {
        return scarce_fails(SCARCE_MEMORY) ? scarce_none() : __libc_realloc(ptr, size);
}

EXPORT void *reallocarray(void *ptr, size_t n, size_t size) {
        size_t bytes;
        if (__builtin_mul_overflow(n, size, &bytes))
                return scarce_none();
        return realloc(ptr, bytes);
}

/* ---- system calls -------------------------------------------------------------------------- */

#define FAIL_WITH(error_)                                                                          \
        do {                                                                                       \
                if (scarce_fails(SCARCE_CALLS)) {                                                  \
                        errno = (error_);                                                          \
                        return -1;                                                                 \
                }                                                                                  \
        } while (0)

EXPORT int socketpair(int domain, int type, int protocol, int fds[2]) {
        FAIL_WITH(EMFILE);
        return (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
        FAIL_WITH(EMFILE);
        return (int)syscall(SYS_accept4, fd, address, len, flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
        FAIL_WITH(ENOBUFS);
        return syscall(SYS_sendmsg, fd, message, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
        FAIL_WITH(ENOMEM);
        return syscall(SYS_recvmsg, fd, message, flags);
}

EXPORT int epoll_ctl(int fd, int operation, int of, struct epoll_event *event) {
        FAIL_WITH(ENOMEM);
        return (int)syscall(SYS_epoll_ctl, fd, operation, of, event);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
        FAIL_WITH(ENOMEM);
        return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}
