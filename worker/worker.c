/*
 * worker.c - see worker.h. Plain C: what touches Lua is behind hijack.h, start.h and vm.h.
 */
#include "worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "worker/hijack.h"
#include "worker/locals.h"
#include "worker/start.h"

#define WORKER_EXIT_LOST 1 /* initd is gone or makes no sense */
/* A burst leaves in one write; the slice timer sees to those that compute. */
#define WORKER_YIELDS_PER_READ 128u

/* ---- the socket ---------------------------------------------------------------------------- */

static void __attribute__((noreturn)) worker_lost(struct worker *w, const char *reason) {
        if (reason)
                log_error("worker stopped: pid=%u reason=%s", w->pid, reason);
        _exit(WORKER_EXIT_LOST);
}

void worker_fail(struct worker *w, int error) {
        worker_lost(w, error == CONN_E_FULL ? "initd does not read" : strerror(-error));
}

static void worker_flush(struct worker *w) {
        if (conn_pending(&w->syscalls.conn) == 0)
                return;
        int r = conn_flush(&w->syscalls.conn);
        if (r == CONN_E_EOF)
                worker_lost(w, NULL);
        if (r < 0)
                worker_fail(w, r);
}

static void worker_poll(struct worker *w, uint64_t deadline_us) {
        struct pollfd p = { .fd = w->syscalls.conn.fd, .events = POLLIN };
        if (conn_pending(&w->syscalls.conn) != 0)
                p.events |= POLLOUT;
        struct timespec wait, *timeout = NULL;
        if (deadline_us != SCHED_NEVER) {
                uint64_t now = clock_now_us();
                uint64_t left = deadline_us > now ? deadline_us - now : 0;
                wait = (struct timespec){ .tv_sec = (time_t)(left / CLOCK_S_US),
                                          .tv_nsec = (long)(left % CLOCK_S_US * 1000) };
                timeout = &wait;
        }
        if (ppoll(&p, 1, timeout, NULL) < 0 && errno != EINTR)
                worker_fail(w, error_origin(errno));
}

static void worker_on_frame(struct worker *w, struct wire_frame *f);

/* One read; delivers everything that is complete. */
static void worker_read_once(struct worker *w) {
        struct conn *conn = &w->syscalls.conn;
        int r = conn_read(conn);
        w->events.now_us = clock_now_us();
        if (r == CONN_E_EOF)
                worker_lost(w, NULL);
        struct wire_frame *frame;
        while (r == CONN_OK) {
                r = conn_next(conn, &frame);
                if (r == CONN_OK)
                        worker_on_frame(w, frame);
        }
        if (r == CONN_E_VIOLATION)
                worker_lost(w, conn->reason);
        if (r < 0)
                worker_fail(w, r);
}

static void worker_read(struct worker *w) {
        for (unsigned i = 0; i < LIMIT_READS_PER_TURN; i++) {
                worker_read_once(w);
                if (!w->syscalls.conn.may_have_more)
                        break;
        }
}

static void worker_turn(struct worker *w, bool wait) {
        w->n_yields = 0;
        worker_flush(w);
        if (wait)
                worker_poll(w, sched_next_deadline(&w->sched));
        worker_read(w);
        sched_expire(&w->sched);
}

void worker_sent(struct worker *w, int result) {
        if (result != 0)
                worker_fail(w, result);
        struct conn *conn = &w->syscalls.conn;
        if (conn_pending(conn) > LIMIT_OUT_PAUSE_BYTES || w->sched.quantum_us == 0)
                worker_flush(w);
        /* Reading goes on meanwhile: initd does not read from a peer that does not. */
        while (conn_pending(conn) > LIMIT_OUT_PAUSE_BYTES) {
                worker_poll(w, SCHED_NEVER);
                worker_read(w);
                worker_flush(w);
        }
        sched_arm(&w->sched);
}

void worker_drain_writes(struct worker *w, size_t max) {
        while (w->syscalls.n_writes >= max && !w->is_terminated) {
                worker_flush(w);
                worker_poll(w, SCHED_NEVER);
                worker_read(w);
        }
}

/* ---- delivery ------------------------------------------------------------------------------ */

