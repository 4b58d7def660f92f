/*
 * dispatch.c - see dispatch.h. The context requests are short enough to be handled here; each is one
 * translation between a wire body and an object's function.
 */
#include "initd/dispatch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/connection.h"
#include "initd/context.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "initd/queue.h"
#include "initd/router.h"
#include "initd/trace.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"

struct refusal {
        enum thox_status status;
        const char *message;
};

static const struct refusal context_refusals[] = {
        [CONTEXT_E_LIMIT] = { STATUS_LIMIT, "too many contexts: 256 owned (LIMIT_CONTEXTS_OWNED) "
                                            "or 1024 held (LIMIT_HANDLES)" },
};

static const struct refusal routing_refusals[] = {
        [ROUTING_E_BADARGS] = { STATUS_BADARGS,
                                "routing: mode must be 'table' or 'manual', patterns "
                                "are names or prefixes ending in '*', at most 256" },
        [ROUTING_E_MAP] = { STATUS_BADARGS,
                            "routing: map turns names into names and prefixes ending in '*' into "
                            "such prefixes, at most 256" },
        [ROUTING_E_BADCTX] = { STATUS_BADCTX, "routing: 'to' is not a context this process may use "
                                              "(bind, push and listen need these rights there)" },
        [ROUTING_E_HOPS] = { STATUS_LIMIT, "routing: the chain of contexts is longer than 16 "
                                           "(LIMIT_CALL_HOPS)" },
        [ROUTING_E_LOG] = { STATUS_BADARGS, "routing: 'log' is not a valid name of a queue" },
        [ROUTING_E_LOOP] = { STATUS_BADARGS, "routing: 'to' leads back to this context" },
};

static const struct refusal binding_refusals[] = {
        [BINDING_E_EXISTS + BINDING_CONFLICT_FAIL] = { STATUS_EXISTS, "the name is bound already" },
        [BINDING_E_EXISTS + BINDING_CONFLICT_ALTERNATIVE] = { STATUS_EXISTS,
                                                              "the name is bound already, by who "
                                                              "takes alternatives "
                                                              "(on_conflict = 'alternative') and "
                                                              "nothing else" },
        [BINDING_E_EXISTS +
                BINDING_CONFLICT_FALLBACK] = { STATUS_EXISTS,
                                               "the name is bound already, by who takes fallbacks "
                                               "(on_conflict = 'fallback') and nothing else" },
        [BINDING_E_EXISTS +
                BINDING_CONFLICT_BALANCE] = { STATUS_EXISTS,
                                              "the name is bound already, by who shares its calls "
                                              "(on_conflict = 'balance') and nothing else" },
        [BINDING_E_TWICE] = { STATUS_EXISTS, "this process has bound the name already" },
        [BINDING_E_CROWDED] = { STATUS_LIMIT, "64 processes serve the name together already "
                                              "(limit LIMIT_BINDING_GROUP)" },
        [BINDING_E_BADARGS] = { STATUS_BADARGS,
                                "on_conflict is 0 to 3, usage one line of at most 256 bytes "
                                "(LIMIT_USAGE_BYTES)" },
        [BINDING_E_LIMIT] = { STATUS_LIMIT,
                              "256 names are bound by this process (LIMIT_BINDINGS)" },
        [BINDING_E_DENIED] = { STATUS_DENIED, "the context does not grant binding this name" },
        [BINDING_E_BADNAME] = { STATUS_BADARGS,
                                "not a valid endpoint name (1 to 128 bytes of UTF-8, "
                                "no control bytes, '/' or '#', no leading '@')" },
        [BINDING_E_LIMITED] = { STATUS_DENIED,
                                "the name is not among what this process may bind (its property "
                                "bind)" },
        [BINDING_E_BADLIMIT] = { STATUS_BADARGS,
                                 "limit: wants 1 to 1024 calls (LIMIT_CALLS_PER_SERVER)" },
        [BINDING_E_NOTBOUND] = { STATUS_NOTBOUND, "this process does not serve that name" },
};
static_assert(ARRAY_SIZE(binding_refusals) == _BINDING_ERROR_N, "one refusal per error");
static_assert(LIMIT_BINDING_GROUP == 64 && LIMIT_USAGE_BYTES == 256,
              "the messages above name them");

