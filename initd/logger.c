/*
 * logger.c - see logger.h.
 */
#include "initd/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "initd/initd.h"
#include "initd/spawn.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/file.h"

#define PROGRAM "thox-initd"
#define LOGGER_RETRY_US 1000000u
#define LOGGER_DIR_MODE 0750
#define LOGGER_PIPE_BYTES (1 << 20) /* a burst that waits for the disk */
#define NULL_DEVICE_MAJOR 1
#define NULL_DEVICE_MINOR 3

static bool stderr_leads_nowhere(void) {
        struct stat st;
        return fstat(STDERR_FILENO, &st) == 0 && S_ISCHR(st.st_mode) &&
               st.st_rdev == makedev(NULL_DEVICE_MAJOR, NULL_DEVICE_MINOR);
}

static int logger_start(struct logger *l) {
        const struct config *c = l->initd->config;
        char size[24], files[24];
        const char *argv[] = { c->logger, l->dir, size, files, NULL };
        int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                return error_origin(errno);
        snprintf(size, sizeof(size), "%" PRIu64, c->log_size);
        snprintf(files, sizeof(files), "%" PRId64, c->log_files);
        return error_trace(
                spawn_exec(c->logger, (char *const *)(uintptr_t)argv, fd, &l->linux_pid));
}

static int logger_on_retry(struct loop_timer *timer) {
        struct logger *l = container_of(timer, struct logger, retry);
        int r = logger_start(l);
        if (r < 0)
                loop_timer_set(&l->retry, LOGGER_RETRY_US);
        return 0;
}

/* Stderr becomes the pipe. */
static int logger_connect(struct logger *l) {
        const struct config *c = l->initd->config;
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_origin(errno);
        (void)!fcntl(fds[0], F_SETPIPE_SZ, LOGGER_PIPE_BYTES);
        l->fd = fds[0];
        int r = logger_start(l);
        if (r == 0 && dup2(fds[1], STDERR_FILENO) < 0)
                r = error_origin(errno);
        fd_close(fds[1]);
        log_open(PROGRAM, c->log_level);
        return error_trace(r);
}

int logger_init(struct logger *l, struct initd *initd) {
        const struct config *c = initd->config;
        bool has_dir = *c->log_dir;
        *l = (struct logger){ .initd = initd, .fd = -1 };
        if (!has_dir && !stderr_leads_nowhere())
                return LOGGER_OK;

        l->dir = has_dir ? c->log_dir : c->paths.log;
        int r = file_make_dirs(l->dir, LOGGER_DIR_MODE);
        if (r < 0 || access(l->dir, W_OK | X_OK) < 0) {
                log_error(
                        "cannot write the log to %s: %s; log.dir in thox.conf names another place",
                        l->dir, strerror(r < 0 ? -r : errno));
                return LOGGER_E_REFUSED;
        }
        log_info("the log goes to %s/thox.log", l->dir);
        r = loop_timer_init(&l->retry, &initd->loop, logger_on_retry);
        if (r == 0)
                r = logger_connect(l);
        return error_trace(r);
}

void logger_deinit(struct logger *l) {
        if (l->fd < 0)
                return;
        loop_timer_deinit(&l->retry);
        l->fd = fd_close(l->fd);
}

bool logger_on_reaped(struct logger *l, pid_t linux_pid) {
        if (l->linux_pid == 0 || l->linux_pid != linux_pid)
                return false;
        l->linux_pid = 0;
        loop_timer_set(&l->retry, LOGGER_RETRY_US);
        return true;
}
