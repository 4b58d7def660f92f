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
#include <string.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "initd/router.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

static void pattern_list_deinit(struct pattern_list *l) {
        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].bytes);
        free(l->items);
        *l = (struct pattern_list){ 0 };
}

static int pattern_list_init(struct pattern_list *l,
                             const ProtobufCBinaryData *patterns,
                             size_t n) {
        if (n == 0)
                return 0;
        if (n > LIMIT_PATTERNS)
                return CONTEXT_E_BADARGS;
        l->items = calloc(n, sizeof(*l->items));
        if (!l->items)
                return error_origin(ENOMEM);
        for (size_t i = 0; i < n; i++) {
                if (!pattern_is_valid(patterns[i].data, patterns[i].len))
                        return CONTEXT_E_BADARGS;
                l->items[i].bytes = malloc(patterns[i].len);
                if (!l->items[i].bytes)
                        return error_origin(ENOMEM);
                memcpy(l->items[i].bytes, patterns[i].data, patterns[i].len);
                l->items[i].len = patterns[i].len;
                l->n_items++;
        }
        return 0;
}

static struct context *context_free(struct context *c) {
        if (!c)
                return NULL;
        assert(list_is_empty(&c->holders));
        list_remove(&c->owner_link);
        pattern_list_deinit(&c->allow);
        pattern_list_deinit(&c->deny);
        pattern_list_deinit(&c->bind);
        table_deinit(&c->bindings);
        context_unref(c->to);
        free(c);
        return NULL;
}

static struct context *context_alloc(struct router *r) {
        struct context *c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        c->router = r;
        c->n_refs = 1;
        list_init(&c->owner_link);
        list_init(&c->holders);
        table_init(&c->bindings);
        return c;
}

struct context *context_ref(struct context *c) {
        c->n_refs++;
        return c;
}

struct context *context_unref(struct context *c) {
        if (c && --c->n_refs == 0)
                context_free(c);
        return NULL;
}
DEFINE_CLEANUP(struct context *, context_unref)

int context_new_native(struct context **ret, struct router *r) {
        struct context *c = context_alloc(r);
        if (!c)
                return error_origin(ENOMEM);
        *ret = c;
        return 0;
}

static size_t context_chain_length(const struct context *c) {
        size_t n = 0;
        for (; c; c = c->to)
                n++;
        return n;
}

/* The deriving process can pass on no more than its handle on `to` allows. */
static int context_set_to(struct context *c, struct peer *owner, const Thox__Routing *routing) {
        struct handle *to = handle_find(owner, routing->to);
        if (!to || (to->rights & HANDLE_RIGHT_CALL) == 0)
                return CONTEXT_E_BADCTX;
        if (routing->n_bind > 0 && (to->rights & HANDLE_RIGHT_BIND) == 0)
                return CONTEXT_E_BADCTX;
        if (context_chain_length(to->context) >= LIMIT_CALL_HOPS)
                return CONTEXT_E_HOPS;
        c->to = context_ref(to->context);
        return 0;
}

static int context_set_routing(struct context *c,
                               struct peer *owner,
                               const Thox__Routing *routing) {
        if (!routing || routing->mode == WIRE_ROUTING_MANUAL) {
                c->is_manual = true;
                return 0;
        }
        if (routing->mode != WIRE_ROUTING_TABLE)
                return CONTEXT_E_BADARGS;
        c->default_forward = routing->default_forward;
        int r = pattern_list_init(&c->allow, routing->allow, routing->n_allow);
        if (r == 0)
                r = pattern_list_init(&c->deny, routing->deny, routing->n_deny);
        if (r == 0)
                r = pattern_list_init(&c->bind, routing->bind, routing->n_bind);
        if (r == 0 && routing->to != 0)
                r = context_set_to(c, owner, routing);
        return r;
}

int context_new(struct peer *owner, const Thox__Routing *routing, struct handle **ret) {
        size_t limit = owner->role == PEER_ROLE_DAEMON ? LIMIT_CONTEXTS_OWNED_DAEMON :
                                                         LIMIT_CONTEXTS_OWNED;
        if (owner->n_contexts >= limit)
                return CONTEXT_E_LIMIT;
        struct context *c CLEANUP(context_unrefp) = context_alloc(owner->router);
        if (!c)
                return error_origin(ENOMEM);
        int r = context_set_routing(c, owner, routing);
        if (r != 0)
                return r;
        struct handle *h;
        r = handle_give(owner, c, HANDLE_RIGHTS_ALL, &h);
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
        call_drop_context(held);
        size_t at = 0;
        for (struct binding *b; (b = table_next(&held->bindings, &at));)
                binding_drop(b);
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
