/*
 * peer.h - one connected process instance: its socket, identity, handles and everything it has open.
 *
 * A restarted program is a new peer with the same pid and a new generation. The struct is owned by
 * the router from peer_new until peer_close has run and the turn is over.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "initd/handle.h"
#include "initd/past.h"
#include "libipc/base/table.h"
#include "libipc/conn.h"
#include "libipc/loop.h"
#include "libipc/status.h"

enum peer_role {
        PEER_ROLE_WORKER,
        PEER_ROLE_CONTROL,
        PEER_ROLE_DAEMON,
        PEER_ROLE_ZYGOTE,
        _PEER_ROLE_N,
};

enum peer_state {
        PEER_STATE_HELLO, /* only Hello is accepted, frames up to 4 KiB */
        PEER_STATE_OPEN,
        PEER_STATE_DOOMED,  /* sending to it failed: closed at the end of the turn */
        PEER_STATE_CLOSING, /* delivers and accepts nothing */
};

/* What the watchdog saw when it looked last. */
struct peer_watch {
        uint64_t since_us; /* it has shown no life; 0: nothing was unread */
        uint64_t n_bytes_read, n_bytes_written;
        int n_unread; /* as the kernel counts */
};

struct peer {
        struct router *router;
        enum peer_role role;
        enum peer_state state;
        uint32_t pid, uid, generation;
        char name[LIMIT_NAME_BYTES + 1]; /* program, for logs and listings */
        void *userdata;                  /* struct process of a worker, and so on; initd's */
        const struct run_properties *properties; /* of a worker's process; NULL: not limited */
        uint32_t priority;                       /* the highest of its calls */

        struct conn conn;
        struct loop_io io;
        struct loop_timer stall;
        struct peer_watch watch;
        bool has_said_exit;       /* a worker that ends by itself */
        bool is_traced;           /* somebody watches it (trace.h) */
        bool is_paused;           /* not read from until it reads */
        uint64_t stall_mark;      /* bytes written when the stall timer was set */
        struct list turn_link;    /* in router->dirty, doomed or closing */
        struct list put_off_link; /* in router->put_off: frames that were read are left */
        uint32_t n_deliveries;    /* of its pushes in this turn */

        struct handle_table handles;
        struct list contexts;   /* struct context owned */
        struct list bindings;   /* struct binding served */
        struct table sids;      /* the same by sid */
        struct list listeners;  /* struct listener */
        struct list calls_made; /* struct call */
        struct list calls_served;
        struct list calls_forwarding; /* that it passes on in several frames, not all here yet */
        size_t n_connections;         /* of others to what it serves */
        size_t n_contexts, n_bindings, n_listeners, n_calls_made, n_calls_served, n_alarms;
        size_t n_outputs;      /* of n_calls_made: what it prints */
        size_t n_native_bytes; /* arguments of its calls that initd keeps */
        size_t n_made_bytes,
                n_served_bytes; /* values of its unanswered calls, of those it serves */
        uint32_t next_sid;
        uint32_t reply_status;  /* of the latest Reply it got */
        uint64_t n_calls_total; /* made, ever */
        struct past past;       /* the latest of them that ended */

        enum exit_reason close_reason;
        char close_text[160];
};

/* How many calls it may have unanswered. */
static inline unsigned int peer_calls_limit(const struct peer *p) {
        return p->role == PEER_ROLE_DAEMON ? LIMIT_CALLS_PER_DAEMON : LIMIT_CALLS_PER_SERVER;
}

/* A peer on a connected socket (taken, also on failure), in state HELLO, findable by pid. The name
 * is cut to LIMIT_NAME_BYTES. 0 or -errno. */
int peer_new(struct peer **ret,
             struct router *r,
             int fd,
             enum peer_role role,
             uint32_t pid,
             uint32_t uid,
             const char *name);

/* The one way out, also for initd: stops I/O, finishes the calls it served (DEAD), cancels those it
 * made, unbinds, hangs up its contexts, releases its handles, tells ops->on_closed. Closing a closing
 * peer does nothing. */
void peer_close(struct peer *p, enum exit_reason reason, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Goes on with frames that were left to a later turn. */
void peer_resume(struct peer *p);
/* The close that a doomed peer waits for. Called by the router at the end of a turn. */
void peer_close_doomed(struct peer *p);
/* Releases the memory of a closed peer. Called by the router at the end of a turn. */
struct peer *peer_free(struct peer *p);

/* Reads and handles whatever lies in the socket, without waiting: before closing a dead process. */
void peer_drain(struct peer *p);

/* Queues a frame (flushed at the end of the turn). A peer over its output limit is doomed, not closed
 * here: nothing that sends can find an object gone because of it. */
void peer_send(struct peer *p, const Thox__Frame *message, const struct wire_extra *extra);
/* Writes what is queued now. Called by the router at the end of a turn. */
void peer_flush(struct peer *p);
/* After conn_send_* on p->conn by hand: `r` is its result. */
void peer_sent(struct peer *p, int r);

/* Reply to the request `seq`. */
void peer_reply(struct peer *p, uint32_t seq, enum thox_status status, const char *message);

/* One log line, one counter, then peer_close. */
void peer_violation(struct peer *p, const char *reason);
