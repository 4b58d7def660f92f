/*
 * source.c - reads a file or standard input whole; see source.h.
 */
#include "thoxctl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/limits.h"

#define STEP_BYTES 65536u

/* 0, -EFBIG, or -errno. */
static int read_all(int fd, size_t max, struct buf *bytes) {
        ssize_t n;
        int r;

        for (;;) {
                r = buf_reserve(bytes, STEP_BYTES);
                if (r < 0)
                        return r == -E2BIG ? -EFBIG : r;
                n = read(fd, bytes->data + bytes->len, STEP_BYTES);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                bytes->len += (size_t)n;
                if (bytes->len > max)
                        return -EFBIG;
        }
}

int source_read(const struct invocation *inv, const char *path, size_t max, struct buf *bytes) {
        char too_long[64];
        bool is_stdin = strcmp(path, "-") == 0;
        int fd CLEANUP(fd_closep) = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        int r;

        if (!is_stdin && fd < 0)
                r = -errno;
        else
                r = read_all(is_stdin ? STDIN_FILENO : fd, max, bytes);
        snprintf(too_long, sizeof(too_long), "it may have at most %zu MiB", max >> 20);
        if (r == -EFBIG)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                              .code = "limit",
                                              .why = too_long },
                            "cannot read '%s'", path);
        if (r == -ENOENT)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                              .code = "notfound",
                                              .why = "there is no such file" },
                            "cannot read '%s'", path);
        return r < 0 ? fail_errno(&inv->output, r, "cannot read '%s'", path) : 0;
}
