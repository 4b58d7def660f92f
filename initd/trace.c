/*
 * trace.c - see trace.h.
 */
#include "initd/trace.h"

#include <stdlib.h>
#include <string.h>

#include "initd/call.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "initd/queue.h"
#include "initd/record.h"
#include "libipc/base/clock.h"
#include "libipc/base/log.h"
#include "libipc/name.h"

/* ---- who listens --------------------------------------------------------------------------- */

bool trace_is_queue(const struct context *c, const void *name, size_t len) {
        return c == c->router->native && len == strlen(TRACE_QUEUE) &&
               memcmp(name, TRACE_QUEUE, len) == 0;
}

/* What is no name is no key either. */
static ProtobufCBinaryData trace_key(const void *name, size_t len) {
        return name_is_valid(name, len) ? wire_bytes(name, len) : wire_bytes(NULL, 0);
}

void trace_update_peer(struct peer *p) {
        const struct queue *q = p->router->trace;
        p->is_traced = false;
        /* One who is shown what it does when it is shown something never comes to an end. */
        if (!q || queue_has_listener(q, p))
                return;
        ProtobufCBinaryData key = trace_key(p->name, strlen(p->name));
        p->is_traced = queue_wants(q, &key);
}

void trace_update(struct router *r) {
        size_t at = 0;
        r->trace = queue_find(r->native, TRACE_QUEUE, strlen(TRACE_QUEUE));
        for (struct peer *p; (p = table_next(&r->peers, &at));)
                trace_update_peer(p);
}

/* ---- whom a call concerns ------------------------------------------------------------------ */

struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < w->n; i++)
                context_unref(w->contexts[i]);
        free(w);
        return NULL;
}

static struct queue *watch_find_queue(const struct watch *w, size_t i) {
        const struct context *c = w->contexts[i];
        return queue_find(c, c->routing.log, c->routing.log_len);
}

static void watch_add(struct watch *w, struct context *c) {
        for (size_t i = 0; i < w->n; i++)
                if (w->contexts[i] == c)
                        return;
        if (w->n < ARRAY_SIZE(w->contexts))
                w->contexts[w->n++] = context_ref(c);
}

/* The contexts between the sender's and the one where its request ended. */
static void watch_add_route(struct watch *w, const struct target *target) {
        for (struct context *c = target->context; c; c = c->routing.to) {
                if (c->routing.log_len > 0)
                        watch_add(w, c);
                if (c == target->route.context)
                        return;
        }
}

void trace_follow(struct call *call, const struct target *target) {
        if (!target->route.is_logged)
                return;
        if (!call->watch)
                call->watch = calloc(1, sizeof(*call->watch));
        if (call->watch)
                watch_add_route(call->watch, target);
}

/* ---- records ------------------------------------------------------------------------------- */

/* One record on its way to those whom it concerns. */
struct trace {
        struct router *router;
        const struct peer *caller, *server; /* server NULL: initd */
        const void *name;
        size_t name_len;
        struct record out;
};

static void trace_publish_logs(const struct trace *t, const struct watch *w) {
        ProtobufCBinaryData key = trace_key(t->name, t->name_len);
        for (size_t i = 0; i < w->n; i++) {
                struct queue *q = watch_find_queue(w, i);
                if (q)
                        queue_publish(q, &key, 1, &t->out.values);
        }
}

static void trace_publish_processes(const struct trace *t) {
        ProtobufCBinaryData keys[2];
        size_t n = 0;
        const struct peer *peers[] = { t->caller, t->server };
        for (size_t i = 0; i < ARRAY_SIZE(peers); i++)
                if (peers[i] && peers[i]->is_traced)
                        keys[n++] = trace_key(peers[i]->name, strlen(peers[i]->name));
        if (t->router->trace && n > 0)
                queue_publish(t->router->trace, keys, n, &t->out.values);
}

static bool trace_concerns_somebody(const struct trace *t, const struct watch *w) {
        for (size_t i = 0; w && i < w->n; i++)
                if (watch_find_queue(w, i))
                        return true;
        return (t->caller && t->caller->is_traced) || (t->server && t->server->is_traced);
}

