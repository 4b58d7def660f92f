/*
 * call.c - see call.h for the life of a call. This file: requests, answers, cancels, the single exit.
 * What initd serves or calls itself is in native.c; its hooks here are call->native and call->done.
 *
 * Order of checks on a request: handle, right, route, limits, handles that travel; only then is there
 * an object. A refusal costs one answer and no memory.
 */
#include "initd/call.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/fallback.h"
#include "initd/forward.h"
#include "initd/native.h"
#include "initd/router.h"
#include "initd/target.h"
#include "initd/trace.h"
#include "initd/transfer.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/name.h"

#define CALL_MESSAGE_BYTES 512u
#define CALL_SPARES 1024u
#define CALL_TOO_LONG "a message of more than 64 MiB (limit LIMIT_MESSAGE_BYTES)"
#define CALL_CALLER_FULL                                                                           \
        "the unanswered calls of this process have more than 72 MiB of arguments "                 \
        "(limit LIMIT_CALL_BYTES_PER_CALLER)"
#define CALL_SERVER_FULL                                                                           \
        "the unanswered calls of the server have more than 288 MiB of arguments "                  \
        "(limit LIMIT_CALL_BYTES_PER_SERVER)"
static_assert(LIMIT_MESSAGE_BYTES == 64u << 20, "CALL_TOO_LONG names it");
static_assert(LIMIT_CALL_BYTES_PER_CALLER == 72u << 20, "CALL_CALLER_FULL names it");
static_assert(LIMIT_CALL_BYTES_PER_SERVER == 288u << 20, "CALL_SERVER_FULL names it");

/* ---- the object ---------------------------------------------------------------------------- */

static void call_free(struct router *r, struct call *call) {
        if (call->has_timer)
                loop_timer_deinit(&call->timer);
        buf_deinit(&call->args);
        buf_deinit(&call->answer);
        watch_free(call->watch);
        context_unref(call->context);
        pool_free(&r->call_pool, call);
}

struct call *call_find(const struct router *r, uint64_t cid) {
        return index_find_in(&r->calls, cid, struct call, cid_link);
}

void call_pool_init(struct pool *pool) {
        pool_init(pool, sizeof(struct call), CALL_SPARES);
}

/* The server's side of a call: what it is to answer, counted where it arrived. */
void call_attach(struct call *call, const struct target *target) {
        struct peer *server = target->server;
        call->server = server;
        call->server_handle = target->handle;
        call->native = server ? NULL : target->route.binding->native;
        if (target->route.binding)
                target->route.binding->n_calls++;
        if (!server)
                return;
        list_add_tail(&server->calls_served, &call->served_link);
        server->n_calls_served++;
        server->n_served_bytes += call->n_request_bytes;
        if (target->owner_context) {
                call->owner_context = context_ref(target->owner_context);
                list_add_tail(&call->owner_context->calls, &call->context_link);
                call->owner_context->n_unanswered++;
        } else if (target->route.binding) {
                call->binding = target->route.binding;
                binding_charge(call->binding);
        }
}

void call_detach(struct call *call) {
        size_t n_bytes = call->n_request_bytes;
        /* Whoever gets it next gets all of it anew. */
        call->n_request_bytes = 0;
        if (!call->server)
                return;
        list_remove(&call->served_link);
        call->server->n_calls_served--;
        call->server->n_served_bytes -= n_bytes;
        list_remove(&call->context_link);
        if (call->owner_context)
                call->owner_context->n_unanswered--;
        else if (call->binding)
                binding_discharge(call->binding);
        call->owner_context = context_unref(call->owner_context);
        call->binding = NULL;
        call->server = NULL;
}

int call_new(struct call **ret,
             struct router *r,
             uint64_t cid,
             struct peer *caller,
             const struct target *target) {
        struct call *call = pool_new(&r->call_pool);
        if (!call)
                return error_origin(ENOMEM);
        memset(call, 0, offsetof(struct call, name));
        call->router = r;
        call->cid = cid;
        call->caller = caller;
        call->started_us = router_now_us(r);
        list_init(&call->made_link);
        list_init(&call->served_link);
        list_init(&call->context_link);
        list_init(&call->forward_link);
        buf_init(&call->args, LIMIT_MESSAGE_BYTES);
        buf_init(&call->answer, LIMIT_MESSAGE_BYTES);
        int error = index_add(&r->calls, &call->cid_link, cid);
        if (error < 0) {
                call_free(r, call);
                return error_trace(error);
        }
        call->context = context_ref(target->context);
        if (caller) {
                list_add_tail(&caller->calls_made, &call->made_link);
                caller->n_calls_made++;
        }
        call_attach(call, target);
        *ret = call;
        return 0;
}

