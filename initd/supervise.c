/*
 * supervise.c - the table of supervise.h. Each action sets the new state before it calls an op, so
 * that events fed from inside an op find the machine where they expect it.
 */
#include "initd/supervise.h"

#include <assert.h>
#include <stddef.h>
#include <sys/random.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"

static const char *const state_names[] = {
        [SUPERVISE_STATE_DOWN] = "down",          [SUPERVISE_STATE_STARTING] = "starting",
        [SUPERVISE_STATE_UP] = "running",         [SUPERVISE_STATE_ENDING] = "stopping",
        [SUPERVISE_STATE_STOPPING] = "stopping",  [SUPERVISE_STATE_RESTARTING] = "restarting",
        [SUPERVISE_STATE_WAITING] = "restarting",
};
static_assert(ARRAY_SIZE(state_names) == _SUPERVISE_STATE_N, "one name per state");

const char *supervise_state_name(enum supervise_state state) {
        return state_names[state];
}

static void supervise_start(struct supervisor *s) {
        loop_timer_clear(&s->timer);
        if (s->ops->is_held && s->ops->is_held(s)) {
                s->state = SUPERVISE_STATE_WAITING;
                return;
        }
        s->state = SUPERVISE_STATE_STARTING;
        s->started_us = clock_now_us();
        if (s->start_limit_us > 0)
                loop_timer_set(&s->timer, s->start_limit_us);
        if (s->ops->start(s) < 0)
                supervise_on_event(s, SUPERVISE_EVENT_EXIT);
}

static void supervise_ready(struct supervisor *s) {
        s->state = SUPERVISE_STATE_UP;
        loop_timer_clear(&s->timer);
}

static void supervise_late(struct supervisor *s) {
        s->state = SUPERVISE_STATE_ENDING;
        s->ops->late(s);
}

static void supervise_hangup(struct supervisor *s) {
        s->state = SUPERVISE_STATE_ENDING;
        loop_timer_set(&s->timer, s->grace_us);
}

static void supervise_stop(struct supervisor *s) {
        s->state = SUPERVISE_STATE_STOPPING;
        loop_timer_set(&s->timer, s->grace_us);
        s->ops->terminate(s);
}

static void supervise_restart(struct supervisor *s) {
        s->state = SUPERVISE_STATE_RESTARTING;
        loop_timer_set(&s->timer, s->grace_us);
        s->ops->terminate(s);
}

/* It was told to end already; it just will not start again. */
static void supervise_stop_for_good(struct supervisor *s) {
        s->state = SUPERVISE_STATE_STOPPING;
}

static void supervise_kill(struct supervisor *s) {
        loop_timer_clear(&s->timer);
        s->ops->kill(s);
}

static void supervise_kill_asked(struct supervisor *s) {
        s->state = SUPERVISE_STATE_STOPPING;
        supervise_kill(s);
}

static void supervise_gone(struct supervisor *s) {
        s->state = SUPERVISE_STATE_DOWN;
        loop_timer_clear(&s->timer);
        s->ops->on_gone(s);
}

static bool supervise_restarts_too_often(const struct supervisor *s, uint64_t now_us) {
        if (s->n_restarts < LIMIT_RESTARTS)
                return false;
        uint64_t oldest_us = s->restarted_us[s->n_restarts % LIMIT_RESTARTS];
        return now_us - oldest_us < LIMIT_RESTART_WINDOW_US;
}

