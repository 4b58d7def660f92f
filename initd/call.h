/*
 * call.h - calls in flight. Every call that is not one-way is a struct call from call_on_request (or
 * call_start) until call_finish, the single exit: answer, refusal by the server's death, deadline,
 * cancel, the caller's death all end there, and exactly one Answer leaves.
 *
 *                 call_on_request                    call_on_answer / on_cancel / deadline / death
 *   (caller) -----------------------> IN FLIGHT ---------------------------------------> (finished)
 *                refused: answered, no object
 *
 * A call is linked three times: in router->calls by cid, at the caller (calls_made), at the server
 * (calls_served), and once more in a manual context (context->calls). A server that forwards it
 * (forward.h) or that another one stands in for (fallback.h) hands it on. Owned by the router.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "initd/peer.h"
#include "libipc/base/buf.h"
#include "libipc/base/index.h"
#include "libipc/base/pool.h"
#include "libipc/loop.h"
#include "libipc/value.h"

struct binding;
struct call;
struct context;
struct fallback;
struct native_endpoint;
struct target;

/* The answer to a call of initd's own. `frame` carries caps (sender's handles) and descriptors; the
 * values are complete. NULL frame: there is no answer but `status` (DEAD, UNAVAIL, TIMEOUT, ...). */
typedef void call_done_fn(struct router *r,
                          void *userdata,
                          enum thox_status status,
                          struct peer *server,
                          struct wire_frame *frame);

struct call {
        struct router *router;
        uint64_t cid;
        struct peer *caller;     /* NULL: initd */
        struct peer *server;     /* NULL: initd */
        struct context *context; /* reference: the caller's context */
        /* Where it is counted until it is over: one of these, or neither when initd serves it. */
        struct context *owner_context; /* reference: the manual context it arrived in */
        struct binding *binding;       /* the name it arrived at */
        struct index_link cid_link;
        struct list made_link, served_link, context_link;
        struct peer *forwarder;    /* of whose forward more frames are to come, or NULL */
        struct list forward_link;  /* in its calls_forwarding */
        struct fallback *fallback; /* NULL: nobody else is asked */
        uint32_t server_handle;    /* the server's number of the context */
        uint32_t uid;              /* what a server sees when n_hops is not 0 */
        uint8_t n_hops;            /* times it was forwarded */
        uint8_t priority;
        bool is_output;    /* counted in caller->n_outputs */
        bool is_oneway;    /* exists only until its last frame is through */
        bool is_sending;   /* frames of the request are still to come */
        bool is_answering; /* frames of the answer have gone out already */
        bool has_timer;
        struct watch *watch;    /* contexts that log it, or NULL (trace.h) */
        uint64_t started_us;    /* router_now_us */
        size_t n_made_bytes;    /* of the request, as its caller said it; in caller->n_made_bytes */
        size_t n_request_bytes; /* as its server gets it; in server->n_served_bytes */
        size_t n_answer_bytes;
        struct loop_timer timer; /* deadline, or alarm */

        /* served by initd */
        const struct native_endpoint *native;
        struct buf args;
        void *userdata;
        void (*on_drop)(struct call *call); /* it ends before native_answer: forget it */

        /* made by initd */
        call_done_fn *done;
        void *done_userdata;
        struct buf answer;

        /* Last: call_new does not clear it. */
        size_t name_len;
        char name[LIMIT_NAME_BYTES]; /* endpoint, as its server knows it */
};

/* Frames from peers. */
void call_on_request(struct peer *caller, struct wire_frame *frame);
void call_on_answer(struct peer *server, struct wire_frame *frame);
void call_on_cancel(struct peer *caller, struct wire_frame *frame);

/* NULL: no call in flight has this cid. */
struct call *call_find(const struct router *r, uint64_t cid);

/* The end of a call by initd; all lead through one function. Never fails: a caller that cannot be told
 * is doomed. */
void call_finish(struct call *call, enum thox_status status, const struct wire_extra *extra);
/* The same with a message as value 1: what is due for anything but OK. */
void call_refuse(struct call *call, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* The same while its server is still at it: that one gets Cancel. */
void call_abort(struct call *call, enum thox_status status, const char *message);

/* A call by initd itself, resolved in the native context. `done` runs exactly once, perhaps before
 * this returns (nobody serves the name: UNAVAIL). `timeout_us` 0: no deadline. */
void call_start(struct router *r,
                const char *name,
                const struct buf *values,
                uint64_t timeout_us,
                call_done_fn *done,
                void *userdata);

/* For who passes it on. call_detach: from its server; call_attach: to that of `target`. call_take_frame: one
 * frame of its request, from who sends it; the call may be gone afterwards. */
void call_detach(struct call *call);
void call_attach(struct call *call, const struct target *target);
void call_take_frame(struct call *call, struct peer *sender, struct wire_frame *frame);

/* For native.c. call_new: nothing is sent, cid must be fresh; it has no name yet. call_answered: the
 * end by the last frame of the server's answer. */
int call_new(struct call **ret,
             struct router *r,
             uint64_t cid,
             struct peer *caller,
             const struct target *target);
void call_set_name(struct call *call, const void *name, size_t len);
int call_arm_deadline(struct call *call, uint64_t timeout_us);
void call_answered(struct call *call, struct peer *server, struct wire_frame *frame);

/* For router_init and router_deinit: where the memory of calls comes from, and what is left of them. */
void call_pool_init(struct pool *pool);
void call_drop_all(struct router *r);

/* For peer_close and context_kill. */
void call_drop_made(struct peer *caller);
void call_drop_served(struct peer *server);
void call_drop_context(struct context *c);