static void trace_begin(struct trace *t, const char *kind, size_t n_pairs) {
        t->out = (struct record){ .values = t->router->trace_values };
        record_pairs(&t->out, n_pairs);
        record_text(&t->out, "kind", kind);
        record_float(&t->out, "time", (double)clock_wall_us() / 1e6);
}

/* Without memory nobody hears of it. */
static void trace_finish(struct trace *t, const struct watch *w) {
        if (t->out.error == 0) {
                if (w)
                        trace_publish_logs(t, w);
                trace_publish_processes(t);
        }
        buf_clear(&t->out.values);
        t->router->trace_values = t->out.values;
}

/* The last field: the array breaks off at its end, wherever its bytes claim that to be, and so the
 * reader knows when they lied. */
static void trace_put_values(struct trace *t, const void *values, size_t len, size_t size) {
        if (size > LIMIT_TRACE_BYTES || len != size) {
                record_integer(&t->out, "size", size);
                return;
        }
        record_key(&t->out, "args");
        record_sequence(&t->out, values, len);
}

static void trace_put_call(struct trace *t,
                           const struct wire_call *call,
                           const struct watch *w,
                           const struct wire_extra *extra,
                           size_t size) {
        struct record *out = &t->out;
        bool is_oneway = (call->flags & WIRE_FLAG_ONEWAY) != 0;
        trace_begin(t, "call", 10 + is_oneway);
        record_integer(out, "cid", call->cid);
        record_integer(out, "pid", t->caller->pid);
        record_integer(out, "uid", t->caller->uid);
        record_text(out, "program", t->caller->name);
        record_integer(out, "server", t->server ? t->server->pid : ROUTER_PID_INITD);
        record_bytes(out, "name", t->name, t->name_len);
        record_integer(out, "trace", call->trace != 0 ? call->trace : call->cid);
        if (is_oneway)
                record_boolean(out, "oneway", true);
        trace_put_values(t, extra->values, extra->values_len, size);
        trace_finish(t, w);
}

/* `extra` NULL: no values. */
static void trace_put_answer(struct trace *t,
                             uint64_t cid,
                             enum thox_status status,
                             uint64_t duration_us,
                             const struct watch *w,
                             const struct wire_extra *extra,
                             size_t size) {
        static const struct wire_extra none;
        struct record *out = &t->out;
        const struct wire_extra *values = extra ? extra : &none;
        trace_begin(t, "answer", 10);
        record_integer(out, "cid", cid);
        record_integer(out, "pid", t->server ? t->server->pid : ROUTER_PID_INITD);
        record_integer(out, "caller", t->caller->pid);
        record_text(out, "program", t->caller->name);
        record_bytes(out, "name", t->name, t->name_len);
        record_integer(out, "status", status);
        record_float(out, "duration", (double)duration_us / 1e6);
        trace_put_values(t, values->values, values->values_len, size);
        trace_finish(t, w);
}

/* ---- calls --------------------------------------------------------------------------------- */

static void trace_refusal(struct trace *t,
                          uint64_t cid,
                          const struct watch *w,
                          const struct target_refusal *refusal) {
        struct buf message CLEANUP(buf_deinit);
        buf_init(&message, TARGET_MESSAGE_BYTES + 16);
        if (value_put_text(&message, refusal->message) < 0)
                return;
        struct wire_extra extra = { .values = message.data, .values_len = message.len };
        trace_put_answer(t, cid, refusal->status, 0, w, &extra, extra.values_len);
}

void trace_request(struct peer *sender,
                   const struct wire_frame *frame,
                   const struct target *target,
                   const struct target_refusal *refusal) {
        const struct wire_call *call = &frame->call;
        struct watch w = { 0 };
        struct trace t = { .router = sender->router,
                           .caller = sender,
                           .server = refusal ? NULL : target->server,
                           .name = call->name,
                           .name_len = call->name_len };
        if (frame->extra.more && !refusal)
                return; /* trace_long_request */
        if (!refusal && target->route.is_fixed) {
                t.name = target->route.name;
                t.name_len = target->route.name_len;
        }
        if (target->route.is_logged)
                watch_add_route(&w, target);
        bool is_heard = trace_concerns_somebody(&t, &w);
        if (is_heard)
                trace_put_call(&t, call, &w, &frame->extra, frame->extra.values_len);
        if (is_heard && refusal && (call->flags & WIRE_FLAG_ONEWAY) == 0)
                trace_refusal(&t, call->cid, &w, refusal);
        for (size_t i = 0; i < w.n; i++)
                context_unref(w.contexts[i]);
}

