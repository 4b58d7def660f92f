/*
 * event.c - see event.h. An event is one block of memory (struct, caps, name, values) but for the
 * values of a long message, which stay in the buffer they were collected in.
 */
#include "worker/event.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "worker/call_queue.h"
#include "worker/syscall.h"

#define EVENT_SMALL_BYTES 512u
#define EVENT_SPARES 128u
#define EVENT_SPARE_BYTES (4u << 20)
/* Less is copied: it should not hold the memory of a long frame. */
#define EVENT_KEEP_BYTES (16u << 10)

/* A message of which more is to come. Owned by the reader. */
struct assembly {
        struct list link;
        wire_kind kind;
        uint64_t cid;
        uint32_t status; /* of an answer */
        struct buf values;
};

static const char *const event_type_names[] = {
        [EVENT_TYPE_TERMINATE] = "terminate", [EVENT_TYPE_EXIT] = "exit",
        [EVENT_TYPE_CANCEL] = "cancel",       [EVENT_TYPE_OPEN] = "open",
        [EVENT_TYPE_CLOSE] = "close",         [EVENT_TYPE_HANGUP] = "hangup",
        [EVENT_TYPE_ANSWER] = "answer",       [EVENT_TYPE_CALL] = "call",
        [EVENT_TYPE_QUEUE] = "queue",         [EVENT_TYPE_REPLY] = "reply",
};
static_assert(ARRAY_SIZE(event_type_names) == _EVENT_TYPE_N, "one name per type");

const char *event_type_name(enum event_type type) {
        return event_type_names[type];
}

int event_type_parse(const char *name) {
        for (int i = 0; i < EVENT_TYPE_REPLY; i++)
                if (event_type_names[i][0] == name[0] && strcmp(event_type_names[i], name) == 0)
                        return i;
        return -1;
}

void event_reader_init(struct event_reader *r) {
        *r = (struct event_reader){ 0 };
        list_init(&r->partial);
        pool_init(&r->small, EVENT_SMALL_BYTES, EVENT_SPARES);
        buf_init(&r->spare, LIMIT_MESSAGE_BYTES);
}

static void assembly_free(struct assembly *a) {
        list_remove(&a->link);
        buf_deinit(&a->values);
        free(a);
}

void event_reader_deinit(struct event_reader *r) {
        list_for_each_safe(node, &r->partial)
                assembly_free(container_of(node, struct assembly, link));
        pool_deinit(&r->small);
        buf_deinit(&r->spare);
}

static uint64_t frame_cid(const struct wire_frame *f) {
        return f->kind == THOX__FRAME__BODY_CALL ? f->call.cid : f->answer.cid;
}

static struct assembly *assembly_find(struct event_reader *r, const struct wire_frame *f) {
        list_for_each(node, &r->partial) {
                struct assembly *a = container_of(node, struct assembly, link);
                if (a->kind == f->kind && a->cid == frame_cid(f))
                        return a;
        }
        return NULL;
}

static int assembly_new(struct event_reader *r, const struct wire_frame *f, struct assembly **ret) {
        struct assembly *a = malloc(sizeof(*a));
        if (!a)
                return error_origin(ENOMEM);
        *a = (struct assembly){ .kind = f->kind, .cid = frame_cid(f), .values = r->spare };
        buf_init(&r->spare, LIMIT_MESSAGE_BYTES);
        buf_clear(&a->values);
        list_init(&a->link);
        list_add_tail(&r->partial, &a->link);
        *ret = a;
        return 0;
}

/* Keeps the frame's values; *ret is the assembly it belongs to, NULL for a message in one frame. */
static int event_collect(struct event_reader *r,
                         const struct wire_frame *f,
                         struct assembly **ret) {
        *ret = NULL;
        uint32_t flags = f->kind == THOX__FRAME__BODY_CALL ? f->call.flags : f->answer.flags;
        struct assembly *a = NULL;
        if ((flags & WIRE_FLAG_CONTINUED) != 0)
                a = assembly_find(r, f);
        if (!a && !f->extra.more)
                return 0;
        int error = a ? 0 : assembly_new(r, f, &a);
        if (error >= 0 && f->kind == THOX__FRAME__BODY_ANSWER && a->status != f->answer.status) {
                /* The server ended in the middle of its answer, and initd says so. */
                buf_clear(&a->values);
                a->status = f->answer.status;
        }
        if (error >= 0)
                error = buf_add(&a->values, f->extra.values, f->extra.values_len);
        if (error < 0)
                return error_trace(error);
        *ret = a;
        return 0;
}

