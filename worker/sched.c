/*
 * sched.c - see sched.h. The signal handler touches the VM through two words and vm_arm_hook, which
 * Lua allows from a signal handler.
 */
#include "worker/sched.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/macros.h"
#include "worker/vm.h"

#define SCHED_SIGNAL SIGALRM

static void sched_on_signal(int number UNUSED, siginfo_t *info, void *context UNUSED) {
        struct sched *s = info->si_value.sival_ptr;
        if (info->si_code != SI_TIMER || !s)
                return;
        s->is_armed = false;
        s->vm->is_slice_over = 1;
        if (s->vm->current)
                vm_arm_hook(s->vm->current);
}

void sched_init(struct sched *s, struct vm *vm) {
        *s = (struct sched){ .vm = vm, .next_tid = 1 };
        list_init(&s->tasks);
        list_init(&s->runnable);
        list_init(&s->pullers);
        list_init(&s->keyed);
        table_init(&s->by_tid);
        list_init(&s->deadlines);
}

void sched_set_quantum(struct sched *s, uint32_t quantum_us) {
        s->quantum_us = quantum_us;
}

struct task *sched_add_task(struct sched *s, uint64_t tid) {
        struct task *t = task_new(tid != 0 ? tid : s->next_tid);
        if (!t)
                return NULL;
        if (table_add_u64(&s->by_tid, t->tid, t) < 0)
                return task_free(t, NULL);
        if (tid == 0)
                s->next_tid++;
        list_add_tail(&s->tasks, &t->all_link);
        s->n_tasks++;
        return t;
}

void sched_remove_task(struct sched *s, struct task *t) {
        t->state = TASK_STATE_ENDED;
        table_remove_u64(&s->by_tid, t->tid);
        list_remove(&t->all_link);
        list_remove(&t->state_link);
        list_remove(&t->deadline_link);
        s->n_tasks--;
}

struct task *sched_find_task(const struct sched *s, uint64_t tid) {
        return table_find_u64(&s->by_tid, tid);
}

struct task *sched_find_parked(const struct sched *s, uint64_t park_serial) {
        list_for_each(node, &s->tasks) {
                struct task *t = container_of(node, struct task, all_link);
                if (t->park_serial == park_serial && t->state != TASK_STATE_RUNNING)
                        return t;
        }
        return NULL;
}

/* Most waits have the same length, so the place is nearly always the end. */
static void sched_add_deadline(struct sched *s, struct task *t) {
        struct list *at = s->deadlines.prev;
        while (at != &s->deadlines &&
               container_of(at, struct task, deadline_link)->deadline_us > t->deadline_us)
                at = at->prev;
        list_add_head(at, &t->deadline_link);
}

void sched_wait(struct sched *s, struct task *t, enum task_state state, uint64_t deadline_us) {
        t->state = state;
        t->deadline_us = deadline_us;
        if (state == TASK_STATE_PULLING)
                list_add_tail(&s->pullers, &t->state_link);
        else if (state == TASK_STATE_KEYED)
                list_add_tail(&s->keyed, &t->state_link);
        if (deadline_us != SCHED_NEVER)
                sched_add_deadline(s, t);
}

void sched_wake(struct sched *s, struct task *t, struct event *e) {
        assert(!t->event);
        t->event = e;
        t->state = TASK_STATE_RUNNABLE;
        list_remove(&t->state_link);
        list_remove(&t->deadline_link);
        list_add_tail(&s->runnable, &t->state_link);
}

void sched_wake_key(struct sched *s, uint64_t key) {
        list_for_each_safe(node, &s->keyed) {
                struct task *t = container_of(node, struct task, state_link);
                if (t->key == key)
                        sched_wake(s, t, NULL);
        }
}

void sched_expire(struct sched *s) {
        if (list_is_empty(&s->deadlines))
                return;
        uint64_t now = clock_now_us();
        while (sched_next_deadline(s) <= now)
                sched_wake(s, container_of(s->deadlines.next, struct task, deadline_link), NULL);
}

uint64_t sched_next_deadline(const struct sched *s) {
        if (list_is_empty(&s->deadlines))
                return SCHED_NEVER;
        return container_of(s->deadlines.next, struct task, deadline_link)->deadline_us;
}

struct task *sched_next(struct sched *s) {
        if (list_is_empty(&s->runnable))
                return NULL;
        struct task *t = container_of(s->runnable.next, struct task, state_link);
        list_remove(&t->state_link);
        t->state = TASK_STATE_RUNNING;
        return t;
}

static bool sched_open_timer(struct sched *s) {
        struct sigaction action = { .sa_sigaction = sched_on_signal,
                                    .sa_flags = SA_SIGINFO | SA_RESTART };
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SCHED_SIGNAL };
        event.sigev_value.sival_ptr = s;
        if (sigaction(SCHED_SIGNAL, &action, NULL) < 0)
                return false;
        s->has_timer = timer_create(CLOCK_MONOTONIC, &event, &s->timer) == 0;
        return s->has_timer;
}

void sched_arm(struct sched *s) {
        if (s->is_armed || s->quantum_us == 0)
                return;
        if (!s->has_timer && !sched_open_timer(s)) {
                s->quantum_us = 0; /* no timer to be had: cooperative from here on */
                return;
        }
        struct itimerspec when = { .it_value = { .tv_sec = s->quantum_us / CLOCK_S_US,
                                                 .tv_nsec = s->quantum_us % CLOCK_S_US * 1000 } };
        s->is_armed = true;
        if (timer_settime(s->timer, 0, &when, NULL) < 0)
                s->is_armed = false;
}
