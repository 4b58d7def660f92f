/*
 * syscall.c - see syscall.h.
 */
#include "worker/syscall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/value.h"
#include "worker/event.h"
#include "worker/listener.h"
#include "worker/task.h"

#define SYSCALL_SPARES 256u /* of each kind */
#define SYSCALL_KEEP_VALUES_BYTES (4u << 20)
#define SYSCALL_TAKE_VALUES_BYTES (16u << 10) /* from here on memory is given away, not copied */

int syscalls_init_take(struct syscalls *s, int fd, struct event_reader *events) {
        *s = (struct syscalls){ .events = events, .next_seq = 1 };
        index_init(&s->pending);
        index_init(&s->served);
        pool_init(&s->pending_pool, sizeof(struct pending), SYSCALL_SPARES);
        pool_init(&s->served_pool, sizeof(struct served), SYSCALL_SPARES);
        buf_init(&s->values, LIMIT_MESSAGE_BYTES);
        int r = conn_scratch_init(&s->scratch);
        if (r < 0) {
                close(fd);
                return error_trace(r);
        }
        r = conn_init_take(&s->conn, fd, &s->scratch);
        if (r < 0) {
                conn_scratch_deinit(&s->scratch);
                return error_trace(r);
        }
        s->conn.max_frame = LIMIT_FRAME_BYTES;
        return 0;
}

void syscall_clear_values(struct syscalls *s) {
        buf_clear(&s->values);
        s->tail = chunk_unref(s->tail, &s->scratch.pool);
        s->n_caps = 0;
}

static uint32_t syscall_new_seq(struct syscalls *s) {
        uint32_t seq;
        do {
                seq = s->next_seq++;
        } while (seq == 0 || index_find(&s->pending, seq));
        return seq;
}

static int syscall_add_pending(struct syscalls *s,
                               enum pending_kind kind,
                               struct task *task,
                               struct pending **ret) {
        struct pending *p = pool_new(&s->pending_pool);
        if (!p)
                return error_origin(ENOMEM);
        *p = (struct pending){ .kind = kind, .seq = syscall_new_seq(s), .task = task };
        int r = index_add(&s->pending, &p->seq_link, p->seq);
        if (r < 0) {
                pool_free(&s->pending_pool, p);
                return error_trace(r);
        }
        list_init(&p->link);
        if (task)
                list_add_tail(&task->pending, &p->link);
        s->n_writes += kind == PENDING_KIND_WRITE;
        *ret = p;
        return 0;
}

void syscall_remove_pending(struct syscalls *s, struct pending *p) {
        index_remove(&s->pending, &p->seq_link);
        list_remove(&p->link);
        s->n_writes -= p->kind == PENDING_KIND_WRITE;
        pool_free(&s->pending_pool, p);
}

struct pending *syscall_find_pending(const struct syscalls *s, uint32_t seq) {
        return index_find_in(&s->pending, seq, struct pending, seq_link);
}

static int syscall_send_call(struct syscalls *s, uint32_t seq, const struct wire_call *call) {
        struct wire_extra extra = { .caps = s->caps, .n_caps = s->n_caps };
        int r = conn_send_call_take(&s->conn, seq, call, &extra, &s->values, take(s->tail));
        s->n_caps = 0;
        return r < 0 ? error_trace(r) : r;
}

int syscall_call(struct syscalls *s,
                 const struct wire_call *call,
                 enum pending_kind kind,
                 struct task *task,
                 uint64_t *ret_cid) {
        if ((call->flags & WIRE_FLAG_ONEWAY) != 0)
                return syscall_send_call(s, syscall_new_seq(s), call);
        struct pending *p;
        int r = syscall_add_pending(s, kind, task, &p);
        if (r < 0) {
                return error_trace(r);
        }
        r = syscall_send_call(s, p->seq, call);
        if (r != 0) {
                syscall_remove_pending(s, p);
                return r < 0 ? error_trace(r) : r;
        }
        *ret_cid = wire_cid(s->generation, p->seq);
        return 0;
}