/* Nobody will send the rest of a call that its caller has withdrawn. */
static void event_drop_partial(struct event_reader *r, uint64_t cid) {
        list_for_each_safe(node, &r->partial) {
                struct assembly *a = container_of(node, struct assembly, link);
                if (a->kind == THOX__FRAME__BODY_CALL && a->cid == cid)
                        assembly_free(a);
        }
}

static int event_new(struct event **ret,
                     struct event_reader *r,
                     const struct wire_frame *f,
                     const void *name,
                     size_t name_len,
                     size_t values_len) {
        size_t caps_bytes = f->extra.n_caps * sizeof(struct wire_cap);
        size_t size = sizeof(struct event) + caps_bytes + name_len + values_len;
        bool is_small = size <= EVENT_SMALL_BYTES;
        struct event *e = is_small ? pool_new(&r->small) : malloc(size);
        if (!e)
                return error_origin(ENOMEM);
        *e = (struct event){ .seq = f->seq, .fd = -1, .name_len = name_len, .is_small = is_small };
        list_init(&e->link);
        list_init(&e->listener_link);
        uint8_t *at = (uint8_t *)(e + 1);
        if (caps_bytes != 0)
                memcpy(at, f->extra.caps, caps_bytes);
        e->caps = (const struct wire_cap *)(const void *)at;
        e->n_caps = f->extra.n_caps;
        at += caps_bytes;
        if (name_len != 0)
                memcpy(at, name, name_len);
        e->name = at;
        at += name_len;
        if (values_len != 0)
                memcpy(at, f->extra.values, values_len);
        e->values = at;
        e->values_len = values_len;
        *ret = e;
        return 0;
}

static void event_take_assembled(struct event *e, struct assembly *a) {
        if (!a)
                return;
        e->assembled = a->values;
        e->values = e->assembled.data;
        e->values_len = e->assembled.len;
        buf_init(&a->values, 0);
        assembly_free(a);
}

/* Where the values of a message in one frame may stay; NULL: to be copied. */
static struct chunk *event_keep_values(struct event_reader *r,
                                       struct conn *conn,
                                       const struct wire_frame *f,
                                       const struct assembly *a) {
        if (a || f->extra.values_len < EVENT_KEEP_BYTES)
                return NULL;
        r->pool = &conn->scratch->pool;
        return conn_keep_frame(conn);
}

/* An event with its values: in `a`, in the frame's memory, or copied. */
static int event_new_with_values(struct event_reader *r,
                                 struct conn *conn,
                                 const struct wire_frame *f,
                                 const struct wire_call *call,
                                 struct assembly *a,
                                 struct event **ret) {
        struct chunk *kept = event_keep_values(r, conn, f, a);
        struct event *e;
        int error = event_new(&e, r, f, call ? call->name : NULL, call ? call->name_len : 0,
                              a || kept ? 0 : f->extra.values_len);
        if (error < 0) {
                chunk_unref(kept, r->pool);
                return error_trace(error);
        }
        event_take_assembled(e, a);
        if (kept) {
                e->kept = kept;
                e->values = f->extra.values;
                e->values_len = f->extra.values_len;
        }
        *ret = e;
        return 0;
}

static void event_fill_call(struct event *e, uint64_t now_us, const struct wire_call *call) {
        e->order = call_queue_order(now_us, wire_priority(call->flags));
        e->type = EVENT_TYPE_CALL;
        e->cid = call->cid;
        e->handle = call->handle;
        e->pid = call->pid;
        e->uid = call->uid;
        e->flags = call->flags;
        e->time_us = call->timeout_us;
        e->trace = call->trace;
}

