/*
 * initd.c - see initd.h: construction in dependency order, and the switchboard of events.
 */
#include "initd/initd.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "initd/fault.h"
#include "initd/native_table.h"
#include "initd/spawn.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/bootstore.h"
#include "libipc/name.h"

static const char *const state_names[] = {
        [INITD_STATE_STARTING] = "starting",
        [INITD_STATE_RUNNING] = "running",
        [INITD_STATE_STOPPING] = "stopping",
};
static_assert(ARRAY_SIZE(state_names) == _INITD_STATE_N, "one name per state");

const char *initd_state_name(const struct initd *initd) {
        if (initd->state != INITD_STATE_RUNNING)
                return state_names[initd->state];
        for (size_t i = 0; i < _DAEMON_N; i++) {
                const struct supervisor *s = &initd->daemons[i].supervisor;
                if (s->state != SUPERVISE_STATE_UP || supervise_is_degraded(s, clock_now_us()))
                        return "degraded";
        }
        return state_names[INITD_STATE_RUNNING];
}

/* ---- the router's events ------------------------------------------------------------------- */

void initd_welcome(struct peer *peer) {
        static const char software[] = "thox " THOX_VERSION;
        Thox__Welcome body = THOX__WELCOME__INIT;
        body.version = WIRE_VERSION;
        body.pid = peer->pid;
        body.uid = peer->uid;
        body.generation = peer->generation;
        body.software = wire_bytes(software, strlen(software));
        WIRE_MESSAGE(message, 0, WELCOME, welcome, &body);
        peer_send(peer, &message, NULL);
}

static void on_hello(struct peer *peer, const Thox__Hello *hello) {
        struct initd *initd = peer->router->userdata;
        switch (peer->role) {
        case PEER_ROLE_CONTROL:
                if (name_is_valid(hello->name.data, hello->name.len))
                        snprintf(peer->name, sizeof(peer->name), "%.*s", (int)hello->name.len,
                                 (const char *)hello->name.data);
                control_on_hello(&initd->control, peer);
                break;
        case PEER_ROLE_DAEMON:
                initd_welcome(peer);
                daemon_on_hello(peer->userdata);
                break;
        case PEER_ROLE_ZYGOTE:
                confinement_read(&initd->confinement, hello->confinement.data,
                                 hello->confinement.len);
                boot_check_confinement(&initd->boot);
                daemon_on_hello(peer->userdata);
                break;
        case PEER_ROLE_WORKER: /* Start is on its way already */
                process_on_hello(peer->userdata, hello);
                break;
        case _PEER_ROLE_N:
                break;
        }
}

static void on_fault_frame(struct peer *peer, const Thox__Fault *body) {
        fault_on_frame(peer->userdata, body);
}

static void on_exit_frame(struct peer *peer, const Thox__Exit *body) {
        process_on_exit(peer->userdata, body);
}

static void on_forked(struct peer *peer, const Thox__Forked *body) {
        process_on_forked(peer->router->userdata, body);
}

static void on_bound(struct peer *peer) {
        if (peer->role == PEER_ROLE_DAEMON)
                daemon_on_bound(peer->userdata);
}

static void on_closed(struct peer *peer) {
        struct initd *initd = peer->router->userdata;
        struct process_ref gone = { peer->pid, peer->generation };
        switch (peer->role) {
        case PEER_ROLE_CONTROL:
                control_on_closed(&initd->control, peer);
                break;
        case PEER_ROLE_DAEMON:
        case PEER_ROLE_ZYGOTE:
                daemon_on_peer_closed(peer->userdata, peer);
                break;
        case PEER_ROLE_WORKER:
                process_on_peer_closed(peer->userdata, peer);
                break;
        case _PEER_ROLE_N:
                break;
        }
        interrupts_on_closed(&initd->interrupts, peer);
        control_resume(&initd->control);
        process_on_parent_gone(initd, gone, peer->role == PEER_ROLE_CONTROL);
}

static void on_written(struct router *r) {
        struct initd *initd = r->userdata;
        watchdog_on_written(&initd->watchdog);
}

static const struct router_ops router_ops = {
        .on_hello = on_hello,
        .on_exit = on_exit_frame,
        .on_fault = on_fault_frame,
        .on_forked = on_forked,
        .on_bound = on_bound,
        .on_closed = on_closed,
        .on_written = on_written,
};

/* ---- ends ---------------------------------------------------------------------------------- */

