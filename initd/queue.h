/*
 * queue.h - message queues: what is pushed to (context, name) reaches everybody who listens there.
 *
 * A queue exists while somebody listens. Nothing is kept here: an event is on its way to a listener or
 * lost for it, and then counted. Listeners of the modes drop-new and block say what their programs have
 * taken, so that initd knows how many wait there; those of drop-oldest keep house themselves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/pattern.h"
#include "libipc/base/list.h"
#include "libipc/limits.h"

struct context;
struct handle;
struct peer;
struct wire_frame;

/* Owned by its context's table; freed with its last listener. */
struct queue {
        struct context *context;
        struct list listeners; /* struct listener */
        size_t n_listeners;
        size_t n_owners; /* of those, the ones of the context's owner */
        uint64_t seq;    /* of the latest push */
        size_t name_len;
        char name[];
};

/* What happens when `limit` events wait. Listen.mode. */
enum queue_mode {
        QUEUE_MODE_DROP_OLDEST, /* the worker drops */
        QUEUE_MODE_DROP_NEW,
        QUEUE_MODE_BLOCK, /* the push is refused */
        _QUEUE_MODE_N,
};

/* Owned by its peer; linked in its queue. */
struct listener {
        struct queue *queue;
        struct peer *peer;
        struct list queue_link, peer_link;
        uint32_t sid, handle; /* handle: the peer's, that it listens through */
        enum queue_mode mode;
        uint32_t limit;
        uint32_t n_waiting;        /* delivered and not taken; 0 for drop-oldest */
        uint64_t n_waiting_bytes;  /* the same */
        uint64_t n_dropped;        /* since the last event delivered */
        struct pattern_list match; /* of keys; empty: all */
};

enum queue_error {
        QUEUE_OK = 0,
        QUEUE_E_BADNAME = 1,
        QUEUE_E_BADKEY = 2,
        QUEUE_E_BADARGS = 3, /* limit, mode, patterns */
        QUEUE_E_DENIED = 4,
        QUEUE_E_LISTENERS = 5, /* LIMIT_LISTENERS */
        QUEUE_E_CROWDED = 6,   /* LIMIT_QUEUE_LISTENERS */
        QUEUE_E_TOO_LONG = 7,  /* LIMIT_PUSH_BYTES */
        QUEUE_E_FULL = 8,      /* a listener blocks */
        QUEUE_E_BADCTX = 9,    /* in the values */
        QUEUE_E_UNSHARED = 10, /* in the values */
        QUEUE_E_NOTFOUND = 11, /* no such listener */
        _QUEUE_ERROR_N,
};

/* Listens through a handle; the queue is where route_listen says. */
int queue_listen(struct handle *through, const Thox__Listen *listen, uint32_t *ret_sid);
int queue_unlisten(struct peer *peer, uint32_t sid);
/* The program of `peer` has taken more events. QUEUE_E_BADARGS: more than it was given. */
int queue_taken(struct peer *peer, const Thox__Taken *taken);

/* Delivers the values of `frame` (a Push) to whom its key concerns, all or nobody; they are given as few
 * copies as possible. *ret_count: listeners that got it. */
int queue_push(struct handle *through, struct wire_frame *frame, uint32_t *ret_count);

/* One value from initd itself, to whom one of the keys concerns. Nothing refuses it: who has no room
 * loses it. */
void queue_publish(struct queue *q,
                   const ProtobufCBinaryData *keys,
                   size_t n_keys,
                   const struct buf *value);
/* NULL when nobody listens. */
struct queue *queue_find(const struct context *c, const void *name, size_t len);
/* Whether some listener's match takes the key. */
bool queue_wants(const struct queue *q, const ProtobufCBinaryData *key);
bool queue_has_listener(const struct queue *q, const struct peer *peer);

bool queue_is_heard_by_owner(const struct context *c, const void *name, size_t len);

/* The end of others. */
void queue_drop_listeners(struct peer *peer);
void queue_drop_through(const struct handle *h);
void queue_drop_in(struct context *c);