void call_set_name(struct call *call, const void *name, size_t len) {
        assert(len <= sizeof(call->name));
        memcpy(call->name, name, len);
        call->name_len = len;
}

/* Out of every list; nobody finds it any more. */
static void call_unlink(struct call *call) {
        index_remove(&call->router->calls, &call->cid_link);
        list_remove(&call->made_link);
        list_remove(&call->forward_link);
        call_detach(call);
        fallback_drop(call);
        if (call->caller) {
                call->caller->n_calls_made--;
                call->caller->n_outputs -= call->is_output;
                call->caller->n_native_bytes -= call->args.len;
                call->caller->n_made_bytes -= call->n_made_bytes;
        }
}

/* ---- answering ----------------------------------------------------------------------------- */

static void call_send_answer(struct peer *caller,
                             uint64_t cid,
                             uint32_t status,
                             uint32_t pid,
                             uint32_t flags,
                             const struct wire_extra *extra,
                             struct conn *from) {
        if (caller->state >= PEER_STATE_DOOMED)
                return;
        struct wire_answer answer = { .cid = cid, .status = status, .pid = pid, .flags = flags };
        uint32_t seq = wire_cid_seq(cid);
        if (extra && extra->values_len > LIMIT_FRAME_VALUES_BYTES)
                peer_sent(caller, conn_send_answer_long(&caller->conn, seq, &answer, extra));
        else
                peer_sent(caller, conn_send_answer(&caller->conn, seq, &answer, extra, from));
}

/* How a call ends. Without a server: initd ended it. */
struct ending {
        enum thox_status status;
        const struct wire_extra *extra;
        struct peer *server;
        struct wire_frame *frame;
};

static void call_note_past(const struct call *call, enum thox_status status) {
        struct peer *caller = call->caller;
        bool is_answered = caller->state != PEER_STATE_CLOSING;
        past_add(&caller->past, call->name, call->name_len,
                 is_answered ? (uint32_t)status : PAST_UNANSWERED);
}

/* The single exit: whatever ends a call ends it here. */
static void call_end(struct call *call, const struct ending *e) {
        struct router *r = call->router;
        if ((call->watch || r->trace) && call->caller && !call->is_oneway)
                trace_answer(call, e->status, e->server, e->extra);
        if (call->caller && !call->is_oneway)
                call_note_past(call, e->status);
        call_unlink(call);
        if (call->done)
                call->done(r, call->done_userdata, e->status, e->server, e->frame);
        else if (call->caller && !call->is_oneway)
                call_send_answer(call->caller, call->cid, e->status,
                                 e->server ? e->server->pid : ROUTER_PID_INITD,
                                 call->is_answering ? WIRE_FLAG_CONTINUED : 0, e->extra,
                                 e->server ? &e->server->conn : NULL);
        call_free(r, call);
}

void call_finish(struct call *call, enum thox_status status, const struct wire_extra *extra) {
        call_end(call, &(struct ending){ .status = status, .extra = extra });
}

void call_answered(struct call *call, struct peer *server, struct wire_frame *frame) {
        call_end(call, &(struct ending){ .status = (enum thox_status)frame->answer.status,
                                         .extra = &frame->extra,
                                         .server = server,
                                         .frame = frame });
}

/* `message` as the one value of an answer. */
static struct wire_extra message_extra(const char *message, uint8_t *bytes, size_t size) {
        struct buf values = { .data = bytes, .cap = size, .max = size };
        int r = value_put_text(&values, message);
        assert(r == 0);
        return (struct wire_extra){ .values = values.data, .values_len = values.len };
}

void call_refuse(struct call *call, enum thox_status status, const char *fmt, ...) {
        char message[CALL_MESSAGE_BYTES];
        uint8_t bytes[CALL_MESSAGE_BYTES + 16];
        va_list args;
        va_start(args, fmt);
        vsnprintf(message, sizeof(message), fmt, args);
        va_end(args);
        struct wire_extra extra = message_extra(message, bytes, sizeof(bytes));
        call_finish(call, status, &extra);
}

/* Tells a server that nobody waits for this answer any more. */
static void call_tell_cancelled(struct peer *server, uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = cid;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        peer_send(server, &m, NULL);
}

void call_abort(struct call *call, enum thox_status status, const char *message) {
        struct peer *server = call->server;
        uint64_t cid = call->cid;
        if (call->on_drop)
                call->on_drop(call);
        call_refuse(call, status, "%s", message);
        if (server)
                call_tell_cancelled(server, cid);
}

