/*
 * service.c - a daemon's side of its connection to initd: greeting, binding, dispatch, calls and
 * contexts of its own. Calls being served are request.c's.
 *
 * Life: Hello → Welcome → one Bind per endpoint → all replies → on_ready. Calls may arrive from the
 * first bind on. Output is queued by whoever has something to say and written once per turn; while
 * more than LIMIT_OUT_PAUSE_BYTES wait, nothing is read and no request is started.
 */
#include "libipc/service.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/limits.h"

enum pending_kind {
        PENDING_BIND,
        PENDING_CALL,
        PENDING_CONTEXT,
};

/* Something we asked and have no reply to yet. Owned by service->pending. */
struct pending {
        enum pending_kind kind;
        uint32_t seq;
        union {
                const struct endpoint *endpoint; /* BIND */
                struct {
                        service_done_fn *done; /* CALL */
                        void *userdata;
                        struct buf values; /* of the frames before the last */
                        bool is_overlong;
                } call;
                struct {
                        service_context_fn *done; /* CONTEXT */
                        const struct endpoint_table *table;
                        void *context;
                } context;
        };
};

/* A context of ours, in service->contexts. */
struct owned_context {
        uint32_t handle;
        const struct endpoint_table *table; /* NULL: the service's own */
        void *object;                       /* the daemon's */
};