static void worker_take_pushed(struct worker *w, struct event *e) {
        struct listener *l = listener_find_sid(&w->listeners, e->sid);
        struct taken taken = l ? listener_take(l, e) : (struct taken){ 0 };
        int r = taken.n > 0 ? syscall_taken(&w->syscalls, l->sid, &taken) : 0;
        if (r != 0)
                worker_fail(w, r);
        /* Whoever has it now may compute for long. */
        if (taken.n > 0)
                sched_arm(&w->sched);
}

void worker_take(struct worker *w, struct task *t, struct event *e) {
        list_remove(&e->link);
        if (e->type == EVENT_TYPE_QUEUE)
                worker_take_pushed(w, e);
        if (e->type != EVENT_TYPE_CALL)
                return;
        t->trace = e->trace;
        if (e->served)
                syscall_give_served(e->served, t);
}

void worker_let_go(struct worker *w, struct task *t, struct event *e) {
        if (e->served)
                e->served->is_kept = true;
        else if (e->type == EVENT_TYPE_CALL)
                t->oneway = e;
        else
                event_free(&w->events, e);
}

static bool worker_hand_over(struct worker *w, struct task *t, struct event *e) {
        if (t->state != TASK_STATE_PULLING || !filter_matches(&t->filter, e))
                return false;
        if (t->filter.pull != 0) {
                /* A predicate decides; the event stays where it is until then. */
                sched_wake(&w->sched, t, NULL);
                return false;
        }
        worker_take(w, t, e);
        sched_wake(&w->sched, t, e);
        return true;
}

/* `t` may be NULL: for whoever pulls first. */
static void worker_deliver(struct worker *w, struct task *t, struct event *e) {
        if (t) {
                if (!worker_hand_over(w, t, e))
                        mailbox_add(&t->mailbox, e);
                return;
        }
        list_for_each_safe(node, &w->sched.pullers)
                if (worker_hand_over(w, container_of(node, struct task, state_link), e))
                        return;
        mailbox_add(&w->mailbox, e);
}

/* One may write for each write confirmed. The one that is woken may be killed before it writes; when
 * no confirmation is to come, nobody must be left. */
static void worker_let_write(struct worker *w) {
        if (w->syscalls.n_writes == 0)
                sched_wake_all(&w->sched, &w->writers);
        else
                sched_wake_first(&w->sched, &w->writers);
}

static void worker_on_answer(struct worker *w, struct event *e) {
        struct pending *p = syscall_find_pending(&w->syscalls, e->seq);
        if (!p) {
                event_free(&w->events, e);
                return;
        }
        struct task *t = p->task;
        enum pending_kind kind = p->kind;
        syscall_remove_pending(&w->syscalls, p);
        if (kind == PENDING_KIND_EVENT && t)
                worker_deliver(w, t, e);
        else if (kind == PENDING_KIND_WAIT && t)
                sched_wake(&w->sched, t, e);
        else
                event_free(&w->events, e);
        if (kind == PENDING_KIND_WRITE)
                worker_let_write(w);
}

static void worker_confirm_binding(struct worker *w, struct binding *b, const struct event *e) {
        b->sid = e->sid;
        int r = e->status == STATUS_OK ? binding_add(&w->bindings, b) : 0;
        if (r < 0)
                worker_fail(w, r);
        if (e->status == STATUS_OK)
                return;
        vm_unref(&w->vm, b->handler);
        binding_free(b);
}

static void worker_confirm_listener(struct worker *w, struct listener *l, const struct event *e) {
        if (e->status == STATUS_OK)
                listener_add(&w->listeners, l, e->sid);
        else
                listener_free(l);
}

static void worker_on_reply(struct worker *w, struct event *e) {
        struct pending *p = syscall_find_pending(&w->syscalls, e->seq);
        if (!p)
                worker_lost(w, "a reply to no request");
        struct task *t = p->task;
        struct binding *b = p->binding;
        struct listener *l = p->listener;
        syscall_remove_pending(&w->syscalls, p);
        if (b)
                worker_confirm_binding(w, b, e);
        if (l)
                worker_confirm_listener(w, l, e);
        if (t)
                sched_wake(&w->sched, t, e);
        else
                event_free(&w->events, e);
}

