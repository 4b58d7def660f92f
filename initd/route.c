/*
 * route.c - see route.h. A chain of derived contexts is walked here in one step; the order of the
 * questions at each context is the policy (docs/PROTOCOL.md, "Contexts").
 */
#include "initd/route.h"

#include <stdbool.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "initd/queue.h"

static bool route_forwards(const struct context *c, const void *name, size_t len) {
        return c->default_forward || pattern_list_matches(&c->allow, name, len);
}

enum route_result route_call(struct context *c, const void *name, size_t len, struct route *ret) {
        for (;;) {
                ret->context = c;
                ret->binding = NULL;
                if (c->is_dead)
                        return ROUTE_DEAD;
                if (c->is_manual)
                        return ROUTE_OWNER;
                if (pattern_list_matches(&c->deny, name, len))
                        return ROUTE_DENIED;
                ret->binding = binding_find(c, name, len);
                if (ret->binding)
                        return ROUTE_BINDING;
                if (!c->to)
                        return ROUTE_NOTBOUND;
                if (!route_forwards(c, name, len))
                        return ROUTE_DENIED;
                c = c->to;
        }
}

/* What a holder may do in a context beside calling. */
enum route_use {
        ROUTE_USE_BIND,
        ROUTE_USE_PUSH,
        ROUTE_USE_LISTEN,
};

static bool route_grants(const struct context *c,
                         enum route_use use,
                         const void *name,
                         size_t len) {
        if (use == ROUTE_USE_BIND)
                return !c->is_manual && pattern_list_matches(&c->bind, name, len);
        return pattern_list_matches(use == ROUTE_USE_PUSH ? &c->push : &c->listen, name, len);
}

static enum route_result route_place(struct context *c,
                                     const struct peer *holder,
                                     enum route_use use,
                                     const void *name,
                                     size_t len,
                                     struct route *ret) {
        for (;;) {
                ret->context = c;
                ret->binding = NULL;
                if (c->is_dead)
                        return ROUTE_DEAD;
                bool is_native = !c->owner;
                if (is_native || c->owner == holder)
                        return ROUTE_OWNER;
                if (!route_grants(c, use, name, len))
                        return ROUTE_DENIED;
                if (!c->to || (use == ROUTE_USE_PUSH && queue_is_heard_by_owner(c, name, len)))
                        return ROUTE_OWNER;
                c = c->to;
        }
}

enum route_result route_bind(struct context *c,
                             const struct peer *holder,
                             const void *name,
                             size_t len,
                             struct route *ret) {
        return route_place(c, holder, ROUTE_USE_BIND, name, len, ret);
}

enum route_result route_push(struct context *c,
                             const struct peer *holder,
                             const void *name,
                             size_t len,
                             struct route *ret) {
        return route_place(c, holder, ROUTE_USE_PUSH, name, len, ret);
}

enum route_result route_listen(struct context *c,
                               const struct peer *holder,
                               const void *name,
                               size_t len,
                               struct route *ret) {
        return route_place(c, holder, ROUTE_USE_LISTEN, name, len, ret);
}
