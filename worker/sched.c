/*
 * sched.c - see sched.h. The signal handler touches the VM through two words and vm_arm_hook, which
 * Lua allows from a signal handler.
 */
#include "worker/sched.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "libipc/base/clock.h"
#include "libipc/base/macros.h"
#include "worker/vm.h"

#define SCHED_SIGNAL SIGALRM
#define SCHED_SPARE_TASKS 64u
#define SCHED_LOOK_SIGNAL SIGURG /* from initd; ignored unless we take it */

static void sched_end_slice(struct sched *s) {
        s->vm->is_slice_over = 1;
        if (s->vm->current)
                vm_arm_hook(s->vm->current);
}

static struct sched *sched_current; /* signals carry no pointer */

static void sched_on_slice(int number UNUSED) {
        sched_current->is_armed = false;
        sched_end_slice(sched_current);
}

static void sched_on_look(int number UNUSED) {
        sched_current->must_look = 1;
        sched_end_slice(sched_current);
}

void sched_init(struct sched *s, struct vm *vm) {
        *s = (struct sched){ .vm = vm, .next_tid = 1 };
        pool_init(&s->task_pool, sizeof(struct task), SCHED_SPARE_TASKS);
        list_init(&s->tasks);
        list_init(&s->runnable);
        list_init(&s->pullers);
        index_init(&s->by_tid);
}

void sched_set_quantum(struct sched *s, uint32_t quantum_us) {
        struct sigaction slice = { .sa_handler = sched_on_slice, .sa_flags = SA_RESTART };
        struct sigaction look = { .sa_handler = sched_on_look, .sa_flags = SA_RESTART };
        s->quantum_us = quantum_us;
        if (quantum_us == 0)
                return;
        sched_current = s;
        (void)sigaction(SCHED_SIGNAL, &slice, NULL);
        (void)sigaction(SCHED_LOOK_SIGNAL, &look, NULL);
}

struct task *sched_add_task(struct sched *s, uint64_t tid) {
        if (deadlines_reserve(&s->deadlines, s->n_tasks + 1) < 0)
                return NULL;
        struct task *t = task_new(&s->task_pool, tid != 0 ? tid : s->next_tid);
        if (!t)
                return NULL;
        if (index_add(&s->by_tid, &t->tid_link, t->tid) < 0)
                return task_free(&s->task_pool, t, NULL);
        if (tid == 0)
                s->next_tid++;
        list_add_tail(&s->tasks, &t->all_link);
        s->n_tasks++;
        return t;
}

void sched_remove_task(struct sched *s, struct task *t) {
        t->state = TASK_STATE_ENDED;
        index_remove(&s->by_tid, &t->tid_link);
        list_remove(&t->all_link);
        list_remove(&t->state_link);
        deadlines_remove(&s->deadlines, t);
        s->n_tasks--;
}

struct task *sched_free_task(struct sched *s, struct task *t, struct event_reader *r) {
        return task_free(&s->task_pool, t, r);
}

struct task *sched_find_task(const struct sched *s, uint64_t tid) {
        return index_find_in(&s->by_tid, tid, struct task, tid_link);
}

struct task *sched_find_parked(const struct sched *s, uint64_t park_serial) {
        list_for_each(node, &s->tasks) {
                struct task *t = container_of(node, struct task, all_link);
                if (t->park_serial == park_serial && t->state != TASK_STATE_RUNNING)
                        return t;
        }
        return NULL;
}

void sched_wait(struct sched *s, struct task *t, enum task_state state, uint64_t deadline_us) {
        t->state = state;
        t->deadline_us = deadline_us;
        if (state == TASK_STATE_PULLING)
                list_add_tail(&s->pullers, &t->state_link);
        if (deadline_us != SCHED_NEVER)
                deadlines_add(&s->deadlines, t);
}

void sched_block(struct sched *s, struct task *t, struct list *queue, uint64_t deadline_us) {
        sched_wait(s, t, TASK_STATE_BLOCKED, deadline_us);
        list_add_tail(queue, &t->state_link);
}

static void sched_end_waits(struct task *t) {
        list_for_each_safe(node, &t->waits) {
                list_remove(&container_of(node, struct wait, task_link)->queue_link);
                list_remove(node);
        }
}

void sched_wake(struct sched *s, struct task *t, struct event *e) {
        assert(!t->event);
        t->event = e;
        t->state = TASK_STATE_RUNNABLE;
        list_remove(&t->state_link);
        sched_end_waits(t);
        deadlines_remove(&s->deadlines, t);
        list_add_tail(&s->runnable, &t->state_link);
}

void sched_wake_first(struct sched *s, struct list *queue) {
        if (!list_is_empty(queue))
                sched_wake(s, container_of(queue->next, struct task, state_link), NULL);
}

void sched_wake_all(struct sched *s, struct list *queue) {
        while (!list_is_empty(queue))
                sched_wake_first(s, queue);
}

void sched_expire(struct sched *s) {
        if (!deadlines_first(&s->deadlines))
                return;
        uint64_t now = clock_now_us();
        while (sched_next_deadline(s) <= now)
                sched_wake(s, deadlines_first(&s->deadlines), NULL);
}

uint64_t sched_next_deadline(const struct sched *s) {
        const struct task *first = deadlines_first(&s->deadlines);
        return first ? first->deadline_us : SCHED_NEVER;
}

struct task *sched_next(struct sched *s) {
        if (list_is_empty(&s->runnable))
                return NULL;
        struct task *t = container_of(s->runnable.next, struct task, state_link);
        list_remove(&t->state_link);
        t->state = TASK_STATE_RUNNING;
        return t;
}

void sched_arm(struct sched *s) {
        if (s->is_armed || s->quantum_us == 0)
                return;
        struct itimerval when = { .it_value = { .tv_sec = s->quantum_us / CLOCK_S_US,
                                                .tv_usec = s->quantum_us % CLOCK_S_US } };
        s->is_armed = setitimer(ITIMER_REAL, &when, NULL) == 0;
}