static const struct refusal queue_refusals[] = {
        [QUEUE_E_BADNAME] = { STATUS_BADARGS, "not a valid queue name (1 to 128 bytes of UTF-8, "
                                              "no control bytes, '/' or '#', no leading '@')" },
        [QUEUE_E_BADKEY] = { STATUS_BADARGS, "not a valid key: keys are names, like queues" },
        [QUEUE_E_BADARGS] = { STATUS_BADARGS,
                              "limit is at most 4096 (LIMIT_QUEUE_EVENTS_MAX), match has at most "
                              "256 patterns: names or prefixes ending in '*'" },
        [QUEUE_E_DENIED] = { STATUS_DENIED, "the context does not grant this queue" },
        [QUEUE_E_LISTENERS] = { STATUS_LIMIT,
                                "this process listens 64 times already (LIMIT_LISTENERS)" },
        [QUEUE_E_CROWDED] = { STATUS_LIMIT,
                              "the queue has 1024 listeners (LIMIT_QUEUE_LISTENERS)" },
        [QUEUE_E_TOO_LONG] = { STATUS_LIMIT,
                               "a message of more than 128 KiB (limit LIMIT_PUSH_BYTES)" },
        [QUEUE_E_FULL] = { STATUS_AGAIN, "a listener that blocks has all it can take: the "
                                         "events of its limit, or 4 MiB (LIMIT_QUEUE_BYTES)" },
        [QUEUE_E_BADCTX] = { STATUS_BADCTX, "a context in the values is not held (any more)" },
        [QUEUE_E_UNSHARED] = { STATUS_DENIED, "a context in the values may not be shared" },
        [QUEUE_E_NOTFOUND] = { STATUS_NOTFOUND, "this process does not listen there" },
};
static_assert(ARRAY_SIZE(queue_refusals) == _QUEUE_ERROR_N, "one refusal per error");
static_assert(LIMIT_QUEUE_EVENTS_MAX == 4096 && LIMIT_LISTENERS == 64 &&
                      LIMIT_QUEUE_LISTENERS == 1024 && LIMIT_PUSH_BYTES == 128u << 10 &&
                      LIMIT_QUEUE_BYTES == 4u << 20,
              "the messages above name them");

static_assert(LIMIT_CONTEXTS_OWNED == 256 && LIMIT_HANDLES == 1024 && LIMIT_PATTERNS == 256 &&
                      LIMIT_CALL_HOPS == 16 && LIMIT_BINDINGS == 256 &&
                      LIMIT_CALLS_PER_SERVER == 1024 && LIMIT_NAME_BYTES == 128,
              "the messages above name them");

static const struct refusal refusal_internal = { STATUS_ERROR, "the router is out of memory" };
static const struct refusal refusal_bad_handle = { STATUS_BADCTX,
                                                   "no such context in this process" };

static void reply_refusal(struct peer *p, uint32_t seq, const struct refusal *refusal) {
        peer_reply(p, seq, refusal->status, refusal->message);
}

/* The boundary where a request's negative code ends: logged, and the peer hears of it. */
static void reply_error(struct peer *p, uint32_t seq, int r, const struct refusal *refusals) {
        if (r < 0)
                log_warn("request failed pid=%u error=\"%s\"", p->pid, strerror(-r));
        reply_refusal(p, seq, r < 0 ? &refusal_internal : &refusals[r]);
}

