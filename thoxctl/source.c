/*
 * source.c - reads a file or standard input whole; see source.h.
 */
#include "thoxctl/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/limits.h"

#define SOURCE_TOO_LONG "a source has at most 4 MiB"
static_assert(LIMIT_SOURCE_BYTES == 4u << 20, "SOURCE_TOO_LONG names it");
#define STEP_BYTES 65536u

/* 0, -EFBIG, or -errno. */
static int read_all(int fd, struct buf *bytes) {
        ssize_t n;
        int r;

        for (;;) {
                r = buf_reserve(bytes, STEP_BYTES);
                if (r < 0)
                        return r;
                n = read(fd, bytes->data + bytes->len, STEP_BYTES);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                bytes->len += (size_t)n;
                if (bytes->len > LIMIT_SOURCE_BYTES)
                        return -EFBIG;
        }
}

int source_read(const struct invocation *inv, const char *path, struct buf *bytes) {
        bool is_stdin = strcmp(path, "-") == 0;
        int fd CLEANUP(fd_closep) = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        int r;

        if (!is_stdin && fd < 0)
                r = -errno;
        else
                r = read_all(is_stdin ? STDIN_FILENO : fd, bytes);
        if (r == -EFBIG)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                              .code = "limit",
                                              .why = SOURCE_TOO_LONG },
                            "cannot read '%s'", path);
        if (r == -ENOENT)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                              .code = "notfound",
                                              .why = "there is no such file" },
                            "cannot read '%s'", path);
        return r < 0 ? fail_errno(&inv->output, r, "cannot read '%s'", path) : 0;
}
