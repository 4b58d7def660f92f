/*
 * shim.c - the system calls that change files or say something, each led through fault.c. To be
 * preloaded.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/macros.h"
#include "tests/crash/fault.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * Files.
 */

static ssize_t run_write(const struct op *op) {
        if (op->offset < 0)
                return syscall(SYS_writev, op->fd, op->pieces, op->n_pieces);
        return syscall(SYS_pwritev, op->fd, op->pieces, op->n_pieces, op->offset, 0);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int n_pieces, off_t offset) {
        return fault_run(&(struct op){ .kind = OP_WRITE,
                                       .run = run_write,
                                       .fd = fd,
                                       .pieces = pieces,
                                       .n_pieces = n_pieces,
                                       .offset = offset });
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int n_pieces) {
        return pwritev(fd, pieces, n_pieces, -1);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
        struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
        return pwritev(fd, &piece, 1, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset) {
        return pwrite(fd, bytes, len, offset);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len) {
        return pwrite(fd, bytes, len, -1);
}

static ssize_t run_fsync(const struct op *op) {
        return syscall(SYS_fsync, op->fd);
}

EXPORT int fsync(int fd) {
        return (int)fault_run(&(struct op){ .kind = OP_SYNC, .run = run_fsync, .fd = fd });
}

static ssize_t run_fdatasync(const struct op *op) {
        return syscall(SYS_fdatasync, op->fd);
}

EXPORT int fdatasync(int fd) {
        return (int)fault_run(&(struct op){ .kind = OP_SYNC, .run = run_fdatasync, .fd = fd });
}

static ssize_t run_ftruncate(const struct op *op) {
        return syscall(SYS_ftruncate, op->fd, op->offset);
}

EXPORT int ftruncate(int fd, off_t length) {
        return (int)fault_run(&(struct op){
                .kind = OP_LENGTH, .run = run_ftruncate, .fd = fd, .offset = length });
}

EXPORT int ftruncate64(int fd, off_t length) {
        return ftruncate(fd, length);
}

/*
 * Names.
 */

static ssize_t run_open(const struct op *op) {
        return syscall(SYS_openat, op->fd, op->path, op->flags, op->mode);
}

static int open_at(int directory, const char *path, int flags, mode_t mode) {
        struct op op = { .kind = OP_NAME,
                         .run = run_open,
                         .verb = "create",
                         .fd = directory,
                         .path = path,
                         .flags = flags,
                         .mode = mode };
        return (int)((flags & O_CREAT) != 0 ? fault_run(&op) : run_open(&op));
}

static mode_t mode_of(int flags, va_list args) {
        return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPEN(name)                                                                          \
        EXPORT int name(const char *path, int flags, ...) {                                        \
                va_list args;                                                                      \
                mode_t mode;                                                                       \
                                                                                                   \
                va_start(args, flags);                                                             \
                mode = mode_of(flags, args);                                                       \
                va_end(args);                                                                      \
                return open_at(AT_FDCWD, path, flags, mode);                                       \
        }

#define DEFINE_OPENAT(name)                                                                        \
        EXPORT int name(int directory, const char *path, int flags, ...) {                         \
                va_list args;                                                                      \
                mode_t mode;                                                                       \
                                                                                                   \
                va_start(args, flags);                                                             \
                mode = mode_of(flags, args);                                                       \
                va_end(args);                                                                      \
                return open_at(directory, path, flags, mode);                                      \
        }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

static ssize_t run_mkdir(const struct op *op) {
        return syscall(SYS_mkdirat, op->fd, op->path, op->mode);
}

EXPORT int mkdirat(int directory, const char *path, mode_t mode) {
        return (int)fault_run(&(struct op){ .kind = OP_NAME,
                                            .run = run_mkdir,
                                            .verb = "mkdir",
                                            .fd = directory,
                                            .path = path,
                                            .mode = mode });
}

EXPORT int mkdir(const char *path, mode_t mode) {
        return mkdirat(AT_FDCWD, path, mode);
}

static ssize_t run_unlink(const struct op *op) {
        return syscall(SYS_unlinkat, op->fd, op->path, op->flags);
}

EXPORT int unlinkat(int directory, const char *path, int flags) {
        return (int)fault_run(&(struct op){ .kind = OP_NAME,
                                            .run = run_unlink,
                                            .verb = flags & AT_REMOVEDIR ? "rmdir" : "unlink",
                                            .fd = directory,
                                            .path = path,
                                            .flags = flags });
}

EXPORT int unlink(const char *path) {
        return unlinkat(AT_FDCWD, path, 0);
}

static ssize_t run_rename(const struct op *op) {
        return syscall(SYS_renameat, op->fd, op->path, op->to_fd, op->to);
}

EXPORT int renameat(int directory, const char *path, int to_directory, const char *to) {
        return (int)fault_run(&(struct op){ .kind = OP_NAME,
                                            .run = run_rename,
                                            .verb = "rename",
                                            .fd = directory,
                                            .path = path,
                                            .to_fd = to_directory,
                                            .to = to });
}

EXPORT int rename(const char *path, const char *to) {
        return renameat(AT_FDCWD, path, AT_FDCWD, to);
}

/*
 * What leaves the process.
 */

static ssize_t run_sendmsg(const struct op *op) {
        return syscall(SYS_sendmsg, op->fd, op->message, op->flags);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
        return fault_run(&(struct op){ .kind = OP_SEND,
                                       .run = run_sendmsg,
                                       .fd = fd,
                                       .message = message,
                                       .flags = flags });
}

static ssize_t run_send(const struct op *op) {
        return syscall(SYS_sendto, op->fd, op->message, op->len, op->flags, NULL, 0);
}

EXPORT ssize_t send(int fd, const void *bytes, size_t len, int flags) {
        return fault_run(&(struct op){ .kind = OP_SEND,
                                       .run = run_send,
                                       .fd = fd,
                                       .message = bytes,
                                       .len = len,
                                       .flags = flags });
}
