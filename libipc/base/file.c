/*
 * file.c - whole files.
 */
#include "libipc/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/macros.h"

static int file_dirfd(int dirfd) {
        return dirfd < 0 ? AT_FDCWD : dirfd;
}

static void file_bytes_freep(uint8_t **bytes) {
        free(*bytes);
}

/* Reads until end of file or `room` bytes. */
static int file_read_some(int fd, uint8_t *bytes, size_t room, size_t *ret_len) {
        size_t len = 0;

        while (len < room) {
                ssize_t n;

                n = read(fd, bytes + len, room - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_origin(errno);
                if (n == 0)
                        break;
                len += (size_t)n;
        }

        *ret_len = len;
        return 0;
}

int file_read(int dirfd, const char *path, size_t max, uint8_t **ret_data, size_t *ret_len) {
        int fd CLEANUP(fd_closep) = -1;
        uint8_t *data CLEANUP(file_bytes_freep) = NULL;
        size_t len, room;
        struct stat st;
        int r;

        /* A FIFO would block the opener: non-blocking, then only regular files. */
        fd = openat(file_dirfd(dirfd), path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return error_origin(errno);
        if (fstat(fd, &st) < 0)
                return error_origin(errno);
        if (S_ISDIR(st.st_mode))
                return error_origin(EISDIR);
        if (!S_ISREG(st.st_mode))
                return error_origin(EINVAL);
        if ((uint64_t)st.st_size > max)
                return error_origin(EFBIG);

        /* One byte more shows a file that grew, or one like /proc's whose size is 0. */
        room = st.st_size > 0 ? (size_t)st.st_size + 1 : max + 1;
        data = malloc(room + 1);
        if (!data)
                return error_origin(ENOMEM);

        r = file_read_some(fd, data, room, &len);
        if (r < 0)
                return error_trace(r);
        if (len == room)
                return error_origin(EFBIG);

        data[len] = '\0';
        *ret_data = take(data);
        *ret_len = len;
        return 0;
}

static int file_make_dir(const char *path, mode_t mode) {
        struct stat st;

        if (mkdir(path, mode) == 0)
                return 0;
        if (errno != EEXIST)
                return error_origin(errno);
        if (stat(path, &st) < 0)
                return error_origin(errno);
        return S_ISDIR(st.st_mode) ? 0 : error_origin(ENOTDIR);
}

int file_make_dirs(const char *path, mode_t mode) {
        char part[PATH_MAX];
        size_t len = strlen(path);
        int r;

        if (len == 0 || len >= sizeof(part))
                return error_origin(len == 0 ? EINVAL : ENAMETOOLONG);
        memcpy(part, path, len + 1);

        for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                r = file_make_dir(part, mode);
                *slash = '/';
                if (r < 0)
                        return error_trace(r);
        }
        return error_trace(file_make_dir(part, mode));
}
