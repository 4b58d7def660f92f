/*
 * supervise.h - the life of something that initd keeps running: a state machine over the events of
 * one child after the other. What starting, ending politely and killing mean is the owner's
 * business (struct supervise_ops), so programs, daemons and the zygote share it.
 *
 *                 START                READY
 *        DOWN -----------> STARTING ---------> UP
 *         ^ ^                | |               | |  HANGUP: its socket is gone, it should follow
 *         | |   STOP, KILL   | |   HANGUP      | +------------> ENDING --(TIMER: kill it)
 *         | |  +-------------+-|---------------+                  |
 *         | |  v               +--------------------------------> |
 *         | STOPPING (TIMER: kill it)                             |
 *         |  EXIT          EXIT of STARTING, UP or ENDING:        |
 *         +--------------- no restart wanted, or given up <-------+
 *         |                restart wanted -> WAITING --(TIMER: start)--> STARTING
 *         +---- STOP, KILL of WAITING
 *
 * STARTING that lasts longer than the start limit: `late` ends it, which counts as an end nobody
 * asked for. RESTART of anything alive: RESTARTING, which is STOPPING but for its EXIT, after which
 * it starts again at once; of WAITING: it waits no longer.
 *
 * Restarts wait LIMIT_RESTART_DELAY_US, doubling to the maximum, and start over at the first delay
 * once an instance has lived for the window; up to a quarter of the delay is added at random, so that
 * what fell together does not come back together. More than LIMIT_RESTARTS within the window: a
 * program is given up, a daemon is marked degraded and goes on. What is_held says must not start yet
 * stays WAITING without a timer, until its owner feeds TIMER.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/limits.h"
#include "libipc/loop.h"

enum supervise_state {
        SUPERVISE_STATE_DOWN,
        SUPERVISE_STATE_STARTING,
        SUPERVISE_STATE_UP,
        SUPERVISE_STATE_ENDING,
        SUPERVISE_STATE_STOPPING,
        SUPERVISE_STATE_RESTARTING,
        SUPERVISE_STATE_WAITING,
        _SUPERVISE_STATE_N,
};

enum supervise_event {
        SUPERVISE_EVENT_START,
        SUPERVISE_EVENT_READY,
        SUPERVISE_EVENT_HANGUP, /* the socket closed; the child should be ending */
        SUPERVISE_EVENT_EXIT,   /* the child is reaped, or could not be made */
        SUPERVISE_EVENT_STOP,   /* politely, then by force after the grace */
        SUPERVISE_EVENT_KILL,   /* at once */
        SUPERVISE_EVENT_RESTART,
        SUPERVISE_EVENT_TIMER,
        _SUPERVISE_EVENT_N,
};

struct supervisor;
struct supervise_ops {
        int (*start)(struct supervisor *s); /* < 0: counts as an exit */
        void (*terminate)(struct supervisor *s);
        void (*kill)(struct supervisor *s);
        bool (*wants_restart)(struct supervisor *s); /* after an end nobody asked for */
        /* These three may be NULL. It will be started again, later; must another start go first; it
         * is to be ended, because it has not been READY within the start limit. */
        void (*on_fallen)(struct supervisor *s);
        bool (*is_held)(struct supervisor *s);
        void (*late)(struct supervisor *s);
        /* Down, and not by itself up again. The memory must outlive the call. */
        void (*on_gone)(struct supervisor *s);
};

/* Embedded in its owner. */
struct supervisor {
        const struct supervise_ops *ops;
        uint64_t grace_us;
        uint64_t start_limit_us; /* 0: none */
        bool never_gives_up;

        enum supervise_state state;
        struct loop_timer timer;
        uint64_t started_us;                   /* of the last instance */
        uint64_t delay_us;                     /* before the next restart */
        uint64_t restarted_us[LIMIT_RESTARTS]; /* ring of the last restarts */
        uint32_t n_restarts;
        bool is_degraded; /* see supervise_is_degraded */
};

int supervise_init(struct supervisor *s,
                   struct loop *loop,
                   const struct supervise_ops *ops,
                   uint64_t grace_us,
                   bool never_gives_up);
void supervise_deinit(struct supervisor *s);

/* Feeds one event. Events that mean nothing in the present state are ignored. */
void supervise_on_event(struct supervisor *s, enum supervise_event event);

/* It went down too often within the window and has not been up for a window since. */
bool supervise_is_degraded(const struct supervisor *s, uint64_t now_us);
/* "starting", "running", "stopping", "restarting", "down" for listings. */
const char *supervise_state_name(enum supervise_state state);
