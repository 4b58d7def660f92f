/*
 * daemon.c - see daemon.h. A daemon is up when it has said Hello and bound every name of its table
 * (native_store.c); until then calls to it are answered by the fallbacks there.
 */
#include "initd/daemon.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/spawn.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/service.h"

#define DAEMON_ARGS_MAX 8

static const struct {
        const char *name;
        uint32_t pid;
        enum peer_role role;
} traits[] = {
        [DAEMON_STORAGED] = { "storaged", PROCESS_PID_STORAGED, PEER_ROLE_DAEMON },
        [DAEMON_RUNTIMED] = { "runtimed", PROCESS_PID_RUNTIMED, PEER_ROLE_DAEMON },
        [DAEMON_ZYGOTE] = { "zygote", PROCESS_PID_ZYGOTE, PEER_ROLE_ZYGOTE },
};
static_assert(ARRAY_SIZE(traits) == _DAEMON_N, "one row per daemon");

const char *daemon_name(enum daemon_id id) {
        return traits[id].name;
}

static const char *daemon_args(const struct daemon *d, const char *argv[DAEMON_ARGS_MAX]) {
        const struct config *c = d->initd->config;
        const char *path = c->worker;
        size_t n = 1;

        if (d->id == DAEMON_STORAGED) {
                path = c->storaged;
                argv[n++] = "--store";
                argv[n++] = c->paths.store;
                argv[n++] = "--boot";
                argv[n++] = c->boot_dir;
        } else if (d->id == DAEMON_RUNTIMED) {
                path = c->runtimed;
        } else {
                if (c->has_no_hooks)
                        argv[n++] = "--no-hooks";
                if (c->is_sandbox_required)
                        argv[n++] = "--require-sandbox";
        }
        if (c->log_level == LOG_LEVEL_DEBUG && d->id != DAEMON_ZYGOTE)
                argv[n++] = "--verbose";
        argv[0] = path;
        argv[n] = NULL;
        return path;
}

static int daemon_make_peer(struct daemon *d, int *ret_fd) {
        struct initd *initd = d->initd;
        int fds[2];
        int r = fd_socketpair(fds);
        if (r < 0)
                return error_trace(r);

        r = peer_new(&d->peer, &initd->router, fds[0], traits[d->id].role, d->pid, 0,
                     traits[d->id].name);
        if (r == 0)
                d->peer->userdata = d;
        if (r == 0 && d->id != DAEMON_ZYGOTE)
                r = handle_give_default(d->peer, initd->router.native, HANDLE_RIGHTS_ALL);
        if (r < 0) {
                fd_close(fds[1]);
                return error_trace(r);
        }
        *ret_fd = fds[1];
        return 0;
}

static int daemon_launch(struct supervisor *s) {
        struct daemon *d = container_of(s, struct daemon, supervisor);
        const char *argv[DAEMON_ARGS_MAX];
        const char *path = daemon_args(d, argv);
        int fd;
        int r = daemon_make_peer(d, &fd);
        if (r == 0)
                r = spawn_exec(path, (char *const *)(uintptr_t)argv, fd, &d->linux_pid);
        if (r < 0) {
                log_warn("cannot start %s: %s", traits[d->id].name, strerror(-r));
                if (d->peer)
                        peer_close(d->peer, EXIT_REASON_ERROR, "not started");
                return error_trace(r);
        }
        return 0;
}

static void daemon_terminate(struct supervisor *s) {
        struct daemon *d = container_of(s, struct daemon, supervisor);
        if (d->peer)
                peer_close(d->peer, EXIT_REASON_KILLED, "the tree ends");
}

static void daemon_force(struct supervisor *s) {
        struct daemon *d = container_of(s, struct daemon, supervisor);
        if (d->linux_pid != 0)
                spawn_kill(d->linux_pid, SIGKILL);
}

/* Before the tree is up a daemon that ends is a reason to give up: what is wrong now, a missing
 * library or an unwritable directory, will be wrong again. So will a damaged store, but there the tree
 * goes on. */
