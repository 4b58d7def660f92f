/*
 * route.c - see route.h. A chain of derived contexts is walked here in one step; the order of the
 * questions at each context is the policy (docs/PROTOCOL.md, "Contexts").
 */
#include "initd/route.h"

#include <stdbool.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "libipc/name.h"

static bool pattern_list_matches(const struct pattern_list *l, const void *name, size_t len) {
        for (size_t i = 0; i < l->n_items; i++)
                if (pattern_matches(l->items[i].bytes, l->items[i].len, name, len))
                        return true;
        return false;
}

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

enum route_result route_bind(struct context *c,
                             const struct peer *holder,
                             const void *name,
                             size_t len,
                             struct route *ret) {
        for (;;) {
                ret->context = c;
                ret->binding = NULL;
                if (c->is_dead)
                        return ROUTE_DEAD;
                if (c->owner == holder)
                        return ROUTE_OWNER;
                if (c->is_manual)
                        return ROUTE_DENIED;
                bool is_native = !c->owner;
                if (is_native)
                        return ROUTE_OWNER;
                if (!pattern_list_matches(&c->bind, name, len))
                        return ROUTE_DENIED;
                if (!c->to)
                        return ROUTE_OWNER;
                c = c->to;
        }
}
