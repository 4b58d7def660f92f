/*
 * syscall.h - requests to initd and what is still unanswered. Plain C: the Lua API fills `values` and
 * `caps` (lvalue.c), names the request, and waits elsewhere.
 *
 * Every request has a seq of its own; each is answered exactly once (docs/PROTOCOL.md), so a struct
 * pending lives until then, with or without the task that made it. Calls that others made of us are
 * the `served` ones, from their arrival to their answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/index.h"
#include "libipc/base/list.h"
#include "libipc/base/pool.h"
#include "libipc/conn.h"
#include "libipc/status.h"

struct binding;
struct event;
struct event_reader;
struct listener;
struct taken;
struct task;

enum pending_kind {
        PENDING_KIND_EVENT,   /* os.call: the answer becomes an event of the task */
        PENDING_KIND_WAIT,    /* the task waits for this and nothing else */
        PENDING_KIND_REQUEST, /* the same for a Reply: cannot be cancelled */
        PENDING_KIND_WRITE,   /* print: nobody looks at the answer, but it is counted */
};

/* Owned by the index; linked in its task. */
struct pending {
        struct index_link seq_link;
        struct list link;
        enum pending_kind kind;
        uint32_t seq;
        struct task *task;         /* NULL: ended or lost interest, the answer is dropped */
        struct binding *binding;   /* a bind: becomes live with the reply */
        struct listener *listener; /* the same for a queue */
};

/* A call to answer. Owned by the index until it is answered; linked in the task that saw it. */
struct served {
        struct index_link cid_link;
        struct list link;
        uint64_t cid;
        struct event *event; /* what came: waiting, at its handler's task, or kept here */
        bool is_queued;      /* not seen by the program yet: it waits somewhere */
        bool is_kept;        /* the event is owned here, so that the call can be forwarded */
        struct task *task;   /* who saw it; NULL when that task is gone */
        bool is_cancelled;   /* the caller is gone */
        bool is_aborting;    /* its handler wants to be killed then */
};

struct syscalls {
        struct event_reader *events; /* where the events of served calls go back to */
        struct conn conn;
        struct conn_scratch scratch;
        uint32_t generation, next_seq;
        uint32_t priority;    /* of its calls, as their flags say it */
        struct index pending; /* by seq */
        struct index served;  /* by cid */
        struct pool pending_pool, served_pool;
        size_t n_writes;    /* PENDING_KIND_WRITE */
        struct buf values;  /* of the next message */
        struct chunk *tail; /* more of its values: a long string at their end, not copied */
        struct wire_cap caps[LIMIT_FRAME_CAPS];
        size_t n_caps;
};

/* Takes the socket, also on failure. */
int syscalls_init_take(struct syscalls *s, int fd, struct event_reader *events);
/* Drops what was encoded and not sent. */
void syscall_clear_values(struct syscalls *s);

/* Call with s->values and s->caps. 0, CONN_E_FULL or -errno; *ret_cid names the answer. */
int syscall_call(struct syscalls *s,
                 const struct wire_call *call,
                 enum pending_kind kind,
                 struct task *task,
                 uint64_t *ret_cid);
/* Any other request: sets message->seq and waits for its reply with `task`. */
int syscall_request(struct syscalls *s,
                    Thox__Frame *message,
                    struct task *task,
                    struct binding *binding,
                    uint32_t *ret_seq);
/* The same for what is listened to: live with the reply. */
int syscall_listen(struct syscalls *s,
                   Thox__Frame *message,
                   struct task *task,
                   struct listener *listener,
                   uint32_t *ret_seq);
/* A push with s->values and s->caps. */
int syscall_push(struct syscalls *s, Thox__Frame *message, struct task *task, uint32_t *ret_seq);
/* The program has seen more events of this listener. */
int syscall_taken(struct syscalls *s, uint32_t sid, const struct taken *events);
/* Gives up handles that came with something nobody looks at, but for those of contexts of our own. */
int syscall_release_caps(struct syscalls *s, const struct wire_cap *caps, size_t n);
/* Answers with s->values and s->caps; the call is no longer served. */
int syscall_answer(struct syscalls *s, struct served *served, uint32_t status);
/* The same with a message and nothing else. */
int syscall_refuse(struct syscalls *s, struct served *served, uint32_t status, const char *message);
/* Passes the call of `e` on to call->handle and call->name, with s->values and s->caps or with what it
 * came with. It is no longer served; a one-way call becomes one of this process. */
int syscall_forward(struct syscalls *s, struct event *e, struct wire_call *call, bool has_values);
int syscall_cancel(struct syscalls *s, uint32_t seq);
/* The heap has `used` of `limit` bytes, and the task wants more. */
int syscall_fault(struct syscalls *s, uint64_t tid, uint64_t used, uint64_t limit);
int syscall_exit(struct syscalls *s,
                 uint32_t status,
                 uint32_t reason,
                 const char *message,
                 const char *locals);

struct pending *syscall_find_pending(const struct syscalls *s, uint32_t seq);
void syscall_remove_pending(struct syscalls *s, struct pending *p);
/* The task is ending: its calls are cancelled, their answers dropped. */
void syscall_drop_pending_of(struct syscalls *s, struct task *task);

/* A call arrived. 0 or -errno. */
int syscall_add_served(struct syscalls *s, struct event *e);
struct served *syscall_find_served(const struct syscalls *s, uint64_t cid);
void syscall_remove_served(struct syscalls *s, struct served *served);
/* The program gets to see it: it is the task's now. */
void syscall_give_served(struct served *served, struct task *task);
/* The task is ending: what it saw and did not answer is nobody's. */
void syscall_drop_served_of(struct task *task);