static void on_hello(struct peer *p, struct wire_frame *frame) {
        const Thox__Hello *hello = frame->message->hello;
        if (hello->version_min > WIRE_VERSION || hello->version_max < WIRE_VERSION) {
                peer_violation(p, "no common protocol version");
                return;
        }
        p->state = PEER_STATE_OPEN;
        p->conn.max_frame = LIMIT_FRAME_BYTES;
        p->router->ops->on_hello(p, hello);
        trace_update_peer(p);
}

static void reply_handle(struct peer *p, uint32_t seq, const struct handle *h) {
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.handle = h->number;
        WIRE_MESSAGE(m, seq, REPLY, reply, &reply);
        peer_send(p, &m, NULL);
}

static void on_context_new(struct peer *p, struct wire_frame *frame) {
        struct routing routing;
        int r = routing_init(&routing, p, NULL, frame->message->context_new->routing);
        if (r != 0) {
                reply_error(p, frame->seq, r, routing_refusals);
                return;
        }
        struct handle *h;
        r = context_new(p, &h);
        if (r != 0) {
                routing_deinit(&routing);
                reply_error(p, frame->seq, r, context_refusals);
                return;
        }
        context_route(h->context, &routing);
        reply_handle(p, frame->seq, h);
}

static void on_context_route(struct peer *p, struct wire_frame *frame) {
        const Thox__ContextRoute *body = frame->message->context_route;
        struct handle *h = handle_find(p, body->handle);
        if (!h) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        if (h->context->owner != p) {
                peer_reply(p, frame->seq, STATUS_DENIED,
                           "only the owner of a context changes its routing");
                return;
        }
        struct routing routing;
        int r = routing_init(&routing, p, h->context, body->routing);
        if (r != 0) {
                reply_error(p, frame->seq, r, routing_refusals);
                return;
        }
        context_route(h->context, &routing);
        peer_reply(p, frame->seq, STATUS_OK, NULL);
}

static void on_bind(struct peer *p, struct wire_frame *frame) {
        const Thox__Bind *bind = frame->message->bind;
        struct handle *through = handle_find(p, bind->handle);
        if (!through) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        uint32_t sid = 0;
        int r = binding_add(through, bind, &sid);
        if (r != 0) {
                reply_error(p, frame->seq, r, binding_refusals);
                return;
        }
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.sid = sid;
        WIRE_MESSAGE(m, frame->seq, REPLY, reply, &reply);
        peer_send(p, &m, NULL);
        p->router->ops->on_bound(p);
}

static void on_connect(struct peer *p, struct wire_frame *frame) {
        const Thox__Connect *connect = frame->message->connect;
        struct handle *through = handle_find(p, connect->handle);
        if (!through) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        struct target_refusal refusal;
        struct handle *h;
        int r = connection_open(through, connect->name.data, connect->name.len, &h, &refusal);
        if (r == CONNECTION_E_REFUSED)
                peer_reply(p, frame->seq, refusal.status, refusal.message);
        else if (r < 0)
                reply_error(p, frame->seq, r, NULL);
        else
                reply_handle(p, frame->seq, h);
}

static void on_unbind(struct peer *p, struct wire_frame *frame) {
        const Thox__Unbind *unbind = frame->message->unbind;
        int r;
        if (unbind->sid != 0)
                r = binding_remove_sid(p, unbind->sid);
        else {
                struct handle *through = handle_find(p, unbind->handle);
                if (!through) {
                        reply_refusal(p, frame->seq, &refusal_bad_handle);
                        return;
                }
                r = binding_remove_name(through, unbind->name.data, unbind->name.len);
        }
        if (r != 0)
                reply_error(p, frame->seq, r, binding_refusals);
        else
                peer_reply(p, frame->seq, STATUS_OK, NULL);
}

static void on_close(struct peer *p, struct wire_frame *frame) {
        struct handle *h = handle_find(p, frame->message->close->handle);
        if (!h) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        if (!frame->message->close->keep_own || h->context->owner != p)
                context_close_handle(h, CLOSE_REASON_CLOSE);
        peer_reply(p, frame->seq, STATUS_OK, NULL);
}