void worker_forget_event(struct worker *w, struct event *e) {
        int r = syscall_release_caps(&w->syscalls, e->caps, e->n_caps);
        event_free(&w->events, e);
        if (r != 0)
                worker_fail(w, r);
}

static void worker_on_pushed(struct worker *w, struct event *e) {
        struct listener *l = listener_find_sid(&w->listeners, e->sid);
        if (!l) {
                worker_forget_event(w, e);
                return;
        }
        listener_receive(l, e);
        for (struct event *gone; (gone = listener_shed(l));)
                worker_forget_event(w, gone);
        worker_deliver(w, l->task, e);
}

void worker_drop_listener(struct worker *w, struct listener *l) {
        for (struct event *e; (e = listener_pop(l));)
                worker_forget_event(w, e);
        listener_free(l);
}

static void worker_refuse_call(struct worker *w,
                               struct event *e,
                               uint32_t status,
                               const char *why) {
        struct served *served = syscall_find_served(&w->syscalls, e->cid);
        event_free(&w->events, e);
        if (!served)
                return;
        int r = syscall_refuse(&w->syscalls, served, status, why);
        if (r != 0)
                worker_fail(w, r);
}

static void worker_start_call(struct worker *w, struct binding *b, struct event *e) {
        list_remove(&e->link);
        struct task *t = NULL;
        if (w->sched.n_tasks < LIMIT_TASKS)
                t = sched_add_task(&w->sched, b->is_queue ? b->tid : 0);
        if (!t) {
                worker_refuse_call(w, e, STATUS_BUSY, "the server has too many tasks");
                return;
        }
        if (b->is_queue)
                b->tid = t->tid;
        b->n_running++;
        t->binding = b;
        t->call = e;
        worker_take(w, t, e);
        if (e->served)
                e->served->is_aborting = b->is_aborting;
        sched_wake(&w->sched, t, NULL);
}

/* Tasks for the calls that wait, up to the binding's maximum. */
static void worker_start_calls(struct worker *w, struct binding *b) {
        while (b->n_running < b->max) {
                struct event *e = call_queue_find(&b->calls, NULL);
                if (!e)
                        return;
                worker_start_call(w, b, e);
        }
}

/* No handle is 0: initd itself asks, for an administrator. */
static struct binding *worker_find_binding(struct worker *w, const struct event *e) {
        if (e->handle != 0)
                return binding_find(&w->bindings, e->handle, e->name, e->name_len);
        w->sched.must_look = 0;
        return w->evaluator;
}

static void worker_on_call(struct worker *w, struct event *e) {
        if ((e->flags & WIRE_FLAG_ONEWAY) == 0) {
                int r = syscall_add_served(&w->syscalls, e);
                if (r < 0)
                        worker_fail(w, r);
        } else if (!event_count_oneway(&w->events, e)) {
                event_free(&w->events, e);
                return;
        }
        struct binding *b = worker_find_binding(w, e);
        if (!b || !binding_has_handler(b)) {
                worker_deliver(w, b ? b->task : NULL, e);
                return;
        }
        if (b->n_running < b->max)
                worker_start_call(w, b, e);
        else
                call_queue_add(&b->calls, e);
}

static void worker_on_cancel(struct worker *w, struct event *e) {
        struct served *served = syscall_find_served(&w->syscalls, e->cid);
        if (!served) {
                event_free(&w->events, e);
                return;
        }
        if (served->is_queued) {
                event_free(&w->events, served->event);
                syscall_remove_served(&w->syscalls, served);
                event_free(&w->events, e);
                return;
        }
        served->is_cancelled = true;
        struct task *t = served->task;
        worker_deliver(w, t, e);
        if (served->is_aborting && t) {
                t->is_killed = true;
                worker_interrupt(w, t);
        }
}

