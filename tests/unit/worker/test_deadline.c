/*
 * test_deadline.c - the heap of deadlines.
 */
#include "worker/deadline.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "libipc/base/macros.h"
#include "worker/task.h"

#define N_TASKS 1000u

static struct task tasks[N_TASKS];
static struct deadlines deadlines;

static void fill(void) {
        cr_assert_eq(deadlines_reserve(&deadlines, N_TASKS), 0);
        for (size_t i = 0; i < N_TASKS; i++) {
                tasks[i].deadline_us = i * 7919 % N_TASKS / 2; /* each time twice */
                deadlines_add(&deadlines, &tasks[i]);
        }
}

static size_t drain(void) {
        size_t n = 0;
        uint64_t last_us = 0;
        for (struct task *t; (t = deadlines_first(&deadlines)); n++) {
                cr_assert_geq(t->deadline_us, last_us);
                last_us = t->deadline_us;
                deadlines_remove(&deadlines, t);
                cr_assert_eq(t->deadline_place, 0);
        }
        return n;
}

static void release(void) {
        free(deadlines.tasks);
}

TestSuite(deadline, .fini = release);

/* row 122 */
Test(deadline, tasks_come_out_soonest_first) {
        fill();
        cr_assert_eq(drain(), N_TASKS);
        cr_assert_null(deadlines_first(&deadlines));
}

Test(deadline, any_task_can_be_taken_out) {
        fill();
        for (size_t i = 0; i < N_TASKS; i += 3)
                deadlines_remove(&deadlines, &tasks[i]);
        deadlines_remove(&deadlines, &tasks[0]); /* harmless */
        cr_assert_eq(drain(), N_TASKS - (N_TASKS + 2) / 3);
}

Test(deadline, a_task_that_was_taken_out_comes_in_again) {
        fill();
        deadlines_remove(&deadlines, &tasks[500]);
        tasks[500].deadline_us = 0;
        deadlines_add(&deadlines, &tasks[500]);
        const struct task *first = deadlines_first(&deadlines);
        cr_assert_not_null(first);
        cr_assert_eq(first->deadline_us, 0);
        cr_assert_eq(drain(), N_TASKS);
}