static void tell_shared(struct handle *h, const struct peer *giver) {
        Thox__Shared shared = THOX__SHARED__INIT;
        shared.handle = h->number;
        shared.pid = giver->pid;
        shared.rights = h->rights;
        WIRE_MESSAGE(m, 0, SHARED, shared, &shared);
        peer_send(h->peer, &m, NULL);
}

static void on_share(struct peer *p, struct wire_frame *frame) {
        const Thox__Share *share = frame->message->share;
        struct handle *h = handle_find(p, share->handle);
        struct peer *to = router_find_peer(p->router, share->pid);
        if (!h || h->context->is_dead) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        if ((h->rights & HANDLE_RIGHT_SHARE) == 0) {
                peer_reply(p, frame->seq, STATUS_DENIED, "no right to share this context");
                return;
        }
        if (!to || to->role == PEER_ROLE_ZYGOTE) {
                peer_reply(p, frame->seq, STATUS_NOPROC, "no such process");
                return;
        }
        if (to->role == PEER_ROLE_DAEMON) {
                peer_reply(p, frame->seq, STATUS_DENIED,
                           "the tree's own processes take no contexts");
                return;
        }
        uint32_t rights = share->rights == 0 ? h->rights : share->rights & h->rights;
        struct handle *given;
        int r = handle_push(to, h->context, rights, &given);
        if (r == HANDLE_E_LIMIT) {
                peer_reply(p, frame->seq, STATUS_LIMIT,
                           "the receiver holds too many contexts (LIMIT_HANDLES_PUSHED 512)");
                return;
        }
        if (r < 0) {
                reply_error(p, frame->seq, r, context_refusals);
                return;
        }
        context_announce(given, p);
        tell_shared(given, p);
        peer_reply(p, frame->seq, STATUS_OK, NULL);
}

static void on_listen(struct peer *p, struct wire_frame *frame) {
        const Thox__Listen *listen = frame->message->listen;
        struct handle *through = handle_find(p, listen->handle);
        uint32_t sid = 0;
        if (!through) {
                reply_refusal(p, frame->seq, &refusal_bad_handle);
                return;
        }
        int r = queue_listen(through, listen, &sid);
        if (r != 0) {
                reply_error(p, frame->seq, r, queue_refusals);
                return;
        }
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.sid = sid;
        WIRE_MESSAGE(m, frame->seq, REPLY, reply, &reply);
        peer_send(p, &m, NULL);
}

static void on_unlisten(struct peer *p, struct wire_frame *frame) {
        int r = queue_unlisten(p, frame->message->unlisten->sid);
        if (r != 0)
                reply_error(p, frame->seq, r, queue_refusals);
        else
                peer_reply(p, frame->seq, STATUS_OK, NULL);
}

static void on_push(struct peer *p, struct wire_frame *frame) {
        struct handle *through = handle_find(p, frame->message->push->handle);
        uint32_t seq = frame->seq;
        if (frame->extra.more) {
                peer_violation(p, "a push in several frames");
                return;
        }
        if (!through) {
                reply_refusal(p, seq, &refusal_bad_handle);
                return;
        }
        Thox__Reply reply = THOX__REPLY__INIT;
        int r = queue_push(through, frame, &reply.count);
        if (r != 0) {
                reply_error(p, seq, r, queue_refusals);
                return;
        }
        WIRE_MESSAGE(m, seq, REPLY, reply, &reply);
        peer_send(p, &m, NULL);
}

static void on_taken(struct peer *p, struct wire_frame *frame) {
        if (queue_taken(p, frame->message->taken) != 0)
                peer_violation(p, "more events taken than given");
}

static void on_exit(struct peer *p, struct wire_frame *frame) {
        p->has_said_exit = true;
        p->router->ops->on_exit(p, frame->message->exit);
}

static void on_fault(struct peer *p, struct wire_frame *frame) {
        p->router->ops->on_fault(p, frame->message->fault);
}