static void event_fill_answer(struct event *e, struct conn *conn, const struct wire_frame *f) {
        e->type = EVENT_TYPE_ANSWER;
        e->cid = f->answer.cid;
        e->status = f->answer.status;
        e->pid = f->answer.pid;
        e->fd = f->extra.n_fds > 0 ? conn_take_fd(conn, 0) : -1;
}

/* A call or an answer, whose values may have come in several frames. */
static int event_read_long(struct event_reader *r,
                           struct conn *conn,
                           const struct wire_frame *f,
                           struct event **ret) {
        const struct wire_call *call = f->kind == THOX__FRAME__BODY_CALL ? &f->call : NULL;
        struct assembly *a;
        int error = event_collect(r, f, &a);
        if (error < 0)
                return error_trace(error);
        if (f->extra.more)
                return EVENT_E_PARTIAL;
        error = event_new_with_values(r, conn, f, call, a, ret);
        if (error < 0)
                return error_trace(error);
        if (call)
                event_fill_call(*ret, r->now_us, call);
        else
                event_fill_answer(*ret, conn, f);
        return 0;
}

/* Everything that is neither call nor answer. A row fills in what its message has. */
static void event_fill_reply(struct event *e, const Thox__Frame *m) {
        e->status = m->reply->status;
        e->handle = m->reply->handle;
        e->sid = m->reply->sid;
        e->count = m->reply->count;
}

static void event_fill_cancel(struct event *e, const Thox__Frame *m) {
        e->cid = m->cancel->cid;
}

static void event_fill_terminate(struct event *e, const Thox__Frame *m) {
        e->time_us = m->terminate->grace_us;
}

static void event_fill_exited(struct event *e, const Thox__Frame *m) {
        e->pid = m->exited->pid;
        e->status = m->exited->status;
        e->signal = m->exited->signal;
        e->reason = m->exited->reason;
}

static void event_fill_opened(struct event *e, const Thox__Frame *m) {
        e->handle = m->opened->handle;
        e->pid = m->opened->pid;
}

static void event_fill_shared(struct event *e, const Thox__Frame *m) {
        e->handle = m->shared->handle;
        e->pid = m->shared->pid;
        e->flags = m->shared->rights;
        e->is_shared = true;
}

static void event_fill_closed(struct event *e, const Thox__Frame *m) {
        e->handle = m->closed->handle;
        e->pid = m->closed->pid;
        e->reason = m->closed->reason;
}

static void event_fill_hangup(struct event *e, const Thox__Frame *m) {
        e->handle = m->hangup->handle;
}

static const struct event_row {
        wire_kind kind;
        enum event_type type;
        void (*fill)(struct event *e, const Thox__Frame *m);
} event_rows[] = {
        { THOX__FRAME__BODY_REPLY, EVENT_TYPE_REPLY, event_fill_reply },
        { THOX__FRAME__BODY_CANCEL, EVENT_TYPE_CANCEL, event_fill_cancel },
        { THOX__FRAME__BODY_TERMINATE, EVENT_TYPE_TERMINATE, event_fill_terminate },
        { THOX__FRAME__BODY_EXITED, EVENT_TYPE_EXIT, event_fill_exited },
        { THOX__FRAME__BODY_OPENED, EVENT_TYPE_OPEN, event_fill_opened },
        { THOX__FRAME__BODY_SHARED, EVENT_TYPE_OPEN, event_fill_shared },
        { THOX__FRAME__BODY_CLOSED, EVENT_TYPE_CLOSE, event_fill_closed },
        { THOX__FRAME__BODY_HANGUP, EVENT_TYPE_HANGUP, event_fill_hangup },
};

