/*
 * zygote.c - see zygote.h.
 *
 * Children are made with CLONE_PARENT: they are initd's, survive the zygote, die with initd, and exit
 * with the zygote's own exit signal (SIGCHLD). clone(2) rather than clone3: the same with no flag
 * beyond the old ones, and allowed in more containers.
 */
#include "worker/zygote.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/conn.h"
#include "worker/confine.h"
#include "worker/start.h"
#include "worker/worker.h"

/* Messages of 1 MiB come and go on the heap without touching the kernel each time. */
#define ZYGOTE_MMAP_THRESHOLD (256 << 20)
#define ZYGOTE_TRIM_THRESHOLD (16 << 20)
#define ZYGOTE_TITLE_BYTES 128u

struct zygote {
        struct conn conn;
        struct conn_scratch scratch;
        bool has_conn;
        struct worker_options worker;
        void *prelude;
        struct confine confine;
        char *title; /* the memory of argv and environment, which /proc shows */
        size_t title_len;
};

/* ---- the child ----------------------------------------------------------------------------- */

static void zygote_set_title(const struct zygote *z, const char *name, size_t len) {
        char title[ZYGOTE_TITLE_BYTES + sizeof("thox: ")];
        snprintf(title, sizeof(title), "thox: %.*s", (int)len, name);
        prctl(PR_SET_NAME, title);
        memset(z->title, 0, z->title_len);
        snprintf(z->title, z->title_len, "%s", title);
}

/* By the socket, whose other end nobody else has; the parent's number is not to be had from within. */
static bool zygote_has_lost_initd(void) {
        struct pollfd p = { .fd = ZYGOTE_FD, .events = POLLIN };
        return poll(&p, 1, 0) < 0 || (p.revents & POLLHUP) != 0;
}

static void __attribute__((noreturn))
zygote_become_worker(const struct zygote *z, int fd, const Thox__Fork *request) {
        struct worker_options options = z->worker;
        if (dup2(fd, ZYGOTE_FD) < 0)
                _exit(1);
        zygote_set_title(z, (const char *)request->name.data, request->name.len);
        confine_apply(&z->confine, ZYGOTE_FD, request->pid, request->memory_bytes,
                      &options.confinement);
        /* initd may have died before the request for our death took effect. */
        if (zygote_has_lost_initd())
                _exit(1);
        worker_run(ZYGOTE_FD, &options);
}

/* ---- the zygote ---------------------------------------------------------------------------- */

static int zygote_fork(struct zygote *z, const struct wire_frame *f) {
        const Thox__Fork *request = f->message->fork;
        Thox__Forked reply = THOX__FORKED__INIT;
        reply.pid = request->pid;
        int fd = f->extra.n_fds > 0 ? conn_take_fd(&z->conn, 0) : -1;
        pid_t pid = -1;
        if (fd < 0)
                errno = EBADF;
        else
                pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0)
                zygote_become_worker(z, fd, request);
        reply.linux_pid = pid > 0 ? (uint32_t)pid : 0;
        reply.error = pid > 0 ? 0 : (uint32_t)errno;
        fd_close(fd);
        WIRE_MESSAGE(m, 0, FORKED, forked, &reply);
        return error_fold(conn_send(&z->conn, &m, NULL));
}

/* What a worker will have of its confinement is known when one has been made: this one ends at once. */
static int zygote_try_confinement(const struct zygote *z, struct confinement *ret) {
        struct confinement *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return error_origin(errno);
        pid_t pid = fork();
        if (pid == 0) {
                confine_apply(&z->confine, ZYGOTE_FD, 0, LIMIT_MEMORY_BYTES, shared);
                _exit(0);
        }
        int errnum = errno;
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        *ret = *shared;
        munmap(shared, sizeof(*shared));
        return pid < 0 ? error_origin(errnum) : 0;
}