/* The tree lives for its programs: with none left there is nothing to do. */
static int initd_on_check(struct loop_later *later) {
        struct initd *initd = container_of(later, struct initd, check);
        if (initd->state == INITD_STATE_STOPPING) {
                stop_check(&initd->stop);
                return 0;
        }
        if (initd->config->is_kept || initd->boot.step < BOOT_STEP_INIT ||
            !list_is_empty(&initd->processes.all))
                return 0;
        log_error("the init program ended and no other is left: the tree stops");
        stop_begin(&initd->stop, EXIT_FAILURE, false);
        return 0;
}

void initd_on_process_gone(struct initd *initd) {
        loop_later_add(&initd->loop, &initd->check);
}

void initd_on_daemon_ready(struct initd *initd) {
        boot_on_daemon_ready(&initd->boot);
        if (initd->state == INITD_STATE_RUNNING)
                notify_status(initd_state_name(initd));
}

void initd_on_daemon_gone(struct initd *initd, struct daemon *d) {
        if (d->is_given_up) {
                log_error("the tree goes on without %s: the boot store is all there is",
                          daemon_name(d->id));
                initd_on_daemon_ready(initd);
        } else if (initd->state != INITD_STATE_STOPPING) {
                log_error("%s ended before it was up: the tree stops", daemon_name(d->id));
                stop_begin(&initd->stop, EXIT_FAILURE, true);
        }
        loop_later_add(&initd->loop, &initd->check);
}

/* ---- signals ------------------------------------------------------------------------------- */

static int on_sigchld(struct loop_signal *signal, int number UNUSED) {
        struct initd *initd = container_of(signal, struct initd, sigchld);
        struct spawn_death death;
        while (spawn_reap(&death)) {
                struct daemon *d = daemon_find_linux_pid(initd, death.linux_pid);
                if (d)
                        daemon_on_reaped(d, death.wait_status);
                else if (!logger_on_reaped(&initd->logger, death.linux_pid))
                        process_on_reaped(initd, &death);
        }
        return 0;
}

static int initd_on_stop_signal(struct initd *initd) {
        stop_begin(&initd->stop, EXIT_SUCCESS, initd->state == INITD_STATE_STOPPING);
        return 0;
}

static int on_sigterm(struct loop_signal *signal, int number UNUSED) {
        return initd_on_stop_signal(container_of(signal, struct initd, sigterm));
}

static int on_sigint(struct loop_signal *signal, int number UNUSED) {
        return initd_on_stop_signal(container_of(signal, struct initd, sigint));
}

static int initd_on_interrupt(struct initd *initd, int number) {
        unsigned n = interrupt_raise(&initd->interrupts, (unsigned)number);
        if (n == 0 && number == SIGHUP)
                log_info("SIGHUP: no program waits for it; the configuration is read at the start "
                         "only");
        return 0;
}

static int on_sighup(struct loop_signal *signal, int number) {
        return initd_on_interrupt(container_of(signal, struct initd, sighup), number);
}

static int on_sigusr1(struct loop_signal *signal, int number) {
        return initd_on_interrupt(container_of(signal, struct initd, sigusr1), number);
}

static int on_sigusr2(struct loop_signal *signal, int number) {
        return initd_on_interrupt(container_of(signal, struct initd, sigusr2), number);
}

/* ---- construction -------------------------------------------------------------------------- */

static int initd_open_bootstore(struct initd *initd) {
        const struct config *c = initd->config;
        char *reason = NULL;
        int r = bootstore_new(&initd->bootstore, c->boot_dir, !c->is_unverified, &reason);
        if (r == 0)
                return 0;
        if (r > 0 && reason)
                log_error("%s", reason);
        else
                log_error("boot store %s: %s", c->boot_dir, strerror(r < 0 ? -r : ENOMEM));
        free(reason);
        return INITD_E_REFUSED;
}

static int initd_register_natives(struct router *r) {
        const struct {
                const struct native_endpoint *endpoints;
                size_t n;
        } tables[] = {
                { native_alarm_endpoints, native_alarm_n_endpoints },
                { native_bus_endpoints, native_bus_n_endpoints },
                { native_eval_endpoints, native_eval_n_endpoints },
                { native_interrupt_endpoints, native_interrupt_n_endpoints },
                { native_log_endpoints, native_log_n_endpoints },
                { native_process_endpoints, native_process_n_endpoints },
                { native_store_endpoints, native_store_n_endpoints },
                { native_tree_endpoints, native_tree_n_endpoints },
        };
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                int error = native_register(r, tables[i].endpoints, tables[i].n);
                if (error < 0)
                        return error_trace(error);
        }
        return 0;
}

