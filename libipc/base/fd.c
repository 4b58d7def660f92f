/*
 * fd.c - descriptors: CLOEXEC from birth, -1 when absent, closed only here.
 */
#include "libipc/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

#define FD_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int fd_close(int fd) {
        int saved_errno = errno;

        if (fd >= 0)
                close(fd);
        errno = saved_errno;
        return -1;
}

void fd_hold_standard(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDONLY);
        while (fd >= 0 && fd <= STDERR_FILENO);
        fd_close(fd);
}

int fd_write_all(int fd, const void *bytes, size_t len) {
        const uint8_t *at = bytes;

        while (len > 0) {
                ssize_t n;

                n = write(fd, at, len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_origin(errno);
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

int fd_new_sealed(const char *name, const void *bytes, size_t len) {
        int fd CLEANUP(fd_closep) = -1;
        int r, sealed;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return error_origin(errno);

        r = fd_write_all(fd, bytes, len);
        if (r < 0)
                return error_trace(r);

        if (fcntl(fd, F_ADD_SEALS, FD_SEALS) < 0)
                return error_origin(errno);

        sealed = fd;
        fd = -1;
        return sealed;
}

int fd_check_sealed(int fd, size_t size) {
        struct stat st;
        int seals;

        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & FD_SEALS) != FD_SEALS)
                return error_origin(EPERM);
        if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != size)
                return error_origin(EPERM);
        return 0;
}

int fd_socketpair(int ret_fds[2]) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return error_origin(errno);

        ret_fds[0] = fds[0];
        ret_fds[1] = fds[1];
        return 0;
}

int fd_set_nonblock(int fd, bool on) {
        int flags, wanted;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0)
                return error_origin(errno);

        wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
                return error_origin(errno);
        return 0;
}
