/*
 * deadline.c - see deadline.h. A task knows its place plus one, 0 when it is in no heap.
 */
#include "worker/deadline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "libipc/base/error.h"
#include "worker/task.h"

#define DEADLINES_ROOM_MIN 16u

int deadlines_reserve(struct deadlines *d, size_t n) {
        if (n <= d->n_max)
                return 0;
        size_t n_max = d->n_max != 0 ? d->n_max : DEADLINES_ROOM_MIN;
        while (n_max < n)
                n_max *= 2;
        struct task **tasks = reallocarray(d->tasks, n_max, sizeof(struct task *));
        if (!tasks)
                return error_origin(ENOMEM);
        d->tasks = tasks;
        d->n_max = n_max;
        return 0;
}

static void deadlines_put(struct deadlines *d, size_t at, struct task *t) {
        d->tasks[at] = t;
        t->deadline_place = at + 1;
}

static void deadlines_rise(struct deadlines *d, size_t at, struct task *t) {
        while (at != 0 && d->tasks[(at - 1) / 2]->deadline_us > t->deadline_us) {
                deadlines_put(d, at, d->tasks[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        deadlines_put(d, at, t);
}

static void deadlines_sink(struct deadlines *d, size_t at, struct task *t) {
        for (size_t child; (child = 2 * at + 1) < d->n_tasks; at = child) {
                if (child + 1 < d->n_tasks &&
                    d->tasks[child + 1]->deadline_us < d->tasks[child]->deadline_us)
                        child++;
                if (d->tasks[child]->deadline_us >= t->deadline_us)
                        break;
                deadlines_put(d, at, d->tasks[child]);
        }
        deadlines_put(d, at, t);
}

void deadlines_add(struct deadlines *d, struct task *t) {
        assert(t->deadline_place == 0 && d->n_tasks < d->n_max);
        deadlines_rise(d, d->n_tasks++, t);
}

void deadlines_remove(struct deadlines *d, struct task *t) {
        if (t->deadline_place == 0)
                return;
        size_t at = t->deadline_place - 1;
        t->deadline_place = 0;
        struct task *last = d->tasks[--d->n_tasks];
        if (last == t)
                return;
        if (at != 0 && d->tasks[(at - 1) / 2]->deadline_us > last->deadline_us)
                deadlines_rise(d, at, last);
        else
                deadlines_sink(d, at, last);
}