void trace_long_request(const struct call *call, const struct wire_frame *frame) {
        struct trace t = { .router = call->router,
                           .caller = call->caller,
                           .server = call->server,
                           .name = call->name,
                           .name_len = call->name_len };
        if (trace_concerns_somebody(&t, call->watch))
                trace_put_call(&t, &frame->call, call->watch, &frame->extra, call->n_request_bytes);
}

void trace_answer(const struct call *call,
                  enum thox_status status,
                  const struct peer *server,
                  const struct wire_extra *extra) {
        struct trace t = { .router = call->router,
                           .caller = call->caller,
                           .server = server ? server : call->server,
                           .name = call->name,
                           .name_len = call->name_len };
        if (!trace_concerns_somebody(&t, call->watch))
                return;
        size_t size = extra ? extra->values_len : 0;
        if (call->is_answering)
                size = call->n_answer_bytes;
        trace_put_answer(&t, call->cid, status, clock_now_us() - call->started_us, call->watch,
                         extra, size);
}

/* ---- the rest of a process's life ---------------------------------------------------------- */

/* A request as its sender wrote it: a name for it, and what it is about. */
struct request_text {
        const char *name;
        const ProtobufCBinaryData *about; /* NULL: nothing with a name */
};

static struct request_text request_text(const Thox__Frame *m) {
        switch (m->body_case) {
        case THOX__FRAME__BODY_CONTEXT_NEW:
                return (struct request_text){ "os.context", NULL };
        case THOX__FRAME__BODY_CONTEXT_ROUTE:
                return (struct request_text){ "os.route", NULL };
        case THOX__FRAME__BODY_CONNECT:
                return (struct request_text){ "os.connect", &m->connect->name };
        case THOX__FRAME__BODY_BIND:
                return (struct request_text){ "os.bind", &m->bind->name };
        case THOX__FRAME__BODY_UNBIND:
                return (struct request_text){ "os.unbind", &m->unbind->name };
        case THOX__FRAME__BODY_CLOSE:
                return (struct request_text){ "os.close", NULL };
        case THOX__FRAME__BODY_SHARE:
                return (struct request_text){ "os.share", NULL };
        case THOX__FRAME__BODY_LISTEN:
                return (struct request_text){ "os.listen", &m->listen->name };
        case THOX__FRAME__BODY_UNLISTEN:
                return (struct request_text){ "os.unlisten", NULL };
        case THOX__FRAME__BODY_PUSH:
                return (struct request_text){ "os.push", &m->push->name };
        default:
                return (struct request_text){ "?", NULL };
        }
}

void trace_reply(const struct peer *p, const struct wire_frame *frame) {
        struct trace t = { .router = p->router, .caller = p };
        struct request_text text = request_text(frame->message);
        bool has_name = text.about && text.about->len > 0;
        trace_begin(&t, "request", 7);
        record_integer(&t.out, "pid", p->pid);
        record_text(&t.out, "program", p->name);
        record_text(&t.out, "name", text.name);
        record_integer(&t.out, "status", p->reply_status);
        record_key(&t.out, "args");
        record_array(&t.out, has_name);
        if (has_name)
                record_item(&t.out, text.about->data, text.about->len);
        trace_finish(&t, NULL);
}

void trace_end(const struct peer *p) {
        struct trace t = { .router = p->router, .caller = p };
        trace_begin(&t, "exit", 5);
        record_integer(&t.out, "pid", p->pid);
        record_text(&t.out, "program", p->name);
        record_text(&t.out, "reason", exit_reason_name(p->close_reason));
        trace_finish(&t, NULL);
}
