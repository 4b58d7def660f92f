/*
 * stop.h - from a running tree to nothing.
 *
 *   stop_begin               no program left            every daemon reaped
 *   ──────────> PROGRAMS ──────────────────> DAEMONS ──────────────────────> loop_stop
 *
 * Programs are told to terminate and killed after the grace; the daemons' sockets are closed and they
 * are killed two seconds later. stop_now, a second signal or tree.shutdown(true), skips all waiting.
 */
#pragma once

#include <stdbool.h>

struct initd;

enum stop_step {
        STOP_STEP_NONE,
        STOP_STEP_PROGRAMS,
        STOP_STEP_DAEMONS,
        _STOP_STEP_N,
};

/* Embedded in struct initd. */
struct stop {
        struct initd *initd;
        enum stop_step step;
        bool is_now;
};

void stop_init(struct stop *s, struct initd *initd);
/* Begins, or with `now` hastens it. The first call decides about the exit status. */
void stop_begin(struct stop *s, int exit_status, bool now);
/* Something has gone: takes the next step if it can. */
void stop_check(struct stop *s);
