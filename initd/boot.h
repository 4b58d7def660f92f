/*
 * boot.h - from nothing to a ready tree.
 *
 *   boot_lock        boot_begin            both daemons and the zygote up      process.ready
 *   LOCK, SOCKET, ───────────> DAEMONS ──┬───────────────────────────> INIT ─────────────> READY
 *   STORE (initd_new)             │      └── --no-init ───────────────────────────────────> │
 *                                 └── not up within 10 s, or one ended: status 1
 *
 * READY is told to systemd and on --ready-fd, once.
 */
#pragma once

#include "libipc/loop.h"

struct initd;

enum boot_step {
        BOOT_STEP_PREPARED,
        BOOT_STEP_DAEMONS,
        BOOT_STEP_INIT,
        BOOT_STEP_READY,
        _BOOT_STEP_N,
};

/* Embedded in struct initd. */
struct boot {
        struct initd *initd;
        enum boot_step step;
        int lock_fd; /* -1: not held */
        struct loop_timer timer;
};

enum boot_error {
        BOOT_OK = 0,
        BOOT_E_REFUSED = 1, /* has been logged */
};

/* Makes the directories and takes the lock: nobody else runs a tree here from now on. */
int boot_init(struct boot *b, struct initd *initd);
/* Removes the lock file. */
void boot_deinit(struct boot *b);
/* Starts the daemons and the zygote. */
int boot_begin(struct boot *b);
/* A daemon came up. */
/* The zygote has said how workers are confined: ends the start if that is not enough. */
void boot_check_confinement(struct boot *b);
void boot_on_daemon_ready(struct boot *b);
/* The init program says that the tree is up. */
void boot_on_ready(struct boot *b);
