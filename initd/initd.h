/*
 * initd.h - the whole: the loop, the router, and everything that is one per tree. Owns all of it and
 * leads the events of the router and of Linux to the object they concern.
 *
 *       initd_new                    boot.h                       stop.h
 *   (nothing) ──> STARTING ── tree is ready ──> RUNNING ── asked, or no program left ──> STOPPING
 *                     └──────────── a daemon or init fails: status 1 ──────────────────────^
 */
#pragma once

#include <stdint.h>

#include "initd/boot.h"
#include "initd/config.h"
#include "initd/control.h"
#include "initd/daemon.h"
#include "initd/family.h"
#include "initd/handle.h"
#include "initd/interrupt.h"
#include "initd/journal.h"
#include "initd/logger.h"
#include "initd/notify.h"
#include "initd/peer.h"
#include "initd/process.h"
#include "initd/report.h"
#include "initd/router.h"
#include "initd/stop.h"
#include "initd/watchdog.h"
#include "libipc/loop.h"

enum initd_state {
        INITD_STATE_STARTING,
        INITD_STATE_RUNNING,
        INITD_STATE_STOPPING,
        _INITD_STATE_N,
};

struct bootstore;

struct initd {
        const struct config *config; /* borrowed */
        enum initd_state state;
        int exit_status;
        uint64_t started_us;

        struct loop loop;
        struct router router;
        struct bootstore *bootstore;
        struct boot boot;
        struct stop stop;
        struct control control;
        struct daemon daemons[_DAEMON_N];
        struct process_registry processes;
        struct confinement confinement; /* of workers, by the zygote's word */
        struct logger logger;
        struct journal journal;
        struct reports reports;
        struct notify notify;
        struct watchdog watchdog;
        struct interrupts interrupts;
        struct loop_signal sigchld, sighup, sigint, sigterm, sigusr1, sigusr2;
        struct loop_later check; /* programs or daemons have gone: is there an end to reach? */
};

enum initd_error {
        INITD_OK = 0,
        INITD_E_REFUSED = 1, /* the tree cannot be: has been logged */
};

/* Takes the lock, binds the socket, reads the boot store; starts nothing. */
int initd_new(struct initd **ret, const struct config *config);
/* Runs the tree until its end; *ret_status is the program's exit status. */
int initd_run(struct initd *initd, int *ret_status);
/* Leaves neither socket nor lock behind. */
struct initd *initd_free(struct initd *initd);

/* "starting", "running", "degraded", "stopping". */
const char *initd_state_name(const struct initd *initd);
/* Welcome to a peer that said Hello. */
void initd_welcome(struct peer *peer);

/* From processes and daemons. */
void initd_on_process_gone(struct initd *initd);
void initd_on_daemon_ready(struct initd *initd);
void initd_on_daemon_gone(struct initd *initd, struct daemon *d);