static int syscall_send_request(struct syscalls *s,
                                Thox__Frame *message,
                                const struct wire_extra *extra,
                                struct task *task,
                                struct pending **ret) {
        int r = syscall_add_pending(s, PENDING_KIND_REQUEST, task, ret);
        if (r < 0)
                return error_trace(r);
        message->seq = (*ret)->seq;
        r = conn_send(&s->conn, message, extra);
        if (r != 0)
                syscall_remove_pending(s, *ret);
        return r < 0 ? error_trace(r) : r;
}

int syscall_request(struct syscalls *s,
                    Thox__Frame *message,
                    struct task *task,
                    struct binding *binding,
                    uint32_t *ret_seq) {
        struct pending *p;
        int r = syscall_send_request(s, message, NULL, task, &p);
        if (r != 0)
                return r < 0 ? error_trace(r) : r;
        p->binding = binding;
        *ret_seq = p->seq;
        return 0;
}

int syscall_listen(struct syscalls *s,
                   Thox__Frame *message,
                   struct task *task,
                   struct listener *listener,
                   uint32_t *ret_seq) {
        struct pending *p;
        int r = syscall_send_request(s, message, NULL, task, &p);
        if (r != 0)
                return r < 0 ? error_trace(r) : r;
        p->listener = listener;
        *ret_seq = p->seq;
        return 0;
}

int syscall_push(struct syscalls *s, Thox__Frame *message, struct task *task, uint32_t *ret_seq) {
        const struct wire_extra extra = { .caps = s->caps,
                                          .n_caps = s->n_caps,
                                          .values = s->values.data,
                                          .values_len = s->values.len };
        struct pending *p;
        int r = syscall_send_request(s, message, &extra, task, &p);
        syscall_clear_values(s);
        if (r != 0)
                return r < 0 ? error_trace(r) : r;
        *ret_seq = p->seq;
        return 0;
}

int syscall_taken(struct syscalls *s, uint32_t sid, const struct taken *events) {
        Thox__Taken taken = THOX__TAKEN__INIT;
        taken.sid = sid;
        taken.n = events->n;
        taken.bytes = events->n_bytes;
        WIRE_MESSAGE(m, 0, TAKEN, taken, &taken);
        int r = conn_send(&s->conn, &m, NULL);
        return r < 0 ? error_trace(r) : r;
}

int syscall_release_caps(struct syscalls *s, const struct wire_cap *caps, size_t n) {
        for (size_t i = 0; i < n; i++) {
                Thox__Close body = THOX__CLOSE__INIT;
                body.handle = caps[i].handle;
                body.keep_own = true;
                WIRE_MESSAGE(m, 0, CLOSE, close, &body);
                struct pending *p;
                int r = syscall_send_request(s, &m, NULL, NULL, &p);
                if (r != 0)
                        return r < 0 ? error_trace(r) : r;
        }
        return 0;
}

int syscall_answer(struct syscalls *s, struct served *served, uint32_t status) {
        struct wire_answer answer = { .cid = served->cid, .status = status };
        struct wire_extra extra = { .caps = s->caps, .n_caps = s->n_caps };
        int r = conn_send_answer_take(&s->conn, 0, &answer, &extra, &s->values, take(s->tail));
        s->n_caps = 0;
        syscall_remove_served(s, served);
        return r < 0 ? error_trace(r) : r;
}

int syscall_refuse(struct syscalls *s,
                   struct served *served,
                   uint32_t status,
                   const char *message) {
        syscall_clear_values(s);
        int r = value_put_text(&s->values, message);
        if (r < 0)
                return error_trace(r);
        return error_trace(syscall_answer(s, served, status));
}