/* A program that has never shown interest in being asked is not asked. */
static void worker_on_terminate(struct worker *w, struct event *e) {
        if (w->is_ending) {
                w->is_terminated = true;
                event_free(&w->events, e);
                return;
        }
        if (!w->has_taken_terminate) {
                w->is_terminated = true;
                worker_exit(w, 0, EXIT_REASON_KILLED, NULL);
        }
        w->is_asked_to_end = true;
        worker_deliver(w, NULL, e);
}

/* What came through the context before stays to be pulled. */
void worker_forget_context(struct worker *w, uint32_t handle) {
        list_for_each_safe(node, &w->bindings.all) {
                struct binding *b = container_of(node, struct binding, link);
                if (b->handle == handle)
                        worker_drop_binding(w, b, STATUS_NOTBOUND);
        }
        list_for_each_safe(node, &w->listeners.all) {
                struct listener *l = container_of(node, struct listener, link);
                if (l->handle == handle)
                        listener_free(l);
        }
}

static void worker_on_hangup(struct worker *w, struct event *e) {
        worker_forget_context(w, e->handle);
        worker_deliver(w, NULL, e);
}

static void worker_on_other(struct worker *w, struct event *e) {
        worker_deliver(w, NULL, e);
}

static void (*const worker_handlers[])(struct worker *w, struct event *e) = {
        [EVENT_TYPE_TERMINATE] = worker_on_terminate, [EVENT_TYPE_EXIT] = worker_on_other,
        [EVENT_TYPE_CANCEL] = worker_on_cancel,       [EVENT_TYPE_OPEN] = worker_on_other,
        [EVENT_TYPE_CLOSE] = worker_on_other,         [EVENT_TYPE_HANGUP] = worker_on_hangup,
        [EVENT_TYPE_ANSWER] = worker_on_answer,       [EVENT_TYPE_CALL] = worker_on_call,
        [EVENT_TYPE_QUEUE] = worker_on_pushed,        [EVENT_TYPE_REPLY] = worker_on_reply,
};
static_assert(ARRAY_SIZE(worker_handlers) == _EVENT_TYPE_N, "one handler per type");

static void worker_on_grant(struct worker *w, const Thox__Grant *body) {
        if (!w->is_faulting)
                worker_lost(w, "a grant that nobody asked for");
        w->is_faulting = false;
        w->granted = body->memory_bytes;
}

static void worker_on_frame(struct worker *w, struct wire_frame *f) {
        if (!w->is_started) {
                if (f->kind != THOX__FRAME__BODY_START)
                        worker_lost(w, "the first frame is no Start");
                w->is_started = true;
                start_program(w, f);
                return;
        }
        if (f->kind == THOX__FRAME__BODY_GRANT) {
                worker_on_grant(w, f->message->grant);
                return;
        }
        struct event *e;
        int r = event_read(&w->events, &w->syscalls.conn, f, &e);
        if (r == EVENT_E_PARTIAL)
                return;
        if (r == EVENT_E_UNEXPECTED)
                worker_lost(w, "a frame that initd does not send to workers");
        if (r < 0)
                worker_fail(w, r);
        worker_handlers[e->type](w, e);
}

/* ---- tasks --------------------------------------------------------------------------------- */

void worker_drop_binding(struct worker *w, struct binding *b, uint32_t status) {
        binding_remove(&w->bindings, b);
        for (struct event *e; (e = call_queue_find(&b->calls, NULL));)
                worker_refuse_call(w, e, status, "the name was unbound");
        vm_unref(&w->vm, b->handler);
        b->handler = BINDING_NO_HANDLER;
        if (b->n_running == 0)
                binding_free(b);
}

void worker_interrupt(struct worker *w, struct task *t) {
        if (t->state == TASK_STATE_WAITING) {
                struct pending *p = syscall_find_pending(&w->syscalls, t->seq);
                assert(p && p->task == t);
                list_remove(&p->link);
                p->task = NULL;
                if (p->kind == PENDING_KIND_WAIT)
                        worker_sent(w, syscall_cancel(&w->syscalls, t->seq));
        }
        if (t->state != TASK_STATE_RUNNABLE && t->state != TASK_STATE_RUNNING)
                sched_wake(&w->sched, t, NULL);
}

