/*
 * boot.c - see boot.h.
 */
#include "initd/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initd/initd.h"
#include "initd/run_spec.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/file.h"
#include "libipc/base/log.h"
#include "libipc/value.h"

#define BOOT_INIT_PROGRAM "init"
#define RUN_DIR_MODE 0755
#define STORE_DIR_MODE 0700

/* ---- lock ---------------------------------------------------------------------------------- */

static int boot_refuse_second(const struct config *c, int fd) {
        char text[32] = "";
        ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
        long pid = n > 0 ? strtol(text, NULL, 10) : 0;
        log_error("another tree runs on %s (pid %ld); stop it or choose another --dir",
                  c->dir ? c->dir : c->paths.run, pid);
        return BOOT_E_REFUSED;
}

/* The file may have been unlinked by its last owner between our open and our lock. */
static bool lock_is_current(int fd, const char *path) {
        struct stat ours, theirs;
        return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
               ours.st_dev == theirs.st_dev;
}

static int boot_lock(struct boot *b, const struct config *c) {
        for (;;) {
                int fd CLEANUP(fd_closep) = open(c->paths.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0) {
                        log_error("cannot open %s: %s", c->paths.lock, strerror(errno));
                        return BOOT_E_REFUSED;
                }
                if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                        return boot_refuse_second(c, fd);
                if (!lock_is_current(fd, c->paths.lock))
                        continue;
                if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
                        log_error("cannot write %s: %s", c->paths.lock, strerror(errno));
                        return BOOT_E_REFUSED;
                }
                b->lock_fd = fd;
                fd = -1;
                return 0;
        }
}

static int boot_make_dir(const char *path, mode_t mode) {
        int r = file_make_dirs(path, mode);
        if (r < 0) {
                log_error("cannot make the directory %s: %s", path, strerror(-r));
                return BOOT_E_REFUSED;
        }
        if (access(path, R_OK | W_OK | X_OK) < 0) {
                log_error("cannot write to the directory %s: %s", path, strerror(errno));
                return BOOT_E_REFUSED;
        }
        return 0;
}

/* ---- steps --------------------------------------------------------------------------------- */

static int boot_on_timeout(struct loop_timer *timer) {
        struct boot *b = container_of(timer, struct boot, timer);
        for (size_t i = 0; i < _DAEMON_N; i++) {
                if (!daemon_is_settled(&b->initd->daemons[i]))
                        log_error("%s is not up after %u s", daemon_name((enum daemon_id)i),
                                  (unsigned)(LIMIT_BOOT_US / CLOCK_S_US));
        }
        stop_begin(&b->initd->stop, EXIT_FAILURE, true);
        return 0;
}

int boot_init(struct boot *b, struct initd *initd) {
        const struct config *c = initd->config;
        *b = (struct boot){ .initd = initd, .lock_fd = -1 };
        if (c->ready_fd >= 0 && fcntl(c->ready_fd, F_SETFD, FD_CLOEXEC) < 0) {
                log_error("--ready-fd %d: %s", c->ready_fd, strerror(errno));
                return BOOT_E_REFUSED;
        }

        int r = boot_make_dir(c->paths.run, RUN_DIR_MODE);
        if (r == 0)
                r = boot_make_dir(c->paths.store, STORE_DIR_MODE);
        if (r == 0)
                r = boot_lock(b, c);
        if (r != 0)
                return r;

        r = loop_timer_init(&b->timer, &initd->loop, boot_on_timeout);
        if (r < 0) {
                boot_deinit(b);
                return error_trace(r);
        }
        return 0;
}

void boot_deinit(struct boot *b) {
        if (b->lock_fd < 0)
                return;
        loop_timer_deinit(&b->timer);
        unlink(b->initd->config->paths.lock);
        b->lock_fd = fd_close(b->lock_fd);
}

int boot_begin(struct boot *b) {
        b->step = BOOT_STEP_DAEMONS;
        for (size_t i = 0; i < _DAEMON_N; i++)
                daemon_start(&b->initd->daemons[i]);
        return error_trace(loop_timer_set(&b->timer, LIMIT_BOOT_US));
}

static void boot_finish(struct boot *b) {
        struct initd *initd = b->initd;
        int fd = initd->config->ready_fd;
        b->step = BOOT_STEP_READY;
        initd->state = INITD_STATE_RUNNING;
        log_info("the tree is up socket=%s pid=%d", initd->config->paths.socket, (int)getpid());

        notify_ready();
        if (fd < 0)
                return;
        if (write(fd, "\n", 1) < 0)
                log_warn("--ready-fd %d: %s", fd, strerror(errno));
        fd_close(fd);
}

static void boot_run_init(struct boot *b) {
        struct initd *initd = b->initd;
        struct process_ref parent = { PROCESS_PID_INITD, ROUTER_GENERATION_INITD };
        struct run_spec *spec;
        b->step = BOOT_STEP_INIT;

        int r = run_spec_new_program(&spec, BOOT_INIT_PROGRAM, initd->router.native);
        if (r == 0 && initd->config->is_safe)
                r = value_put_text(&spec->args, "safe");
        if (r == 0)
                r = process_run(initd, spec, PROCESS_PID_INIT, 0, parent, NULL);
        if (r < 0) {
                log_error("cannot run the init program: %s", strerror(-r));
                stop_begin(&initd->stop, EXIT_FAILURE, true);
        }
}

static void boot_log_layer(const struct confinement *c,
                           enum confinement_layer layer,
                           bool is_error) {
        enum log_level level = is_error ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
        if (!confinement_is_on(c, layer))
                log_write(level, "workers run without %s: %s", confinement_name(layer),
                          confinement_why(c, layer));
}

void boot_check_confinement(struct boot *b) {
        const struct confinement *c = &b->initd->confinement;
        bool is_required = b->initd->config->is_sandbox_required;
        if (b->step != BOOT_STEP_DAEMONS || confinement_is_full(c))
                return;
        for (size_t i = 0; i < _CONFINEMENT_LAYER_N; i++)
                boot_log_layer(c, (enum confinement_layer)i, is_required);
        if (!is_required)
                return;
        log_error("--require-sandbox=full: a layer of confinement is missing; see above, or leave "
                  "the option out");
        stop_begin(&b->initd->stop, EXIT_FAILURE, true);
}

void boot_on_daemon_ready(struct boot *b) {
        if (b->step != BOOT_STEP_DAEMONS)
                return;
        for (size_t i = 0; i < _DAEMON_N; i++) {
                if (!daemon_is_settled(&b->initd->daemons[i]))
                        return;
        }

        loop_timer_clear(&b->timer);
        if (control_open(&b->initd->control) < 0) {
                log_error("cannot watch the control socket");
                stop_begin(&b->initd->stop, EXIT_FAILURE, true);
                return;
        }
        if (b->initd->config->has_init)
                boot_run_init(b);
        else
                boot_finish(b);
}

void boot_on_ready(struct boot *b) {
        if (b->step == BOOT_STEP_INIT && b->initd->state == INITD_STATE_STARTING)
                boot_finish(b);
}