int syscall_forward(struct syscalls *s, struct event *e, struct wire_call *call, bool has_values) {
        struct wire_extra extra = { .caps = s->caps, .n_caps = s->n_caps };
        uint32_t seq = e->served ? 0 : syscall_new_seq(s);
        int r;
        call->cid = e->cid;
        call->trace = e->trace;
        call->flags = e->served ? WIRE_FLAG_FORWARD : WIRE_FLAG_ONEWAY | s->priority;
        if (has_values) {
                r = conn_send_call_take(&s->conn, seq, call, &extra, &s->values, take(s->tail));
        } else {
                extra = (struct wire_extra){ .caps = e->caps,
                                             .n_caps = e->n_caps,
                                             .values = e->values,
                                             .values_len = e->values_len };
                r = conn_send_call_long(&s->conn, seq, call, &extra);
        }
        s->n_caps = 0;
        if (e->served)
                syscall_remove_served(s, e->served);
        return r < 0 ? error_trace(r) : r;
}

int syscall_cancel(struct syscalls *s, uint32_t seq) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = wire_cid(s->generation, seq);
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        int r = conn_send(&s->conn, &m, NULL);
        return r < 0 ? error_trace(r) : r;
}

int syscall_fault(struct syscalls *s, uint64_t tid, uint64_t used, uint64_t limit) {
        Thox__Fault body = THOX__FAULT__INIT;
        body.tid = tid;
        body.used_bytes = used;
        body.limit_bytes = limit;
        WIRE_MESSAGE(m, 0, FAULT, fault, &body);
        int r = conn_send(&s->conn, &m, NULL);
        return r < 0 ? error_trace(r) : r;
}

int syscall_exit(struct syscalls *s,
                 uint32_t status,
                 uint32_t reason,
                 const char *message,
                 const char *locals) {
        Thox__Exit body = THOX__EXIT__INIT;
        size_t len = message ? strlen(message) : 0;
        body.status = status;
        body.reason = reason;
        body.message = wire_bytes(message,
                                  len < LIMIT_EXIT_MESSAGE_BYTES ? len : LIMIT_EXIT_MESSAGE_BYTES);
        if (locals)
                body.locals = wire_bytes(locals, strlen(locals));
        WIRE_MESSAGE(m, 0, EXIT, exit, &body);
        int r = conn_send(&s->conn, &m, NULL);
        return r < 0 ? error_trace(r) : r;
}

void syscall_drop_pending_of(struct syscalls *s, struct task *task) {
        list_for_each_safe(node, &task->pending) {
                struct pending *p = container_of(node, struct pending, link);
                list_remove(&p->link);
                p->task = NULL;
                if (p->kind == PENDING_KIND_EVENT || p->kind == PENDING_KIND_WAIT)
                        (void)syscall_cancel(s, p->seq);
        }
}

int syscall_add_served(struct syscalls *s, struct event *e) {
        struct served *served = pool_new(&s->served_pool);
        if (!served)
                return error_origin(ENOMEM);
        *served = (struct served){ .cid = e->cid, .event = e, .is_queued = true };
        int r = index_add(&s->served, &served->cid_link, e->cid);
        if (r < 0) {
                pool_free(&s->served_pool, served);
                return error_trace(r);
        }
        list_init(&served->link);
        e->served = served;
        return 0;
}

struct served *syscall_find_served(const struct syscalls *s, uint64_t cid) {
        return index_find_in(&s->served, cid, struct served, cid_link);
}

void syscall_remove_served(struct syscalls *s, struct served *served) {
        index_remove(&s->served, &served->cid_link);
        list_remove(&served->link);
        struct event *e = served->event;
        bool is_kept = served->is_kept;
        pool_free(&s->served_pool, served);
        if (!e)
                return;
        e->served = NULL;
        if (is_kept)
                event_free(s->events, e);
        else
                event_release_values(s->events, e);
}

void syscall_give_served(struct served *served, struct task *task) {
        served->is_queued = false;
        served->task = task;
        list_remove(&served->link);
        list_add_tail(&task->served, &served->link);
}

void syscall_drop_served_of(struct task *task) {
        list_for_each_safe(node, &task->served) {
                list_remove(node);
                container_of(node, struct served, link)->task = NULL;
        }
}
