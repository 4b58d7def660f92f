/*
 * record.c - see record.h.
 */
#include "tests/crash/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/macros.h"

static int record_fd = -1;

__attribute__((constructor)) static void record_init(void) {
        const char *path = getenv("THOX_RECORD");

        if (!path || path[0] == '\0')
                return;
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, path,
                                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (record_fd < 0)
                abort();
}

static void record_bytes(const void *bytes, size_t len) {
        if (syscall(SYS_write, record_fd, bytes, len) != (ssize_t)len)
                abort();
}

static void record_line(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void record_line(const char *fmt, ...) {
        char line[2 * PATH_MAX + 64];
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(line, sizeof(line), fmt, args);
        va_end(args);
        record_bytes(line, (size_t)n);
}

static uint64_t inode_of(int fd) {
        struct stat st = { 0 };

        fstat(fd, &st);
        return st.st_ino;
}

/* `path` from the root; `ret` has PATH_MAX bytes. */
static const char *path_of(int directory, const char *path, char *ret) {
        char link[32], base[PATH_MAX];
        ssize_t n;

        if (path[0] == '/')
                return path;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
        n = directory == AT_FDCWD ? -1 : readlink(link, base, sizeof(base) - 1);
        if (n < 0)
                abort();
        base[n] = '\0';
        if ((size_t)snprintf(ret, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
                abort();
        return ret;
}

static void record_write(const struct op *op, off_t offset, ssize_t len) {
        int flags = fcntl(op->fd, F_GETFL);

        record_line("write %" PRIu64 " %jd %zd %d\n", inode_of(op->fd), (intmax_t)offset, len,
                    (flags & O_DSYNC) != 0);
        for (int i = 0; len > 0; i++) {
                size_t n =
                        op->pieces[i].iov_len < (size_t)len ? op->pieces[i].iov_len : (size_t)len;
                record_bytes(op->pieces[i].iov_base, n);
                len -= (ssize_t)n;
        }
}

static void record_name(const struct op *op) {
        char path[PATH_MAX], to[PATH_MAX];
        const char *from = path_of(op->fd, op->path, path);
        struct stat st;

        if (op->to)
                record_line("%s %s %s\n", op->verb, from, path_of(op->to_fd, op->to, to));
        else if (stat(from, &st) == 0)
                record_line("%s %ju %s\n", op->verb, (uintmax_t)st.st_ino, from);
        else
                record_line("%s %s\n", op->verb, from);
}

void record_op(const struct op *op, off_t offset, ssize_t r) {
        int error = errno;

        if (record_fd < 0)
                return;
        if (op->kind == OP_WRITE)
                record_write(op, offset, r);
        else if (op->kind == OP_SYNC)
                record_line("sync %" PRIu64 "\n", inode_of(op->fd));
        else if (op->kind == OP_LENGTH)
                record_line("length %" PRIu64 " %jd\n", inode_of(op->fd), (intmax_t)op->offset);
        else if (op->kind == OP_NAME)
                record_name(op);
        errno = error;
}