static void on_forked(struct peer *p, struct wire_frame *frame) {
        p->router->ops->on_forked(p, frame->message->forked);
}

enum role_bit {
        ROLE_WORKER = 1u << PEER_ROLE_WORKER,
        ROLE_CONTROL = 1u << PEER_ROLE_CONTROL,
        ROLE_DAEMON = 1u << PEER_ROLE_DAEMON,
        ROLE_ZYGOTE = 1u << PEER_ROLE_ZYGOTE,
        ROLE_PROGRAM = ROLE_WORKER | ROLE_CONTROL | ROLE_DAEMON,
        ROLE_ALL = ROLE_PROGRAM | ROLE_ZYGOTE,
};

/* clang-format off */
static const struct dispatch_row {
        unsigned roles;
        void (*handler)(struct peer *p, struct wire_frame *frame);
        bool has_seq; /* answered by a Reply */
} dispatch_rows[] = {
        [THOX__FRAME__BODY_CALL]        = { ROLE_PROGRAM, call_on_request, false },
        [THOX__FRAME__BODY_ANSWER]      = { ROLE_PROGRAM, call_on_answer,  false },
        [THOX__FRAME__BODY_CANCEL]      = { ROLE_PROGRAM, call_on_cancel,  false },
        [THOX__FRAME__BODY_HELLO]       = { ROLE_ALL,     on_hello,        false },
        [THOX__FRAME__BODY_CONTEXT_NEW] = { ROLE_PROGRAM, on_context_new,  true },
        [THOX__FRAME__BODY_BIND]        = { ROLE_PROGRAM, on_bind,         true },
        [THOX__FRAME__BODY_CONNECT]     = { ROLE_PROGRAM, on_connect,      true },
        [THOX__FRAME__BODY_UNBIND]      = { ROLE_PROGRAM, on_unbind,       true },
        [THOX__FRAME__BODY_CLOSE]       = { ROLE_PROGRAM, on_close,        true },
        [THOX__FRAME__BODY_SHARE]       = { ROLE_PROGRAM, on_share,        true },
        [THOX__FRAME__BODY_LISTEN]      = { ROLE_PROGRAM, on_listen,       true },
        [THOX__FRAME__BODY_UNLISTEN]    = { ROLE_PROGRAM, on_unlisten,     true },
        [THOX__FRAME__BODY_PUSH]        = { ROLE_PROGRAM, on_push,         true },
        [THOX__FRAME__BODY_TAKEN]       = { ROLE_PROGRAM, on_taken,        false },
        [THOX__FRAME__BODY_CONTEXT_ROUTE] = { ROLE_PROGRAM, on_context_route, true },
        [THOX__FRAME__BODY_FORKED]      = { ROLE_ZYGOTE,  on_forked,       false },
        [THOX__FRAME__BODY_EXIT]        = { ROLE_WORKER,  on_exit,         false },
        [THOX__FRAME__BODY_FAULT]       = { ROLE_WORKER,  on_fault,        false },
};
/* clang-format on */

void dispatch_frame(struct peer *p, struct wire_frame *frame) {
        const struct dispatch_row *row = (size_t)frame->kind < ARRAY_SIZE(dispatch_rows) ?
                                                 &dispatch_rows[frame->kind] :
                                                 NULL;
        bool is_hello = frame->kind == THOX__FRAME__BODY_HELLO;
        if (!row || !row->handler || (row->roles & (1u << p->role)) == 0)
                peer_violation(p, "a frame that its role may not send");
        else if (is_hello != (p->state == PEER_STATE_HELLO))
                peer_violation(p, is_hello ? "a second Hello" : "a frame before Hello");
        else if (row->has_seq && frame->seq == 0)
                peer_violation(p, "a request without seq");
        else {
                row->handler(p, frame);
                if (row->has_seq && p->is_traced && p->state == PEER_STATE_OPEN)
                        trace_reply(p, frame);
        }
}
