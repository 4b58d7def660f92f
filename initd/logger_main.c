/*
 * logger_main.c - thox-logger: puts the lines that come on descriptor 3 into files, each with the time
 * (UTC). initd runs it where its own stderr leads nowhere (logger.h), so that no disk, however slow or
 * full, ever stops a tree. It ends when the last writer has.
 *
 * usage: thox-logger DIR FILE-BYTES FILES
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "initd/logfile.h"
#include "libipc/base/fd.h"
#include "libipc/base/parse.h"

#define INPUT_FD 3
#define LINE_BYTES 4096u /* of log.c; longer ones of others are cut into several */
#define STAMP_BYTES sizeof("2026-01-31T12:00:00.000Z ")
#define EXIT_USAGE 2

struct input {
        char bytes[64 << 10];
        size_t len;
};

static size_t put_stamp(char *to) {
        struct timespec now;
        struct tm tm;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &tm);
        size_t n = strftime(to, STAMP_BYTES, "%FT%T", &tm);
        return n + (size_t)snprintf(to + n, STAMP_BYTES - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

/* A whole line, or one that is too long to wait for its end. 0: neither. */
static size_t next_line(const char *at, size_t len, bool is_end) {
        const char *end = memchr(at, '\n', len < LINE_BYTES ? len : LINE_BYTES);
        if (end)
                return (size_t)(end - at) + 1;
        if (len >= LINE_BYTES)
                return LINE_BYTES;
        return is_end ? len : 0;
}

static void put_lines(struct logfile *f, struct input *in, bool is_end) {
        char line[STAMP_BYTES + LINE_BYTES + 1];
        size_t at = 0, len;
        while ((len = next_line(in->bytes + at, in->len - at, is_end)) > 0) {
                size_t n = put_stamp(line);
                memcpy(line + n, in->bytes + at, len);
                n += len;
                if (line[n - 1] != '\n')
                        line[n++] = '\n';
                logfile_add(f, line, n);
                at += len;
        }
        in->len -= at;
        memmove(in->bytes, in->bytes + at, in->len);
}

static void keep_log(struct logfile *f) {
        static struct input in;
        ssize_t n;
        do {
                n = read(INPUT_FD, in.bytes + in.len, sizeof(in.bytes) - in.len);
                if (n > 0)
                        in.len += (size_t)n;
                put_lines(f, &in, n == 0);
        } while (n > 0 || (n < 0 && errno == EINTR));
}

int main(int argc, char **argv) {
        static struct logfile file;
        uint64_t size_max, n_files;
        if (argc != 4 || parse_u64(argv[2], UINT64_MAX, &size_max) != 0 ||
            parse_u64(argv[3], UINT32_MAX, &n_files) != 0 || n_files == 0 ||
            logfile_init(&file, argv[1], size_max, (unsigned)n_files) < 0) {
                fprintf(stderr, "usage: thox-logger DIR FILE-BYTES FILES\n");
                return EXIT_USAGE;
        }
        /* What initd says last is what is wanted most: it ends after it, not with it. */
        prctl(PR_SET_PDEATHSIG, 0);
        /* Our own stderr is the pipe that we read: it would never end. */
        fd_close(STDOUT_FILENO);
        fd_close(STDERR_FILENO);
        fd_hold_standard();
        keep_log(&file);
        logfile_deinit(&file);
        return EXIT_SUCCESS;
}