static int initd_init_signals(struct initd *initd) {
        int r = loop_signal_init(&initd->sigchld, &initd->loop, SIGCHLD, on_sigchld);
        if (r == 0)
                r = loop_signal_init(&initd->sighup, &initd->loop, SIGHUP, on_sighup);
        if (r == 0)
                r = loop_signal_init(&initd->sigusr1, &initd->loop, SIGUSR1, on_sigusr1);
        if (r == 0)
                r = loop_signal_init(&initd->sigusr2, &initd->loop, SIGUSR2, on_sigusr2);
        if (r == 0)
                r = loop_signal_init(&initd->sigint, &initd->loop, SIGINT, on_sigint);
        if (r == 0)
                r = loop_signal_init(&initd->sigterm, &initd->loop, SIGTERM, on_sigterm);
        signal(SIGPIPE, SIG_IGN);
        return error_trace(r);
}

/* What needs nothing but memory and the loop. */
static int initd_init_objects(struct initd *initd) {
        int r = router_init(&initd->router, &initd->loop, &router_ops, initd);
        if (r == 0)
                r = initd_register_natives(&initd->router);
        for (size_t i = 0; r == 0 && i < _DAEMON_N; i++)
                r = daemon_init(&initd->daemons[i], initd, (enum daemon_id)i);
        if (r == 0)
                r = notify_init(&initd->notify, &initd->loop);
        if (r == 0)
                r = watchdog_init(&initd->watchdog, initd);
        if (r == 0)
                r = initd_init_signals(initd);
        return error_trace(r);
}

static struct initd *initd_alloc(const struct config *config) {
        struct initd *initd = calloc(1, sizeof(*initd));
        if (!initd)
                return NULL;
        initd->config = config;
        initd->started_us = clock_now_us();
        initd->boot.lock_fd = initd->control.fd = initd->logger.fd = -1;
        loop_later_init(&initd->check, initd_on_check);
        stop_init(&initd->stop, initd);
        journal_init(&initd->journal, &initd->router);
        reports_init(&initd->reports);
        interrupts_init(&initd->interrupts);
        process_registry_init(&initd->processes);
        return initd;
}

int initd_new(struct initd **ret, const struct config *config) {
        struct initd *initd = initd_alloc(config);
        if (!initd)
                return error_origin(ENOMEM);

        /* Without these there is not even something to take apart: main ends the program. */
        int r = loop_init(&initd->loop);
        if (r == 0)
                r = initd_init_objects(initd);
        if (r < 0)
                return error_trace(r);

        r = boot_init(&initd->boot, initd);
        if (r == 0)
                r = control_init(&initd->control, initd, config->paths.socket);
        if (r == 0)
                r = initd_open_bootstore(initd);
        if (r == 0)
                r = spawn_raise_limits();
        if (r == 0)
                r = logger_init(&initd->logger, initd);
        if (r != 0) {
                initd_free(initd);
                return r < 0 ? error_trace(r) : INITD_E_REFUSED;
        }
        *ret = initd;
        return 0;
}

int initd_run(struct initd *initd, int *ret_status) {
        int r = boot_begin(&initd->boot);
        if (r == 0)
                r = loop_run(&initd->loop);
        if (r < 0)
                return error_trace(r);
        *ret_status = initd->exit_status;
        return 0;
}

struct initd *initd_free(struct initd *initd) {
        if (!initd)
                return NULL;
        if (initd->control.fd >= 0 || initd->stop.step != STOP_STEP_NONE)
                unlink(initd->config->paths.socket);
        control_close(&initd->control);
        initd->journal.router = NULL;
        router_deinit(&initd->router);
        process_registry_deinit(&initd->processes);
        loop_later_cancel(&initd->check);

        loop_signal_deinit(&initd->sigterm);
        loop_signal_deinit(&initd->sigint);
        loop_signal_deinit(&initd->sighup);
        loop_signal_deinit(&initd->sigusr1);
        loop_signal_deinit(&initd->sigusr2);
        loop_signal_deinit(&initd->sigchld);
        logger_deinit(&initd->logger);
        notify_deinit(&initd->notify);
        watchdog_deinit(&initd->watchdog);
        for (size_t i = 0; i < _DAEMON_N; i++)
                daemon_deinit(&initd->daemons[i]);
        bootstore_free(initd->bootstore);
        journal_deinit(&initd->journal);
        reports_deinit(&initd->reports);
        boot_deinit(&initd->boot);
        loop_deinit(&initd->loop);
        free(initd);
        return NULL;
}