/* ---- requests ------------------------------------------------------------------------------ */

static void call_refuse_request(struct peer *caller,
                                const struct wire_frame *frame,
                                enum thox_status status,
                                const char *message) {
        uint8_t bytes[CALL_MESSAGE_BYTES + 16];
        if ((frame->call.flags & WIRE_FLAG_ONEWAY) != 0)
                return;
        struct wire_extra extra = message_extra(message, bytes, sizeof(bytes));
        call_send_answer(caller, frame->call.cid, status, ROUTER_PID_INITD, 0, &extra, NULL);
}

static bool call_fits_limits(const struct peer *caller,
                             const struct target *target,
                             const struct wire_frame *frame,
                             struct target_refusal *refusal) {
        bool is_output = (frame->call.flags & WIRE_FLAG_OUTPUT) != 0;
        unsigned n_more = is_output ? LIMIT_OUTPUT_CALLS : 0;
        /* What is printed takes no place from other calls until it has more than its own. */
        size_t n_beside =
                caller->n_outputs < LIMIT_OUTPUT_CALLS ? caller->n_outputs : LIMIT_OUTPUT_CALLS;
        size_t n = caller->n_calls_made - (is_output ? 0 : n_beside);
        if (n < LIMIT_CALLS_PER_CALLER + n_more)
                return target_has_room(target, caller, n_more, refusal);
        refusal->status = STATUS_BUSY;
        snprintf(refusal->message, sizeof(refusal->message),
                 "%u calls of this process are unanswered (limit LIMIT_CALLS_PER_CALLER %u)",
                 (unsigned)n, LIMIT_CALLS_PER_CALLER);
        return false;
}

static int call_on_deadline(struct loop_timer *timer) {
        struct call *call = container_of(timer, struct call, timer);
        call_abort(call, STATUS_TIMEOUT, "no answer within the deadline");
        return 0;
}

int call_arm_deadline(struct call *call, uint64_t timeout_us) {
        int r = loop_timer_init(&call->timer, call->router->loop, call_on_deadline);
        if (r < 0)
                return error_trace(r);
        call->has_timer = true;
        return error_trace(loop_timer_set(&call->timer, timeout_us));
}

/* `call` NULL: one-way, dropped. */
static void call_stop_delivery(struct call *call,
                               const struct wire_frame *frame,
                               enum thox_status status,
                               const char *message) {
        if (!call)
                return;
        if ((frame->call.flags & WIRE_FLAG_CONTINUED) != 0)
                call_abort(call, status, message);
        else
                call_refuse(call, status, "%s", message);
}

/* What the server sees of a call: who made it and what is left of its time, whoever sent it here. */
static struct wire_call call_delivery(const struct call *call,
                                      const struct peer *sender,
                                      const struct wire_call *request,
                                      uint32_t handle) {
        struct wire_call delivery = *request;
        delivery.handle = handle;
        delivery.pid = sender->pid;
        delivery.uid = sender->uid;
        if (call && call->n_hops != 0)
                forward_stamp(call, &delivery);
        if (delivery.trace == 0)
                delivery.trace = delivery.cid;
        return delivery;
}

static void call_deliver_to_peer(struct call *call,
                                 struct peer *sender,
                                 struct wire_frame *frame,
                                 struct peer *server,
                                 uint32_t handle) {
        struct wire_call delivery = call_delivery(call, sender, &frame->call, handle);
        /* One that computes for long must not be removed for what others send it meanwhile. */
        if (conn_pending(&server->conn) + frame->extra.values_len > LIMIT_OUT_CALLS_BYTES) {
                call_stop_delivery(call, frame, STATUS_BUSY,
                                   "the server has too much to read "
                                   "(limit LIMIT_OUT_CALLS_BYTES)");
                return;
        }
        int r = transfer_caps(sender, server, frame);
        if (r == 0)
                peer_sent(server, conn_send_call(&server->conn, 0, &delivery, &frame->extra,
                                                 &sender->conn));
        else
                call_stop_delivery(call, frame, transfer_refusal(r)->status,
                                   transfer_refusal(r)->message);
}

/* A forwarder's values are not its caller's to pay for, nor are they said twice for a fallback. */
static void call_charge(struct call *call, const struct wire_frame *frame) {
        call->n_request_bytes += frame->extra.values_len;
        if (call->server)
                call->server->n_served_bytes += frame->extra.values_len;
        if (call->n_hops == 0 && call->n_request_bytes > call->n_made_bytes) {
                call->caller->n_made_bytes += call->n_request_bytes - call->n_made_bytes;
                call->n_made_bytes = call->n_request_bytes;
        }
}