/* The key lies behind the queue's name. */
static int event_read_pushed(struct event_reader *r,
                             struct conn *conn,
                             const struct wire_frame *f,
                             struct event **ret) {
        const Thox__Pushed *pushed = f->message->pushed;
        uint8_t text[2 * LIMIT_NAME_BYTES];
        if (pushed->name.len > LIMIT_NAME_BYTES || pushed->key.len > LIMIT_NAME_BYTES)
                return EVENT_E_UNEXPECTED;
        memcpy(text, pushed->name.data, pushed->name.len);
        if (pushed->key.len > 0)
                memcpy(text + pushed->name.len, pushed->key.data, pushed->key.len);
        const struct wire_call named = { .name = text,
                                         .name_len = pushed->name.len + pushed->key.len };
        struct event *e;
        int error = event_new_with_values(r, conn, f, &named, NULL, &e);
        if (error < 0)
                return error_trace(error);
        e->type = EVENT_TYPE_QUEUE;
        e->sid = pushed->sid;
        e->handle = pushed->handle;
        e->pid = pushed->pid;
        e->uid = pushed->uid;
        e->number = pushed->seq;
        e->dropped = pushed->dropped;
        e->name_len = pushed->name.len;
        e->key = e->name + e->name_len;
        e->key_len = pushed->key.len;
        *ret = e;
        return 0;
}

static ProtobufCBinaryData frame_text(const Thox__Frame *m) {
        if (m->body_case == THOX__FRAME__BODY_REPLY)
                return m->reply->message;
        if (m->body_case == THOX__FRAME__BODY_EXITED)
                return m->exited->message;
        return (ProtobufCBinaryData){ 0 };
}

static int event_read_other(struct event_reader *reader,
                            const struct wire_frame *f,
                            struct event **ret) {
        for (size_t i = 0; i < ARRAY_SIZE(event_rows); i++) {
                if (event_rows[i].kind != f->kind)
                        continue;
                ProtobufCBinaryData text = frame_text(f->message);
                struct event *e;
                int r = event_new(&e, reader, f, text.data, text.len, 0);
                if (r < 0)
                        return error_trace(r);
                e->type = event_rows[i].type;
                event_rows[i].fill(e, f->message);
                *ret = e;
                return 0;
        }
        return EVENT_E_UNEXPECTED;
}

int event_read(struct event_reader *r,
               struct conn *conn,
               const struct wire_frame *frame,
               struct event **ret) {
        struct event *e;
        int result;
        if (frame->kind == THOX__FRAME__BODY_CANCEL)
                event_drop_partial(r, frame->message->cancel->cid);
        if (frame->kind == THOX__FRAME__BODY_ANSWER || frame->kind == THOX__FRAME__BODY_CALL)
                result = event_read_long(r, conn, frame, &e);
        else if (frame->kind == THOX__FRAME__BODY_PUSHED)
                result = event_read_pushed(r, conn, frame, &e);
        else
                result = event_read_other(r, frame, &e);
        if (result != 0)
                return result < 0 ? error_trace(result) : result;
        e->serial = ++r->n_events;
        *ret = e;
        return 0;
}

/* The values have been looked at; of a long message they are most of the memory. */
void event_release_values(struct event_reader *r, struct event *e) {
        if (e->assembled.data && !r->spare.data && e->assembled.cap <= EVENT_SPARE_BYTES)
                r->spare = e->assembled;
        else
                buf_deinit(&e->assembled);
        e->assembled = (struct buf){ 0 };
        e->kept = chunk_unref(e->kept, r->pool);
        e->values_len = 0;
}

bool event_count_oneway(struct event_reader *r, struct event *e) {
        if (r->n_oneway_bytes > LIMIT_ONEWAY_OUT_BYTES)
                return false;
        e->n_counted = sizeof(*e) + e->name_len + e->values_len;
        r->n_oneway_bytes += e->n_counted;
        return true;
}

struct event *event_free(struct event_reader *r, struct event *e) {
        if (!e)
                return NULL;
        if (e->served)
                e->served->event = NULL;
        list_remove(&e->link);
        list_remove(&e->listener_link);
        if (e->is_mail)
                r->n_mail_freed++;
        r->n_oneway_bytes -= e->n_counted;
        fd_close(e->fd);
        event_release_values(r, e);
        if (e->is_small)
                return pool_free(&r->small, e);
        free(e);
        return NULL;
}