static void worker_forget_listening(struct worker *w, const struct task *t) {
        list_for_each(node, &w->listeners.all) {
                struct listener *l = container_of(node, struct listener, link);
                if (l->task == t)
                        l->task = NULL;
        }
}

static void worker_forget_raw_bindings(struct worker *w, const struct task *t) {
        list_for_each(node, &w->bindings.all) {
                struct binding *b = container_of(node, struct binding, link);
                if (b->task == t)
                        b->task = NULL;
        }
}

/* Calls and events that the task did not look at are for whoever pulls next. */
static void worker_inherit_mailbox(struct worker *w, struct task *t) {
        struct list *answers = &t->mailbox.lanes[MAILBOX_LANE_ANSWER];
        list_for_each_safe(node, answers)
                event_free(&w->events, container_of(node, struct event, link));
        for (struct event *e; (e = call_queue_find(&t->mailbox.calls, NULL));) {
                list_remove(&e->link);
                worker_deliver(w, NULL, e);
        }
        list_for_each_safe(pushed, &t->mailbox.lanes[MAILBOX_LANE_QUEUE]) {
                list_remove(pushed);
                worker_deliver(w, NULL, container_of(pushed, struct event, link));
        }
}

void worker_end_task(struct worker *w, struct task *t) {
        struct binding *b = t->binding;
        sched_remove_task(&w->sched, t);
        syscall_drop_pending_of(&w->syscalls, t);
        syscall_drop_served_of(t);
        if (t->has_routes) {
                worker_forget_raw_bindings(w, t);
                worker_forget_listening(w, t);
        }
        if (!b || t->has_routes)
                worker_inherit_mailbox(w, t);
        if (t == w->main_task)
                w->main_task = NULL;
        sched_free_task(&w->sched, t, &w->events);
        if (!b)
                return;
        b->n_running--;
        if (!b->is_removed)
                worker_start_calls(w, b);
        else if (b->n_running == 0)
                binding_free(b);
}

static void worker_on_slice_over(struct vm *vm, lua_State *L) {
        struct worker *w = container_of(vm, struct worker, vm);
        vm->is_slice_over = 0;
        worker_turn(w, false);
        bool is_wanted = sched_has_runnable(&w->sched) || vm->captured || vm->task->is_killed;
        if (is_wanted && hijack_can_park(L)) {
                hijack_preempt(L);
                return;
        }
        w->sched.n_overruns += is_wanted;
        if (w->sched.n_tasks > 1 || w->bindings.n_handlers > 0 || vm->captured ||
            w->sched.must_look)
                sched_arm(&w->sched);
}

static void worker_on_cpu_over(struct vm *vm, lua_State *L) {
        struct worker *w = container_of(vm, struct worker, vm);
        cpu_on_stage(&w->cpu, L);
}

static void worker_run_tasks(struct worker *w) {
        struct task *t;
        while ((t = sched_next(&w->sched))) {
                if (w->sched.n_tasks > 1 || w->bindings.n_handlers > 0)
                        sched_arm(&w->sched);
                hijack_run(w, t);
                if (!sched_has_runnable(&w->sched))
                        break;
                bool is_due = ++w->n_yields >= WORKER_YIELDS_PER_READ;
                if (is_due || w->sched.quantum_us == 0)
                        worker_turn(w, false);
        }
}

/* ---- life ---------------------------------------------------------------------------------- */

static bool worker_is_done(const struct worker *w) {
        bool serves = w->bindings.n_handlers > 0 && !w->is_asked_to_end;
        return !w->main_task && w->sched.n_tasks == 0 && !serves;
}

static void worker_leave(struct worker *w,
                         uint32_t status,
                         uint32_t reason,
                         const char *message,
                         const char *locals) __attribute__((noreturn));

static void worker_leave(struct worker *w,
                         uint32_t status,
                         uint32_t reason,
                         const char *message,
                         const char *locals) {
        w->is_ending = true;
        worker_drain_writes(w, 1);
        int r = syscall_exit(&w->syscalls, status, reason, message, locals);
        if (r != 0)
                worker_fail(w, r);
        worker_flush(w);
        while (conn_pending(&w->syscalls.conn) != 0) {
                struct pollfd p = { .fd = w->syscalls.conn.fd, .events = POLLOUT };
                if (ppoll(&p, 1, NULL, NULL) < 0 && errno != EINTR)
                        worker_fail(w, error_origin(errno));
                worker_flush(w);
        }
        _exit((int)status);
}

