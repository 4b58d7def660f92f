/*
 * logfile.c - see logfile.h.
 */
#include "initd/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"

#define LOGFILE_MODE 0640
#define LOGFILE_SUFFIX_BYTES 16

int logfile_init(struct logfile *f, const char *dir, uint64_t size_max, unsigned n_files) {
        *f = (struct logfile){ .fd = -1, .size_max = size_max, .n_files = n_files };
        int n = snprintf(f->path, sizeof(f->path) - LOGFILE_SUFFIX_BYTES, "%s/thox.log", dir);
        return n < (int)sizeof(f->path) - LOGFILE_SUFFIX_BYTES ? 0 : error_origin(ENAMETOOLONG);
}

void logfile_deinit(struct logfile *f) {
        f->fd = fd_close(f->fd);
}

static bool logfile_open(struct logfile *f) {
        struct stat st;
        if (f->fd >= 0)
                return true;
        f->fd = open(f->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, LOGFILE_MODE);
        if (f->fd < 0 || fstat(f->fd, &st) < 0)
                return false;
        f->size = (uint64_t)st.st_size;
        return true;
}

/* thox.log.1 becomes thox.log.2, thox.log becomes thox.log.1; what takes the last name replaces it.
 * True when there is room for a new thox.log: the steps before may have nothing to move. */
static bool logfile_rotate(struct logfile *f) {
        bool is_done = true;
        char from[PATH_MAX + LOGFILE_SUFFIX_BYTES], to[sizeof(from)];
        for (unsigned i = f->n_files - 1; i > 0; i--) {
                snprintf(to, sizeof(to), "%s.%u", f->path, i);
                snprintf(from, sizeof(from), i > 1 ? "%s.%u" : "%s", f->path, i - 1);
                is_done = rename(from, to) == 0;
        }
        if (f->n_files == 1)
                is_done = unlink(f->path) == 0;
        f->fd = fd_close(f->fd);
        return is_done;
}

static bool logfile_write(struct logfile *f, const char *text, size_t len) {
        if (!logfile_open(f))
                return false;
        if (f->size > 0 && f->size + len > f->size_max) {
                if (!logfile_rotate(f) || !logfile_open(f))
                        return false;
        }
        ssize_t n = write(f->fd, text, len);
        if (n == (ssize_t)len) {
                f->size += len;
                return true;
        }
        /* Part of it, or nothing: no half lines. */
        int error = n < 0 ? errno : ENOSPC;
        if (n > 0)
                (void)!ftruncate(f->fd, (off_t)f->size);
        errno = error;
        return false;
}

static size_t count_lines(const char *text, size_t len) {
        size_t n = 0;
        for (const char *end = text + len; (text = memchr(text, '\n', (size_t)(end - text)));
             text++)
                n++;
        return n;
}

static void logfile_tell_lost(struct logfile *f) {
        char text[128];
        int n = snprintf(text, sizeof(text),
                         "thox-logger: warning: %" PRIu64 " lines were lost: %s\n", f->n_lost,
                         strerror(f->error));
        if (logfile_write(f, text, (size_t)n))
                f->n_lost = 0;
}

void logfile_add(struct logfile *f, const char *lines, size_t len) {
        if (f->n_lost > 0)
                logfile_tell_lost(f);
        if (logfile_write(f, lines, len))
                return;
        f->error = errno;
        f->n_lost += count_lines(lines, len);
}
