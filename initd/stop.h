/*
 * stop.h - from a running tree to nothing.
 *
 *   stop_begin            those gone           init gone            none left           every daemon reaped
 *   ----------> CLIENTS ------------> INIT ------------> PROGRAMS ------------> DAEMONS ---------> loop_stop
 *
 * First end the programs that clients have run, which may need the services; then init, which ends the
 * services in the opposite order of their start; then whatever is left. Programs are told to terminate
 * and killed after their grace; the daemons' sockets are closed and they are killed two seconds later.
 * A second signal, or tree.shutdown(true), skips all waiting.
 */
#pragma once

#include <stdbool.h>

struct initd;

enum stop_step {
        STOP_STEP_NONE,
        STOP_STEP_CLIENTS,
        STOP_STEP_INIT,
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