/* False: refused, the call is over. */
static bool call_take_bytes(struct call *call, const struct wire_frame *frame) {
        call_charge(call, frame);
        if (call->n_request_bytes > LIMIT_MESSAGE_BYTES)
                call_stop_delivery(call, frame, STATUS_LIMIT, CALL_TOO_LONG);
        else if (call->caller->n_made_bytes > LIMIT_CALL_BYTES_PER_CALLER)
                call_stop_delivery(call, frame, STATUS_BUSY, CALL_CALLER_FULL);
        else if (call->server && call->server->n_served_bytes > LIMIT_CALL_BYTES_PER_SERVER)
                call_stop_delivery(call, frame, STATUS_BUSY, CALL_SERVER_FULL);
        else
                return true;
        return false;
}

void call_take_frame(struct call *call, struct peer *sender, struct wire_frame *frame) {
        call->is_sending = frame->extra.more;
        if (!call_take_bytes(call, frame))
                return;
        bool is_end_of_long = !frame->extra.more && (frame->call.flags & WIRE_FLAG_CONTINUED) != 0;
        if (is_end_of_long && (call->watch || call->router->trace))
                trace_long_request(call, frame);
        if (call->native) {
                native_on_request(call, frame);
                return;
        }
        /* Delivering may end the call. */
        uint64_t cid = call->cid;
        struct router *r = call->router;
        bool is_through = call->is_oneway && !frame->extra.more;
        call_deliver_to_peer(call, sender, frame, call->server, call->server_handle);
        if (is_through && call_find(r, cid) == call)
                call_finish(call, STATUS_OK, NULL);
}

static void call_on_continued(struct peer *caller, struct wire_frame *frame) {
        struct call *call = call_find(caller->router, frame->call.cid);
        if (!call)
                return; /* refused, cancelled or answered before all of it had arrived */
        if (call->caller != caller || !call->is_sending) {
                peer_violation(caller, "a continued call that is not being sent");
                return;
        }
        frame->call.name = (const uint8_t *)call->name;
        frame->call.name_len = call->name_len;
        call_take_frame(call, caller, frame);
}

/* One-way and complete: no object. */
static void call_deliver_oneway(struct peer *caller,
                                struct wire_frame *frame,
                                const struct target *target) {
        if (target->route.binding)
                target->route.binding->n_calls++;
        if (!target->server)
                native_on_oneway(caller, target->context, target->route.binding->native, frame);
        else if (conn_pending(&target->server->conn) <= LIMIT_ONEWAY_OUT_BYTES)
                call_deliver_to_peer(NULL, caller, frame, target->server, target->handle);
}

static void call_open(struct peer *caller, struct wire_frame *frame, const struct target *target) {
        struct call *call;
        int r = call_new(&call, caller->router, frame->call.cid, caller, target);
        if (r < 0) {
                call_refuse_request(caller, frame, STATUS_ERROR, "the router is out of memory");
                return;
        }
        call_set_name(call, frame->call.name, frame->call.name_len);
        trace_follow(call, target);
        call->is_oneway = (frame->call.flags & WIRE_FLAG_ONEWAY) != 0;
        call->is_output = (frame->call.flags & WIRE_FLAG_OUTPUT) != 0;
        caller->n_outputs += call->is_output;
        call->priority = (uint8_t)wire_priority(frame->call.flags);
        if (frame->call.timeout_us != 0 && call_arm_deadline(call, frame->call.timeout_us) < 0) {
                call_refuse(call, STATUS_ERROR, "the router is out of memory");
                return;
        }
        if (target->route.binding)
                fallback_keep(call, target->route.binding, frame);
        call_take_frame(call, caller, frame);
}

static void call_follow_route(struct peer *caller,
                              struct wire_frame *frame,
                              const struct target *target) {
        frame->call.name = target->route.name;
        frame->call.name_len = target->route.name_len;
        if ((frame->call.flags & WIRE_FLAG_ONEWAY) != 0 && !frame->extra.more)
                call_deliver_oneway(caller, frame, target);
        else
                call_open(caller, frame, target);
}

/* A priority is asked for; the caller's own is the most it gets. */
static void call_lower_priority(const struct peer *caller, struct wire_call *request) {
        if (wire_priority(request->flags) <= caller->priority)
                return;
        request->flags &= ~wire_priority_flags(WIRE_PRIORITY_MAX);
        request->flags |= wire_priority_flags(caller->priority);
}

