/*
 * deadline.h - which tasks wait until when: a binary heap, soonest first.
 */
#pragma once

#include <stddef.h>

struct task;

struct deadlines {
        struct task **tasks;
        size_t n_tasks, n_max;
};

/* Room for `n` tasks, so that adding cannot fail. 0 or -errno. */
int deadlines_reserve(struct deadlines *d, size_t n);
/* By its deadline_us, which must not change while it is in. */
void deadlines_add(struct deadlines *d, struct task *t);
/* Harmless for a task that is not in. */
void deadlines_remove(struct deadlines *d, struct task *t);

/* The task with the soonest deadline; NULL. */
static inline struct task *deadlines_first(const struct deadlines *d) {
        return d->n_tasks != 0 ? d->tasks[0] : NULL;
}