static bool daemon_wants_restart(struct supervisor *s) {
        struct daemon *d = container_of(s, struct daemon, supervisor);
        return d->has_been_ready && !d->is_given_up && d->initd->state != INITD_STATE_STOPPING;
}

static void daemon_on_gone(struct supervisor *s) {
        struct daemon *d = container_of(s, struct daemon, supervisor);
        initd_on_daemon_gone(d->initd, d);
}

static const struct supervise_ops daemon_ops = {
        .start = daemon_launch,
        .terminate = daemon_terminate,
        .kill = daemon_force,
        .wants_restart = daemon_wants_restart,
        .on_gone = daemon_on_gone,
};

int daemon_init(struct daemon *d, struct initd *initd, enum daemon_id id) {
        *d = (struct daemon){ .initd = initd, .id = id, .pid = traits[id].pid };
        return error_trace(supervise_init(&d->supervisor, &initd->loop, &daemon_ops,
                                          LIMIT_DAEMON_GRACE_US, true));
}

void daemon_deinit(struct daemon *d) {
        supervise_deinit(&d->supervisor);
}

struct daemon *daemon_find_linux_pid(struct initd *initd, pid_t linux_pid) {
        for (size_t i = 0; i < _DAEMON_N; i++) {
                if (initd->daemons[i].linux_pid == linux_pid)
                        return &initd->daemons[i];
        }
        return NULL;
}

void daemon_start(struct daemon *d) {
        supervise_on_event(&d->supervisor, SUPERVISE_EVENT_START);
}

bool daemon_is_up(const struct daemon *d) {
        return d->supervisor.state == SUPERVISE_STATE_UP;
}

bool daemon_is_settled(const struct daemon *d) {
        return daemon_is_up(d) || d->is_given_up;
}

/* ---- events -------------------------------------------------------------------------------- */

static void daemon_check_ready(struct daemon *d) {
        if (d->supervisor.state != SUPERVISE_STATE_STARTING || !d->peer ||
            d->peer->state != PEER_STATE_OPEN || d->peer->n_bindings < native_daemon_n_names(d->id))
                return;

        log_debug("%s is up linux_pid=%d", traits[d->id].name, (int)d->linux_pid);
        d->has_been_ready = true;
        supervise_on_event(&d->supervisor, SUPERVISE_EVENT_READY);
        initd_on_daemon_ready(d->initd);
}

void daemon_on_hello(struct daemon *d) {
        daemon_check_ready(d);
}

void daemon_on_bound(struct daemon *d) {
        daemon_check_ready(d);
}

void daemon_on_peer_closed(struct daemon *d, const struct peer *peer) {
        d->peer = NULL;
        if (d->id == DAEMON_ZYGOTE)
                process_on_zygote_lost(d->initd);
        if (d->linux_pid == 0)
                return;
        if (peer->close_reason == EXIT_REASON_PROTOCOL || peer->close_reason == EXIT_REASON_HUNG)
                spawn_kill(d->linux_pid, SIGKILL);
        supervise_on_event(&d->supervisor, SUPERVISE_EVENT_HANGUP);
}

static void daemon_log_end(const struct daemon *d, int wait_status) {
        const char *name = traits[d->id].name;
        if (d->initd->state == INITD_STATE_STOPPING)
                return;
        if (WIFSIGNALED(wait_status))
                log_warn("%s was killed by signal %d (SIG%s)", name, WTERMSIG(wait_status),
                         sigabbrev_np(WTERMSIG(wait_status)));
        else
                log_warn("%s ended with status %d", name, WEXITSTATUS(wait_status));
}

void daemon_on_reaped(struct daemon *d, int wait_status) {
        d->linux_pid = 0;
        d->is_given_up = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == SERVICE_EXIT_DAMAGED;
        daemon_log_end(d, wait_status);
        if (d->peer)
                peer_drain(d->peer);
        if (d->peer)
                peer_close(d->peer, EXIT_REASON_SIGNAL, "%s ended", traits[d->id].name);
        supervise_on_event(&d->supervisor, SUPERVISE_EVENT_EXIT);
}