void worker_exit(struct worker *w, uint32_t status, uint32_t reason, const char *message) {
        worker_leave(w, status, reason, message, NULL);
}

void worker_fail_in(struct worker *w, lua_State *on, uint32_t reason, const char *message) {
        char locals[LIMIT_EXIT_LOCALS_BYTES];
        locals_write(on, locals, sizeof(locals));
        worker_leave(w, 1, reason, message, locals);
}

/* The whole process waits: what the task would do next is what there is no memory for. */
static void worker_on_full(struct vm *vm) {
        struct worker *w = container_of(vm, struct worker, vm);
        if (vm->limit >= w->memory_max)
                return;
        w->granted = 0;
        w->is_faulting = true;
        int r = syscall_fault(&w->syscalls, vm->task ? vm->task->tid : 0, vm->used, vm->limit);
        if (r != 0)
                worker_fail(w, r);
        while (w->is_faulting) {
                worker_flush(w);
                worker_poll(w, SCHED_NEVER);
                worker_read(w);
        }
        if (w->granted > vm->limit)
                vm_set_limit(vm, w->granted);
}

static void worker_on_exhausted(struct vm *vm, const char *message) {
        struct worker *w = container_of(vm, struct worker, vm);
        vm->current = NULL;
        worker_exit(w, 1, EXIT_REASON_MEMORY, message);
}

static int worker_say_hello(struct worker *w) {
        Thox__Hello hello = THOX__HELLO__INIT;
        hello.version_min = hello.version_max = WIRE_VERSION;
        hello.name = wire_bytes("worker", strlen("worker"));
        hello.confinement = wire_bytes(w->options.confinement.states, _CONFINEMENT_LAYER_N);
        WIRE_MESSAGE(m, 0, HELLO, hello, &hello);
        int r = conn_send(&w->syscalls.conn, &m, NULL);
        if (r != 0)
                return error_fold(r);
        worker_flush(w);
        return 0;
}

static void worker_check_confinement(struct worker *w) {
        const struct confinement *c = &w->options.confinement;
        char text[CONFINEMENT_TEXT_BYTES + 64];
        if (!w->options.is_confinement_required || confinement_is_full(c))
                return;
        strcpy(text, "the worker is confined ");
        confinement_summarize(c, text + strlen(text));
        strcat(text, " (--require-sandbox=full)");
        worker_exit(w, 1, EXIT_REASON_ERROR, text);
}

static int worker_init(struct worker *w, int fd, const struct worker_options *options) {
        *w = (struct worker){ .options = *options };
        int r = syscalls_init_take(&w->syscalls, fd, &w->events);
        if (r < 0)
                return error_trace(r);
        event_reader_init(&w->events);
        mailbox_init(&w->mailbox);
        list_init(&w->writers);
        bindings_init(&w->bindings);
        listeners_init(&w->listeners);
        r = worker_say_hello(w);
        if (r < 0)
                return error_trace(r);
        worker_check_confinement(w);
        r = vm_init(&w->vm);
        if (r < 0)
                return error_trace(r);
        w->vm.on_slice_over = worker_on_slice_over;
        w->vm.on_exhausted = worker_on_exhausted;
        w->vm.on_full = worker_on_full;
        w->vm.on_cpu_over = worker_on_cpu_over;
        sched_init(&w->sched, &w->vm);
        return error_trace(start_open(w));
}

void worker_run(int fd, const struct worker_options *options) {
        struct worker worker, *w = &worker;
        int r = worker_init(w, fd, options);
        if (r < 0)
                worker_fail(w, r);
        while (!w->is_started)
                worker_turn(w, true);
        for (;;) {
                worker_run_tasks(w);
                if (worker_is_done(w))
                        worker_exit(w, w->exit_status, EXIT_REASON_EXIT, NULL);
                if (!sched_has_runnable(&w->sched))
                        worker_turn(w, true);
        }
}
