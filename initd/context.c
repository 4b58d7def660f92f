/*
 * context.c - life of contexts: creation from a routing, handing over, closing, death.
 *
 * Order of death (context_kill): mark dead, finish the calls in it, drop its bindings, and only then
 * tell the holders.
 */
#include "initd/context.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/connection.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "initd/queue.h"
#include "initd/router.h"
#include "libipc/base/error.h"

/* Leaves its reference to the next in the chain with the caller. */
static struct context *context_free(struct context *c) {
        struct context *to = take(c->routing.to);
        assert(list_is_empty(&c->holders));
        list_remove(&c->owner_link);
        connection_detach(c);
        routing_deinit(&c->routing);
        table_deinit(&c->bindings);
        table_deinit(&c->queues);
        free(c);
        return to;
}

struct context *context_new_unowned(struct router *r) {
        struct context *c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        c->router = r;
        c->n_refs = 1;
        list_init(&c->owner_link);
        list_init(&c->connection_link);
        list_init(&c->calls);
        list_init(&c->holders);
        table_init(&c->bindings);
        table_init(&c->queues);
        return c;
}

struct context *context_ref(struct context *c) {
        c->n_refs++;
        return c;
}

/* Chains grow beyond LIMIT_CALL_HOPS at the far end, by new routings: no recursion. */
struct context *context_unref(struct context *c) {
        while (c && --c->n_refs == 0)
                c = context_free(c);
        return NULL;
}
DEFINE_CLEANUP(struct context *, context_unref)

int context_new(struct peer *owner, struct handle **ret) {
        size_t limit = owner->role == PEER_ROLE_DAEMON ? LIMIT_CONTEXTS_OWNED_DAEMON :
                                                         LIMIT_CONTEXTS_OWNED;
        if (owner->n_contexts >= limit)
                return CONTEXT_E_LIMIT;
        struct context *c CLEANUP(context_unrefp) = context_new_unowned(owner->router);
        if (!c)
                return error_origin(ENOMEM);
        struct handle *h;
        int r = handle_give(owner, c, HANDLE_RIGHTS_ALL, &h);
        if (r == HANDLE_E_LIMIT)
                return CONTEXT_E_LIMIT;
        if (r != 0)
                return error_trace(r);
        c->owner = owner;
        c->owner_handle = h->number;
        list_add_tail(&owner->contexts, &c->owner_link);
        owner->n_contexts++;
        *ret = h;
        return 0;
}

void context_route(struct context *c, struct routing *routing) {
        struct routing old = c->routing;
        route_cache_forget(&c->router->routes);
        c->routing = *routing;
        *routing = (struct routing){ 0 };
        routing_deinit(&old);
}

static void context_tell_closed(const struct context *c, uint32_t pid, enum close_reason reason) {
        Thox__Closed closed = THOX__CLOSED__INIT;
        closed.handle = c->owner_handle;
        closed.pid = pid;
        closed.reason = reason;
        WIRE_MESSAGE(m, 0, CLOSED, closed, &closed);
        peer_send(c->owner, &m, NULL);
}

void context_close_handle(struct handle *h, enum close_reason reason) {
        struct context *c = h->context;
        if (c->owner == h->peer && c->owner_handle == h->number) {
                context_kill(c);
                return;
        }
        uint32_t pid = h->peer->pid;
        struct context *held CLEANUP(context_unrefp) = context_ref(c);
        handle_remove(h);
        if (held->owner)
                context_tell_closed(held, pid, reason);
}

void context_tell_undelivered(const struct handle *given) {
        const struct context *c = given->context;
        if (c->owner == given->peer)
                context_tell_closed(c, 0, CLOSE_REASON_EXIT);
}

static void context_hang_up(struct handle *h) {
        Thox__Hangup hangup = THOX__HANGUP__INIT;
        hangup.handle = h->number;
        WIRE_MESSAGE(m, 0, HANGUP, hangup, &hangup);
        peer_send(h->peer, &m, NULL);
}

void context_kill(struct context *c) {
        if (c->is_dead)
                return;
        struct context *held CLEANUP(context_unrefp) = context_ref(c);
        struct peer *owner = c->owner;
        held->is_dead = true;
        route_cache_forget(&held->router->routes);
        call_drop_context(held);
        binding_drop_in(held);
        queue_drop_in(held);
        held->owner = NULL;
        if (owner) {
                list_remove(&held->owner_link);
                owner->n_contexts--;
        }
        list_for_each_safe(node, &held->holders) {
                struct handle *h = container_of(node, struct handle, holder_link);
                if (h->peer != owner)
                        context_hang_up(h);
                handle_remove(h);
        }
}

void context_announce(struct handle *h, const struct peer *giver) {
        struct context *c = h->context;
        if (!c->owner || c->owner == giver || c->owner == h->peer)
                return;
        Thox__Opened opened = THOX__OPENED__INIT;
        opened.handle = c->owner_handle;
        opened.pid = h->peer->pid;
        WIRE_MESSAGE(m, 0, OPENED, opened, &opened);
        peer_send(c->owner, &m, NULL);
}