static struct pending *pending_free(struct pending *p) {
        if (p && p->kind == PENDING_CALL)
                buf_deinit(&p->call.values);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(struct pending *, pending_free)

void service_queue_flush(struct service *s) {
        loop_later_add(s->loop, &s->flush);
}

void service_set_error(struct service *s, int r) {
        if (r >= 0 || s->error < 0)
                return;
        s->error = r;
        service_queue_flush(s);
}

/*
 * Asking.
 */

static uint32_t next_seq(struct service *s) {
        do
                s->next_seq++;
        while (s->next_seq == 0 || table_find_u64(&s->pending, s->next_seq));
        return s->next_seq;
}

/* A question with a fresh seq, in the table. *ret is borrowed. */
static int pending_new(struct service *s, enum pending_kind kind, struct pending **ret) {
        struct pending *p CLEANUP(pending_freep) = calloc(1, sizeof(*p));
        if (!p)
                return error_origin(ENOMEM);
        p->kind = kind;
        p->seq = next_seq(s);
        if (kind == PENDING_CALL)
                buf_init(&p->call.values, LIMIT_MESSAGE_BYTES);

        int r = table_add_u64(&s->pending, p->seq, p);
        if (r < 0)
                return error_trace(r);
        *ret = take(p);
        return 0;
}

static void pending_drop(struct service *s, struct pending *p) {
        table_remove_u64(&s->pending, p->seq);
        pending_free(p);
}

/* What every question does after it has been handed to the connection. */
static int pending_sent(struct service *s, struct pending *p, int r) {
        if (r != 0) {
                pending_drop(s, p);
                return error_fold(r);
        }
        service_queue_flush(s);
        return 0;
}

static int bind_endpoint(struct service *s, const struct endpoint *endpoint) {
        Thox__Bind bind = THOX__BIND__INIT;
        struct pending *p;
        int r = pending_new(s, PENDING_BIND, &p);
        if (r < 0)
                return error_trace(r);

        p->endpoint = endpoint;
        bind.handle = SERVICE_NATIVE_HANDLE;
        bind.name = wire_bytes(endpoint->name, strlen(endpoint->name));
        WIRE_MESSAGE(message, p->seq, BIND, bind, &bind);
        return error_trace(pending_sent(s, p, conn_send(&s->conn, &message, NULL)));
}

int service_call(struct service *s,
                 const char *name,
                 const struct buf *values,
                 service_done_fn *done,
                 void *userdata) {
        struct wire_call call = { .handle = SERVICE_NATIVE_HANDLE,
                                  .flags = wire_priority_flags(WIRE_PRIORITY_DEFAULT) };
        struct wire_extra extra = { 0 };
        struct pending *p;
        int r = s->is_closing ? error_origin(ECONNRESET) : pending_new(s, PENDING_CALL, &p);
        if (r < 0)
                return error_trace(r);

        p->call.done = done;
        p->call.userdata = userdata;
        call.name = (const uint8_t *)name;
        call.name_len = strlen(name);
        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        return error_trace(
                pending_sent(s, p, conn_send_call_long(&s->conn, p->seq, &call, &extra)));
}

int service_context_new(struct service *s,
                        const struct endpoint_table *table,
                        void *context,
                        service_context_fn *done) {
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;
        struct pending *p;
        int r = s->is_closing ? error_origin(ECONNRESET) : pending_new(s, PENDING_CONTEXT, &p);
        if (r < 0)
                return error_trace(r);

        assert(context);
        p->context.table = table;
        p->context.context = context;
        p->context.done = done;
        WIRE_MESSAGE(message, p->seq, CONTEXT_NEW, context_new, &body);
        return error_trace(pending_sent(s, p, conn_send(&s->conn, &message, NULL)));
}

void *service_context_find(struct service *s, uint32_t handle) {
        const struct owned_context *c = table_find_u64(&s->contexts, handle);
        return c ? c->object : NULL;
}

static const struct endpoint *endpoint_in(const struct endpoint_table *table,
                                          const void *name,
                                          size_t len) {
        for (size_t i = 0; i < table->n; i++) {
                const struct endpoint *e = &table->endpoints[i];
                if (strlen(e->name) == len && memcmp(e->name, name, len) == 0)
                        return e;
        }
        return NULL;
}

enum thox_status service_endpoint_find(struct service *s,
                                       uint32_t handle,
                                       const void *name,
                                       size_t len,
                                       const struct endpoint **ret) {
        const struct owned_context *c = NULL;

        if (handle != SERVICE_NATIVE_HANDLE) {
                c = table_find_u64(&s->contexts, handle);
                if (!c)
                        return STATUS_BADCTX;
        }
        *ret = c && c->table ? endpoint_in(c->table, name, len) :
                               table_find_name(&s->names, name, len);
        return *ret ? STATUS_OK : STATUS_NOTBOUND;
}

static int context_add(struct service *s,
                       uint32_t handle,
                       const struct endpoint_table *table,
                       void *object) {
        struct owned_context *c = malloc(sizeof(*c));
        if (!c)
                return error_origin(ENOMEM);
        *c = (struct owned_context){ .handle = handle, .table = table, .object = object };
        int r = table_add_u64(&s->contexts, handle, c);
        if (r < 0)
                free(c);
        return error_trace(r);
}

void service_context_close(struct service *s, uint32_t handle) {
        Thox__Close body = THOX__CLOSE__INIT;

        free(table_remove_u64(&s->contexts, handle));
        if (s->is_closing)
                return;
        body.handle = handle;
        WIRE_MESSAGE(message, next_seq(s), CLOSE, close, &body);
        service_set_error(s, error_fold(conn_send(&s->conn, &message, NULL)));
        service_queue_flush(s);
}

/*
 * Frames from initd. A handler returns 0, or < 0 to end the loop.
 */

static int on_ready(struct service *s) {
        return s->on_ready ? error_trace(s->on_ready(s)) : 0;
}

static int on_welcome(struct service *s, const struct wire_frame *frame) {
        const Thox__Welcome *welcome = frame->message->welcome;

        if (s->is_welcome || welcome->version != WIRE_VERSION) {
                log_error("initd speaks another protocol version=%u", welcome->version);
                return error_origin(EPROTO);
        }
        s->is_welcome = true;
        s->pid = welcome->pid;
        s->generation = welcome->generation;
        s->n_unbound = s->n_endpoints;
        for (size_t i = 0; i < s->n_endpoints; i++) {
                int r = bind_endpoint(s, &s->endpoints[i]);
                if (r < 0)
                        return error_trace(r);
        }
        return s->n_endpoints == 0 ? error_trace(on_ready(s)) : 0;
}

static int on_bound(struct service *s, const struct pending *p, const Thox__Reply *reply) {
        if (reply->status != STATUS_OK) {
                log_error("initd refused to bind an endpoint name=%s status=%s message=%s",
                          p->endpoint->name, status_name(reply->status),
                          log_quote(reply->message.data, reply->message.len));
                return error_origin(EPROTO);
        }
        return --s->n_unbound == 0 ? error_trace(on_ready(s)) : 0;
}

static void on_context(struct service *s, const struct pending *p, const Thox__Reply *reply) {
        uint32_t handle = reply->status == STATUS_OK ? reply->handle : 0;

        if (handle != 0 && context_add(s, handle, p->context.table, p->context.context) < 0) {
                service_context_close(s, handle);
                handle = 0;
        }
        p->context.done(s, p->context.context, handle);
}

/* Replies to closes, and answers to nothing, find nothing pending. */
static int on_reply(struct service *s, const struct wire_frame *frame) {
        struct pending *p = table_find_u64(&s->pending, frame->seq);
        int r = 0;

        if (!p || p->kind == PENDING_CALL)
                return 0;
        table_remove_u64(&s->pending, frame->seq);
        if (p->kind == PENDING_BIND)
                r = on_bound(s, p, frame->message->reply);
        else
                on_context(s, p, frame->message->reply);
        pending_free(p);
        return error_trace(r);
}

static void append_answer(struct pending *p, const struct wire_extra *extra) {
        if (p->call.is_overlong || extra->values_len == 0 ||
            buf_add(&p->call.values, extra->values, extra->values_len) == 0)
                return;
        p->call.is_overlong = true;
        buf_deinit(&p->call.values);
        buf_init(&p->call.values, LIMIT_MESSAGE_BYTES);
}

static void finish_call(struct service *s,
                        struct pending *p,
                        uint32_t status,
                        const struct wire_extra *extra) {
        struct value_reader reader;

        if (p->call.values.len == 0 && !p->call.is_overlong) {
                /* One frame: read where it lies. */
                value_reader_init(&reader, extra->values, extra->values_len);
        } else {
                append_answer(p, extra);
                value_reader_init(&reader, p->call.values.data, p->call.values.len);
        }
        p->call.done(s, p->call.userdata,
                     p->call.is_overlong ? STATUS_LIMIT : (enum thox_status)status, &reader);
        pending_free(p);
}

static int on_answer(struct service *s, const struct wire_frame *frame) {
        struct pending *p = table_find_u64(&s->pending, frame->seq);

        if (!p || p->kind != PENDING_CALL)
                return 0;
        if (frame->extra.more) {
                append_answer(p, &frame->extra);
                return 0;
        }
        table_remove_u64(&s->pending, frame->seq);
        finish_call(s, p, frame->answer.status, &frame->extra);
        return 0;
}

static int on_cancel(struct service *s, const struct wire_frame *frame) {
        return error_trace(request_on_cancel(s, frame->message->cancel->cid));
}

static int on_opened(struct service *s, const struct wire_frame *frame) {
        const Thox__Opened *opened = frame->message->opened;
        void *context = service_context_find(s, opened->handle);

        if (context && s->on_opened)
                s->on_opened(s, context, opened->pid);
        return 0;
}

static int on_closed(struct service *s, const struct wire_frame *frame) {
        const Thox__Closed *closed = frame->message->closed;
        void *context = service_context_find(s, closed->handle);

        if (context && s->on_closed)
                s->on_closed(s, context, closed->pid);
        return 0;
}

/* Bodies that are not here are events a daemon has no use for. */
static int (*const handlers[])(struct service *s, const struct wire_frame *frame) = {
        [THOX__FRAME__BODY_CALL] = request_on_call, [THOX__FRAME__BODY_ANSWER] = on_answer,
        [THOX__FRAME__BODY_CANCEL] = on_cancel,     [THOX__FRAME__BODY_WELCOME] = on_welcome,
        [THOX__FRAME__BODY_REPLY] = on_reply,       [THOX__FRAME__BODY_OPENED] = on_opened,
        [THOX__FRAME__BODY_CLOSED] = on_closed,
};

/*
 * The connection.
 */

static int drain(struct service *s) {
        struct wire_frame *frame;
        int r;

        while ((r = conn_next(&s->conn, &frame)) == CONN_OK) {
                size_t kind = (size_t)frame->kind;
                if (kind >= ARRAY_SIZE(handlers) || !handlers[kind])
                        continue;
                r = handlers[kind](s, frame);
                if (r < 0)
                        return error_trace(r);
        }
        if (r == CONN_E_VIOLATION) {
                log_error("initd sent something malformed reason=%s", s->conn.reason);
                return error_origin(EPROTO);
        }
        return r < 0 ? error_trace(r) : 0;
}

static int on_readable(struct service *s) {
        int r = conn_read(&s->conn);
        if (r == CONN_E_EOF) {
                loop_stop(s->loop);
                return error_trace(loop_io_want(&s->io, false, false));
        }
        if (r == CONN_E_AGAIN)
                return 0;
        if (r < 0)
                return error_trace(r);
        return error_trace(drain(s));
}

static int on_io(struct loop_io *io, bool is_readable, bool is_writable) {
        struct service *s = container_of(io, struct service, io);

        if (is_writable)
                service_queue_flush(s);
        return is_readable ? error_trace(on_readable(s)) : 0;
}

static int on_flush(struct loop_later *later) {
        struct service *s = container_of(later, struct service, flush);
        int r;

        do {
                request_run_backlog(s);
                r = conn_flush(&s->conn);
        } while (r == CONN_OK && !list_is_empty(&s->backlog));
        if (s->error < 0)
                return error_trace(s->error);
        if (r < 0)
                return error_trace(r);
        if (r == CONN_E_EOF) {
                loop_stop(s->loop);
                return error_trace(loop_io_want(&s->io, false, false));
        }
        return error_trace(loop_io_want(&s->io, conn_pending(&s->conn) <= LIMIT_OUT_PAUSE_BYTES,
                                        r == CONN_E_AGAIN));
}

/*
 * Life.
 */

static int say_hello(struct service *s) {
        Thox__Hello hello = THOX__HELLO__INIT;

        hello.version_min = WIRE_VERSION;
        hello.version_max = WIRE_VERSION;
        hello.name = wire_bytes(s->name, strlen(s->name));
        WIRE_MESSAGE(message, next_seq(s), HELLO, hello, &hello);
        service_queue_flush(s);
        return error_fold(conn_send(&s->conn, &message, NULL));
}

static int add_names(struct service *s) {
        for (size_t i = 0; i < s->n_endpoints; i++) {
                const struct endpoint *e = &s->endpoints[i];
                int r = table_add_name(&s->names, e->name, strlen(e->name), (void *)(uintptr_t)e);
                if (r < 0)
                        return error_trace(r);
        }
        return 0;
}

static int connect_loop(struct service *s) {
        int r = loop_io_init(&s->io, s->loop, s->conn.fd, on_io);
        if (r < 0)
                return error_trace(r);
        r = add_names(s);
        if (r == 0)
                r = say_hello(s);
        return error_trace(r);
}

int service_init(struct service *s,
                 struct loop *loop,
                 const char *name,
                 const struct endpoint *endpoints,
                 size_t n_endpoints,
                 void *userdata) {
        return error_trace(
                service_init_take(s, SERVICE_FD, loop, name, endpoints, n_endpoints, userdata));
}

int service_init_take(struct service *s,
                      int fd,
                      struct loop *loop,
                      const char *name,
                      const struct endpoint *endpoints,
                      size_t n_endpoints,
                      void *userdata) {
        *s = (struct service){
                .loop = loop,
                .name = name,
                .endpoints = endpoints,
                .n_endpoints = n_endpoints,
                .userdata = userdata,
        };
        table_init(&s->names);
        table_init(&s->contexts);
        table_init(&s->pending);
        table_init(&s->requests);
        list_init(&s->assembling);
        list_init(&s->backlog);
        list_init(&s->running);
        loop_later_init(&s->flush, on_flush);

        int r = conn_scratch_init(&s->scratch);
        if (r < 0) {
                fd_close(fd);
                return error_trace(r);
        }
        r = conn_init_take(&s->conn, fd, &s->scratch);
        if (r < 0) {
                conn_scratch_deinit(&s->scratch);
                return error_trace(r);
        }
        /* initd is trusted with full frames from the start. */
        s->conn.max_frame = LIMIT_FRAME_BYTES;
        r = connect_loop(s);
        if (r < 0)
                service_deinit(s);
        return error_trace(r);
}

static void finish_unanswered(struct service *s, struct pending *p) {
        static const struct wire_extra nothing = { 0 };

        if (p->kind == PENDING_CALL) {
                buf_clear(&p->call.values);
                finish_call(s, p, STATUS_DEAD, &nothing);
                return;
        }
        if (p->kind == PENDING_CONTEXT)
                p->context.done(s, p->context.context, 0);
        pending_free(p);
}

static void finish_all_pending(struct service *s) {
        struct pending *p;
        size_t at = 0;

        while ((p = table_next(&s->pending, &at))) {
                table_remove_u64(&s->pending, p->seq);
                finish_unanswered(s, p);
        }
}

static void deinit_tables(struct service *s) {
        struct owned_context *c;
        size_t at = 0;

        while ((c = table_next(&s->contexts, &at)))
                free(table_remove_u64(&s->contexts, c->handle));
        for (size_t i = 0; i < s->n_endpoints; i++)
                table_remove_name(&s->names, s->endpoints[i].name, strlen(s->endpoints[i].name));
        table_deinit(&s->requests);
        table_deinit(&s->pending);
        table_deinit(&s->contexts);
        table_deinit(&s->names);
}

void service_deinit(struct service *s) {
        s->is_closing = true;
        /* Calls first: their callbacks may answer the requests they were made for. */
        finish_all_pending(s);
        request_cancel_all(s);
        deinit_tables(s);
        loop_later_cancel(&s->flush);
        loop_io_deinit(&s->io);
        conn_deinit(&s->conn);
        conn_scratch_deinit(&s->scratch);
}
