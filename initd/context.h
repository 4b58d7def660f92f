/*
 * context.h - the only shared object: an owner, holders, bindings, a policy.
 *
 * References: every handle, every derived context and every call through it holds one. A context
 * outlives its owner as a dead one, so that holders can be told and calls refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/routing.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/status.h"
#include "proto/frame.pb-c.h"

struct binding;
struct handle;
struct peer;
struct router;

struct context {
        size_t n_refs;
        struct router *router;
        struct peer *owner;     /* NULL: initd's own (native), or dead */
        struct list owner_link; /* in owner->contexts */
        uint32_t owner_handle;  /* the owner's number for it */
        bool is_dead;
        struct routing routing;
        struct binding *connected;   /* a connection: where every call goes */
        struct list connection_link; /* in its list */
        struct table bindings;       /* name -> struct binding */
        struct table queues;         /* name -> struct queue */
        struct list holders;         /* struct handle */
        size_t n_holders;
        struct list calls;   /* struct call that its owner was given, as it is manual */
        size_t n_unanswered; /* of these */
};

enum context_error {
        CONTEXT_OK = 0,
        CONTEXT_E_LIMIT = 1, /* LIMIT_CONTEXTS_OWNED or LIMIT_HANDLES */
};

/* Without owner: the native context, a namespace, or what becomes a connection. NULL: no memory. */
struct context *context_new_unowned(struct router *r);
/* Owned by `owner`, which gets a handle with all rights. */
int context_new(struct peer *owner, struct handle **ret);
/* Has this routing from here on; takes it. Calls under way are not touched. */
void context_route(struct context *c, struct routing *routing);
struct context *context_ref(struct context *c);
struct context *context_unref(struct context *c);

/* The holder gives up a handle: removes it and tells the owner (unless the holder is the owner, whose
 * close kills the context). */
void context_close_handle(struct handle *h, enum close_reason reason);
/* The end of a context: calls through it answered DEAD, bindings dropped, every holder told Hangup and
 * relieved of its handle. */
void context_kill(struct context *c);
/* An owner who gives its context away takes the receiver for a holder: it hears Closed, of pid 0, when
 * the answer with the handle reached nobody. `given`: the giver's own handle. */
void context_tell_undelivered(const struct handle *given);
/* `giver` (NULL: initd) gave `h` to its peer: the owner gets Opened unless it is the giver. */
void context_announce(struct handle *h, const struct peer *giver);
