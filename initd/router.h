/*
 * router.h - what all routing objects share: the loop, the table of peers, the index of calls in
 * flight, the native context, and the peers whose output waits for the end of the turn.
 *
 * The router knows nothing of Linux processes, stores or configuration; struct initd owns one and
 * learns of what concerns it through router_ops.
 */
#pragma once

#include <stdint.h>

#include "initd/route_cache.h"
#include "libipc/base/index.h"
#include "libipc/base/list.h"
#include "libipc/base/pool.h"
#include "libipc/base/table.h"
#include "libipc/conn.h"
#include "libipc/loop.h"

struct call;
struct context;
struct peer;
struct queue;

#define ROUTER_PID_INITD 1u
#define ROUTER_GENERATION_INITD 1u

/* What the rest of initd wants to hear. All are set; a peer may be closed from inside any. */
struct router_ops {
        /* A peer said Hello, with a version we speak; answer with Welcome or Start. */
        void (*on_hello)(struct peer *peer, const Thox__Hello *hello);
        void (*on_exit)(struct peer *peer, const Thox__Exit *exit);
        void (*on_fault)(struct peer *peer, const Thox__Fault *fault);
        void (*on_forked)(struct peer *peer, const Thox__Forked *forked);
        /* The peer is out of every table and notified to others; its memory goes at the end of the
         * turn. peer->close_reason and peer->close_text say why. Runs once per peer. */
        void (*on_closed)(struct peer *peer);
        void (*on_written)(
                struct router *r); /* to somebody, for the first time since is_written was unset */
        /* The peer serves one more name. */
        void (*on_bound)(struct peer *peer);
};

struct router {
        struct loop *loop;
        const struct router_ops *ops;
        void *userdata; /* struct initd */
        struct conn_scratch scratch;
        struct table peers; /* pid -> struct peer, open ones */
        struct index calls; /* cid -> struct call */
        struct context *native;
        struct route_cache routes;
        struct queue *trace;     /* NULL: nobody listens to it (trace.h) */
        struct buf trace_values; /* memory for the next record */
        struct list dirty;       /* peers with queued output */
        struct list doomed;      /* peers to close */
        struct list closing;     /* peers to free */
        struct list put_off;     /* peers whose frames were too much for one turn */
        struct loop_timer resume;
        struct pool call_pool;
        struct loop_later turn_end;
        uint32_t next_generation, next_seq; /* seq of initd's own calls */
        uint64_t now_us;                    /* of this turn; 0: not asked for yet */
        bool is_written;
        uint64_t n_bound; /* bindings, ever */
        uint64_t n_calls_routed, n_violations;
};

int router_init(struct router *r, struct loop *loop, const struct router_ops *ops, void *userdata);
/* Closes every peer first. */
void router_deinit(struct router *r);
/* A number no process instance had before. initd itself is generation 1. */
uint32_t router_new_generation(struct router *r);
/* The time, read once a turn. */
uint64_t router_now_us(struct router *r);
/* The peer's frames go on in the next turn. 0 or -errno. */
int router_put_off(struct router *r, struct peer *p);
struct peer *router_find_peer(struct router *r, uint32_t pid);
