/*
 * siblings.c - see siblings.h. A group falls rarely, so it is found by walking all processes, whose
 * order is that of creation; from the start each time, because the end of one may take others out.
 */
#include "initd/siblings.h"

#include <stdio.h>
#include <string.h>

#include "initd/initd.h"
#include "initd/run_spec.h"

typedef bool sibling_is_fn(const struct process *p);

static bool siblings_are(const struct process *a, const struct process *b) {
        return a != b && *a->spec->group && a->founder.pid == b->founder.pid &&
               a->founder.generation == b->founder.generation &&
               strcmp(a->spec->group, b->spec->group) == 0;
}

/* After `from`, which is in the list of all, or its head. */
static struct process *siblings_find(const struct process *p,
                                     const struct list *from,
                                     sibling_is_fn *is_wanted) {
        for (struct list *link = from->next; link != &p->initd->processes.all; link = link->next) {
                struct process *other = container_of(link, struct process, link);
                if (siblings_are(p, other) && is_wanted(other))
                        return other;
        }
        return NULL;
}

/* Whom its fall takes along. */
static struct process *siblings_find_taken(const struct process *p, sibling_is_fn *is_wanted) {
        bool is_all = p->spec->group_restart == RUN_GROUP_ALL;
        return siblings_find(p, is_all ? &p->initd->processes.all : &p->link, is_wanted);
}

static bool sibling_is_alive(const struct process *p) {
        enum supervise_state state = p->supervisor.state;
        return state == SUPERVISE_STATE_STARTING || state == SUPERVISE_STATE_UP ||
               state == SUPERVISE_STATE_ENDING;
}

void siblings_on_fallen(const struct process *p) {
        for (struct process *other; (other = siblings_find_taken(p, sibling_is_alive));)
                supervise_on_event(&other->supervisor, SUPERVISE_EVENT_RESTART);
}

static bool sibling_goes_on(const struct process *p) {
        enum supervise_state state = p->supervisor.state;
        return state != SUPERVISE_STATE_STOPPING && state != SUPERVISE_STATE_DOWN;
}

void siblings_on_given_up(const struct process *p) {
        char why[LIMIT_NAME_BYTES + 64];

        snprintf(why, sizeof(why), "its group '%s' was given up", p->spec->group);
        for (struct process *other; (other = siblings_find_taken(p, sibling_goes_on));) {
                obituary_on_removed(&other->obituary, EXIT_REASON_KILLED, why);
                supervise_on_event(&other->supervisor, SUPERVISE_EVENT_STOP);
        }
}

static bool sibling_is_free(const struct process *p) {
        return p->supervisor.state == SUPERVISE_STATE_WAITING &&
               !loop_timer_is_set(&p->supervisor.timer) && !siblings_hold(p);
}

void siblings_on_settled(const struct process *p) {
        for (struct process *other; (other = siblings_find(p, &p->link, sibling_is_free));)
                supervise_on_event(&other->supervisor, SUPERVISE_EVENT_TIMER);
}

static bool sibling_is_settled(const struct process *p) {
        return p->supervisor.state == SUPERVISE_STATE_UP || !sibling_goes_on(p);
}

bool siblings_hold(const struct process *p) {
        for (struct list *link = p->link.prev; link != &p->initd->processes.all;
             link = link->prev) {
                const struct process *other = container_of(link, struct process, link);
                if (siblings_are(p, other) && !sibling_is_settled(other))
                        return true;
        }
        return false;
}
