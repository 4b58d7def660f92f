/*
 * stop.c - see stop.h. Called again for every thing that goes; it never waits itself.
 */
#include "initd/stop.h"

#include "initd/initd.h"
#include "libipc/base/log.h"

void stop_init(struct stop *s, struct initd *initd) {
        *s = (struct stop){ .initd = initd };
}

/* A zygote that does not answer would keep the programs it owes for ever. */
static void stop_forking(struct stop *s) {
        if (s->initd->processes.n_forking > 0)
                supervise_on_event(&s->initd->daemons[DAEMON_ZYGOTE].supervisor,
                                   SUPERVISE_EVENT_KILL);
}

static bool stop_ends_in_step(const struct stop *s, const struct process *p) {
        if (s->step == STOP_STEP_CLIENTS)
                return !process_descends_from(p, PROCESS_PID_INIT);
        return s->step != STOP_STEP_INIT || p->pid == PROCESS_PID_INIT;
}

/* Killing a program that waits for its restart removes it, and only it, from the list. */
static void stop_programs(struct stop *s) {
        list_for_each_safe(link, &s->initd->processes.all) {
                struct process *p = container_of(link, struct process, link);
                if (stop_ends_in_step(s, p))
                        process_kill(p, s->is_now, NULL);
        }
}

static bool stop_programs_are_gone(const struct stop *s) {
        list_for_each(link, &s->initd->processes.all)
                if (stop_ends_in_step(s, container_of(link, struct process, link)))
                        return false;
        return true;
}

static void stop_daemons(struct stop *s) {
        enum supervise_event event = s->is_now ? SUPERVISE_EVENT_KILL : SUPERVISE_EVENT_STOP;
        control_close(&s->initd->control);
        for (size_t i = 0; i < _DAEMON_N; i++)
                supervise_on_event(&s->initd->daemons[i].supervisor, event);
}

static void stop_take_step(struct stop *s) {
        if (s->step == STOP_STEP_DAEMONS) {
                stop_daemons(s);
        } else {
                stop_forking(s);
                stop_programs(s);
        }
        /* The check follows as a later: what was asked for may have come about at once. */
        loop_later_add(&s->initd->loop, &s->initd->check);
}

void stop_begin(struct stop *s, int exit_status, bool now) {
        struct initd *initd = s->initd;
        if (s->step == STOP_STEP_NONE) {
                log_info("the tree stops programs=%zu", initd->processes.n_processes);
                initd->state = INITD_STATE_STOPPING;
                initd->exit_status = exit_status;
                s->step = STOP_STEP_CLIENTS;
                notify_stopping();
        } else if (!now || s->is_now) {
                return;
        }
        s->is_now = now;
        if (now && s->step < STOP_STEP_PROGRAMS)
                s->step = STOP_STEP_PROGRAMS;
        stop_take_step(s);
}

static bool stop_daemons_are_gone(const struct stop *s) {
        for (size_t i = 0; i < _DAEMON_N; i++) {
                if (s->initd->daemons[i].supervisor.state != SUPERVISE_STATE_DOWN)
                        return false;
        }
        return true;
}

void stop_check(struct stop *s) {
        if (s->step == STOP_STEP_DAEMONS) {
                if (stop_daemons_are_gone(s))
                        loop_stop(&s->initd->loop);
        } else if (stop_programs_are_gone(s)) {
                s->step = (enum stop_step)(s->step + 1);
                stop_take_step(s);
        }
}