static uint64_t supervise_jitter(uint64_t delay_us) {
        uint32_t random = 0;
        (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* none at worst */
        return random % (delay_us / 4 + 1);
}

static uint64_t supervise_next_delay(struct supervisor *s, uint64_t now_us) {
        bool has_lived = now_us - s->started_us >= LIMIT_RESTART_WINDOW_US;
        if (has_lived)
                s->is_degraded = false;
        if (has_lived || s->delay_us == 0)
                s->delay_us = LIMIT_RESTART_DELAY_US;

        uint64_t delay_us = s->delay_us;
        s->delay_us *= 2;
        if (s->delay_us > LIMIT_RESTART_DELAY_MAX_US)
                s->delay_us = LIMIT_RESTART_DELAY_MAX_US;
        return delay_us + supervise_jitter(delay_us);
}

static void supervise_exit(struct supervisor *s) {
        uint64_t now_us = clock_now_us();
        if (!s->ops->wants_restart(s)) {
                supervise_gone(s);
                return;
        }

        uint64_t delay_us = supervise_next_delay(s, now_us);
        if (supervise_restarts_too_often(s, now_us)) {
                s->is_degraded = true;
                if (!s->never_gives_up) {
                        supervise_gone(s);
                        return;
                }
        }

        s->state = SUPERVISE_STATE_WAITING;
        s->restarted_us[s->n_restarts % LIMIT_RESTARTS] = now_us;
        s->n_restarts++;
        loop_timer_set(&s->timer, delay_us);
        if (s->ops->on_fallen)
                s->ops->on_fallen(s);
}

typedef void action_fn(struct supervisor *s);

/* Absent: the event means nothing then. */
static action_fn *const actions[_SUPERVISE_STATE_N][_SUPERVISE_EVENT_N] = {
        [SUPERVISE_STATE_DOWN] = {
                [SUPERVISE_EVENT_START] = supervise_start,
        },
        [SUPERVISE_STATE_STARTING] = {
                [SUPERVISE_EVENT_READY] = supervise_ready,
                [SUPERVISE_EVENT_HANGUP] = supervise_hangup,
                [SUPERVISE_EVENT_EXIT] = supervise_exit,
                [SUPERVISE_EVENT_STOP] = supervise_stop,
                [SUPERVISE_EVENT_KILL] = supervise_kill_asked,
                [SUPERVISE_EVENT_RESTART] = supervise_restart,
                [SUPERVISE_EVENT_TIMER] = supervise_late,
        },
        [SUPERVISE_STATE_UP] = {
                [SUPERVISE_EVENT_HANGUP] = supervise_hangup,
                [SUPERVISE_EVENT_EXIT] = supervise_exit,
                [SUPERVISE_EVENT_STOP] = supervise_stop,
                [SUPERVISE_EVENT_KILL] = supervise_kill_asked,
                [SUPERVISE_EVENT_RESTART] = supervise_restart,
        },
        [SUPERVISE_STATE_ENDING] = {
                [SUPERVISE_EVENT_EXIT] = supervise_exit,
                [SUPERVISE_EVENT_STOP] = supervise_stop,
                [SUPERVISE_EVENT_KILL] = supervise_kill_asked,
                [SUPERVISE_EVENT_RESTART] = supervise_restart,
                [SUPERVISE_EVENT_TIMER] = supervise_kill,
        },
        [SUPERVISE_STATE_STOPPING] = {
                [SUPERVISE_EVENT_EXIT] = supervise_gone,
                [SUPERVISE_EVENT_KILL] = supervise_kill,
                [SUPERVISE_EVENT_TIMER] = supervise_kill,
        },
        [SUPERVISE_STATE_RESTARTING] = {
                [SUPERVISE_EVENT_EXIT] = supervise_start,
                [SUPERVISE_EVENT_STOP] = supervise_stop_for_good,
                [SUPERVISE_EVENT_KILL] = supervise_kill_asked,
                [SUPERVISE_EVENT_TIMER] = supervise_kill,
        },
        [SUPERVISE_STATE_WAITING] = {
                [SUPERVISE_EVENT_STOP] = supervise_gone,
                [SUPERVISE_EVENT_KILL] = supervise_gone,
                [SUPERVISE_EVENT_RESTART] = supervise_start,
                [SUPERVISE_EVENT_TIMER] = supervise_start,
        },
};

void supervise_on_event(struct supervisor *s, enum supervise_event event) {
        action_fn *action = actions[s->state][event];
        if (action)
                action(s);
}

static int supervise_on_timer(struct loop_timer *timer) {
        supervise_on_event(container_of(timer, struct supervisor, timer), SUPERVISE_EVENT_TIMER);
        return 0;
}

int supervise_init(struct supervisor *s,
                   struct loop *loop,
                   const struct supervise_ops *ops,
                   uint64_t grace_us,
                   bool never_gives_up) {
        *s = (struct supervisor){ .ops = ops,
                                  .grace_us = grace_us,
                                  .never_gives_up = never_gives_up };
        return error_trace(loop_timer_init(&s->timer, loop, supervise_on_timer));
}

void supervise_deinit(struct supervisor *s) {
        loop_timer_deinit(&s->timer);
}

bool supervise_is_degraded(const struct supervisor *s, uint64_t now_us) {
        if (!s->is_degraded)
                return false;
        return s->state != SUPERVISE_STATE_UP || now_us - s->started_us < LIMIT_RESTART_WINDOW_US;
}