static int zygote_say_hello(struct zygote *z) {
        struct confinement confinement;
        int r = zygote_try_confinement(z, &confinement);
        if (r < 0)
                return error_trace(r);
        Thox__Hello hello = THOX__HELLO__INIT;
        hello.version_min = hello.version_max = WIRE_VERSION;
        hello.name = wire_bytes("zygote", strlen("zygote"));
        hello.confinement = wire_bytes(confinement.states, sizeof(confinement.states));
        WIRE_MESSAGE(m, 0, HELLO, hello, &hello);
        return error_fold(conn_send(&z->conn, &m, NULL));
}

static int zygote_poll(struct zygote *z) {
        struct pollfd p = { .fd = z->conn.fd, .events = POLLIN };
        if (conn_pending(&z->conn) != 0)
                p.events |= POLLOUT;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return error_origin(errno);
        return 0;
}

/* One turn; CONN_E_EOF when initd is gone. */
static int zygote_turn(struct zygote *z) {
        struct wire_frame *frame;
        int r = conn_flush(&z->conn);
        if (r == CONN_OK || r == CONN_E_AGAIN)
                r = zygote_poll(z);
        if (r == CONN_OK)
                r = conn_read(&z->conn);
        while (r == CONN_OK) {
                r = conn_next(&z->conn, &frame);
                if (r == CONN_OK && frame->kind == THOX__FRAME__BODY_FORK)
                        r = zygote_fork(z, frame);
        }
        return r == CONN_E_AGAIN ? CONN_OK : r;
}

/* argv and the environment lie in one piece: what /proc/self/cmdline may show. */
static void zygote_take_title(struct zygote *z, const struct zygote_options *o) {
        const char *end = o->argv[o->argc - 1] + strlen(o->argv[o->argc - 1]) + 1;
        for (char **e = environ; e && *e && *e == end; e++)
                end = *e + strlen(*e) + 1;
        z->title = o->argv[0];
        z->title_len = (size_t)(end - o->argv[0]);
        clearenv();
}

static int zygote_prepare(struct zygote *z, const struct zygote_options *o) {
        void *prelude;
        mallopt(M_ARENA_MAX, 1);
        mallopt(M_MMAP_THRESHOLD, ZYGOTE_MMAP_THRESHOLD);
        mallopt(M_TRIM_THRESHOLD, ZYGOTE_TRIM_THRESHOLD);
        signal(SIGPIPE, SIG_IGN);
        /* From a terminal these go to the whole group; initd decides who ends. */
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        zygote_take_title(z, o);
        setenv("TZ", "UTC0", 1);
        tzset();
        confine_init(&z->confine);
        confine_enter(&z->confine);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* which a new user namespace forgets */
        int r = start_compile_prelude(&prelude, &z->worker.prelude_len);
        if (r < 0)
                return error_trace(r);
        z->worker.prelude = z->prelude = prelude;
        z->worker.has_no_hooks = o->has_no_hooks;
        z->worker.is_confinement_required = o->is_confinement_required;
        r = conn_scratch_init(&z->scratch);
        if (r == 0)
                r = conn_init_take(&z->conn, ZYGOTE_FD, &z->scratch);
        if (r < 0)
                return error_trace(r);
        z->has_conn = true;
        z->conn.max_frame = LIMIT_FRAME_BYTES;
        return error_trace(zygote_say_hello(z));
}

static void zygote_deinit(struct zygote *z) {
        if (z->has_conn)
                conn_deinit(&z->conn);
        if (z->scratch.bytes)
                conn_scratch_deinit(&z->scratch);
        confine_deinit(&z->confine);
        free(z->prelude);
}

int zygote_run(const struct zygote_options *options) {
        struct zygote z = { 0 };
        int r = zygote_prepare(&z, options);
        while (r == CONN_OK)
                r = zygote_turn(&z);
        if (r != CONN_E_EOF)
                log_error("zygote stopped: reason=%s trace=%s",
                          r == CONN_E_VIOLATION ? z.conn.reason : strerror(-r), error_describe());
        zygote_deinit(&z);
        return r == CONN_E_EOF ? EXIT_SUCCESS : EXIT_FAILURE;
}
