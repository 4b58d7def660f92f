/*
 * sched.h - which task runs next, who waits until when, and the timer that ends a slice.
 *
 * The timer is one-shot and armed only while another task could become runnable or output waits to be
 * sent; a process that sleeps, or computes alone, has none. Its signal arms the VM's hook on the
 * coroutine that runs. With a quantum of 0 there is no timer: tasks switch when they wait.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "libipc/base/index.h"
#include "libipc/base/list.h"
#include "worker/deadline.h"
#include "worker/task.h"

#define SCHED_NEVER UINT64_MAX

struct vm;

struct sched {
        struct vm *vm;
        struct pool task_pool;
        struct list tasks; /* all */
        struct index by_tid;
        struct list runnable;
        struct list pullers; /* TASK_STATE_PULLING, longest wait first */
        struct deadlines deadlines;
        size_t n_tasks;
        uint64_t next_tid;
        uint32_t quantum_us;
        volatile bool is_armed;
        volatile sig_atomic_t must_look; /* initd asked to read its socket, whatever computes */
        uint64_t n_overruns;             /* slices that ended where no switch is possible */
};

void sched_init(struct sched *s, struct vm *vm);
/* 0: cooperative. */
void sched_set_quantum(struct sched *s, uint32_t quantum_us);

/* A task that is not in any queue yet; NULL: no memory. `tid` 0: the next one. */
struct task *sched_add_task(struct sched *s, uint64_t tid);
/* Out of all queues; the memory goes with sched_free_task. */
void sched_remove_task(struct sched *s, struct task *t);
struct task *sched_free_task(struct sched *s, struct task *t, struct event_reader *r);
struct task *sched_find_task(const struct sched *s, uint64_t tid);
/* The task whose coroutines carry this park serial. */
struct task *sched_find_parked(const struct sched *s, uint64_t park_serial);

/* The running task goes to wait. `deadline_us`: SCHED_NEVER or a time of the monotonic clock. */
void sched_wait(struct sched *s, struct task *t, enum task_state state, uint64_t deadline_us);
/* The same at the end of `queue`, which outlives the wait. */
void sched_block(struct sched *s, struct task *t, struct list *queue, uint64_t deadline_us);
/* Makes it runnable, with what it waited for (owned by the task then; NULL: nothing). */
void sched_wake(struct sched *s, struct task *t, struct event *e);
/* Who waits longest in a queue that sched_block was given, if anybody does. */
void sched_wake_first(struct sched *s, struct list *queue);
/* Everybody in it. */
void sched_wake_all(struct sched *s, struct list *queue);
/* Wakes those whose deadline has passed. */
void sched_expire(struct sched *s);
/* When the first deadline is; SCHED_NEVER without one. */
uint64_t sched_next_deadline(const struct sched *s);

/* The next runnable task, out of the queue and RUNNING; NULL. */
struct task *sched_next(struct sched *s);
static inline bool sched_has_runnable(const struct sched *s) {
        return !list_is_empty(&s->runnable);
}

/* Starts the slice timer unless it runs already. */
void sched_arm(struct sched *s);