void call_on_request(struct peer *caller, struct wire_frame *frame) {
        struct router *r = caller->router;
        if ((frame->call.flags & WIRE_FLAG_FORWARD) != 0) {
                forward_on_frame(caller, frame);
                return;
        }
        frame->call.cid = wire_cid(caller->generation, frame->seq);
        call_lower_priority(caller, &frame->call);
        if ((frame->call.flags & WIRE_FLAG_CONTINUED) != 0) {
                call_on_continued(caller, frame);
                return;
        }
        if (frame->seq == 0 || call_find(r, frame->call.cid)) {
                peer_violation(caller, "a call without a fresh seq");
                return;
        }
        caller->n_calls_total++;
        r->n_calls_routed++;
        struct target target;
        struct target_refusal refusal;
        bool is_refused = !target_find(caller, &frame->call, &target, &refusal) ||
                          !call_fits_limits(caller, &target, frame, &refusal);
        if (trace_is_wanted(r, &target))
                trace_request(caller, frame, &target, is_refused ? &refusal : NULL);
        if (is_refused)
                call_refuse_request(caller, frame, refusal.status, refusal.message);
        else
                call_follow_route(caller, frame, &target);
}

/* ---- answers and cancels from peers -------------------------------------------------------- */

static void call_answer_caller(struct call *call, struct peer *server, struct wire_frame *frame) {
        struct peer *caller = call->caller;
        if (call->fallback && fallback_take_over(call, frame))
                return;
        int r = transfer_caps(server, caller, frame);
        if (r != 0) {
                transfer_drop(server, frame);
                call_refuse(call, transfer_refusal(r)->status, "in the answer: %s",
                            transfer_refusal(r)->message);
                return;
        }
        if (!frame->extra.more) {
                call_answered(call, server, frame);
                return;
        }
        uint32_t flags = call->is_answering ? WIRE_FLAG_CONTINUED : 0;
        call->is_answering = true;
        call_send_answer(caller, call->cid, frame->answer.status, server->pid, flags, &frame->extra,
                         &server->conn);
}

void call_on_answer(struct peer *server, struct wire_frame *frame) {
        struct router *r = server->router;
        struct call *call = call_find(r, frame->answer.cid);
        if (!call) {
                /* Late: the caller has withdrawn, died or timed out. A cid of nobody is a forgery. */
                uint32_t generation = wire_cid_generation(frame->answer.cid);
                if (generation == 0 || generation >= r->next_generation)
                        peer_violation(server, "an answer to a call that never was");
                else
                        transfer_drop(server, frame);
                return;
        }
        if (call->server != server || call->is_oneway) {
                peer_violation(server, "an answer to a call that it was not given");
                return;
        }
        call->n_answer_bytes += frame->extra.values_len;
        if (call->n_answer_bytes > LIMIT_MESSAGE_BYTES)
                call_abort(call, STATUS_LIMIT, CALL_TOO_LONG);
        else if (call->done)
                native_on_answer(call, server, frame);
        else
                call_answer_caller(call, server, frame);
}

void call_on_cancel(struct peer *caller, struct wire_frame *frame) {
        struct call *call = call_find(caller->router, frame->message->cancel->cid);
        if (!call)
                return; /* answered in the meantime */
        if (call->caller != caller) {
                peer_violation(caller, "a cancel of somebody else's call");
                return;
        }
        call_abort(call, STATUS_CANCELLED, "cancelled by the caller");
}

/* ---- the end of others --------------------------------------------------------------------- */

void call_drop_made(struct peer *caller) {
        while (!list_is_empty(&caller->calls_made))
                call_abort(container_of(caller->calls_made.next, struct call, made_link),
                           STATUS_CANCELLED, "the caller ended");
}

void call_drop_served(struct peer *server) {
        while (!list_is_empty(&server->calls_served))
                call_refuse(container_of(server->calls_served.next, struct call, served_link),
                            STATUS_DEAD, "process %u (%s) ended before it answered", server->pid,
                            server->name);
}

void call_drop_context(struct context *c) {
        while (!list_is_empty(&c->calls))
                call_abort(container_of(c->calls.next, struct call, context_link), STATUS_DEAD,
                           "the context was closed by its owner");
}

void call_drop_all(struct router *r) {
        for (struct index_link *link; (link = index_any(&r->calls));)
                call_abort(container_of(link, struct call, cid_link), STATUS_UNAVAIL,
                           "the tree ends");
}
