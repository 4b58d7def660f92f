/*
 * route.c - see route.h. A chain of derived contexts is walked here in one step; the order of the
 * questions at each context is the policy (docs/PROTOCOL.md, "Contexts").
 */
#include "initd/route.h"

#include <stdbool.h>
#include <string.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/group.h"
#include "initd/peer.h"
#include "initd/queue.h"
#include "initd/route_cache.h"
#include "initd/router.h"

static bool renaming_matches(const struct renaming *renaming, const void *name, size_t len) {
        bool may_match =
                renaming->is_prefix ? len >= renaming->from_len : len == renaming->from_len;
        return may_match && memcmp(renaming->from, name, renaming->from_len) == 0;
}

static const struct renaming *route_find_renaming(const struct route *route) {
        const struct routing *routing = &route->context->routing;
        for (size_t i = 0; i < routing->n_renamings; i++)
                if (renaming_matches(&routing->renamings[i], route->name, route->name_len))
                        return &routing->renamings[i];
        return NULL;
}

/* A name of more than LIMIT_NAME_BYTES is nobody's. */
static bool route_rename(struct route *route, const struct renaming *renaming) {
        size_t n_kept = renaming->is_prefix ? route->name_len - renaming->from_len : 0;
        if (renaming->to_len + n_kept > sizeof(route->renamed))
                return false;
        memmove(route->renamed + renaming->to_len, route->name + route->name_len - n_kept, n_kept);
        memcpy(route->renamed, renaming->to, renaming->to_len);
        route->name = route->renamed;
        route->name_len = renaming->to_len + n_kept;
        return true;
}

static bool route_is_denied(const struct context *c, const struct route *route) {
        return pattern_list_matches(&c->routing.deny, route->name, route->name_len);
}

/* deny, map, deny again for the new name. */
static enum route_result route_enter(struct route *route) {
        const struct context *c = route->context;
        const struct renaming *renaming;
        if (route_is_denied(c, route))
                return ROUTE_DENIED;
        renaming = route_find_renaming(route);
        if (!renaming)
                return ROUTE_BINDING;
        if (!route_rename(route, renaming))
                return ROUTE_NOTBOUND;
        return route_is_denied(c, route) ? ROUTE_DENIED : ROUTE_BINDING;
}

static bool route_forwards(const struct route *route) {
        const struct routing *routing = &route->context->routing;
        return routing->default_forward ||
               pattern_list_matches(&routing->allow, route->name, route->name_len);
}

/* Closing a context that it was made through takes a connection back, like any other grant. */
static enum route_result route_connected(struct route *ret) {
        struct binding *b = ret->context->connected;
        const struct context *on_way = ret->context->routing.to;
        for (unsigned n_hops = 0; on_way; on_way = on_way->routing.to) {
                ret->is_logged |= on_way->routing.log_len != 0;
                if (on_way == b->context)
                        break;
                if (on_way->is_dead || ++n_hops == LIMIT_CALL_HOPS)
                        return ROUTE_DEAD;
        }
        ret->context = b->context;
        ret->binding = b;
        ret->is_fixed = true;
        ret->name = (const uint8_t *)b->name;
        ret->name_len = b->name_len;
        return ROUTE_BINDING;
}

static enum route_result route_walk(struct context *c,
                                    const void *name,
                                    size_t len,
                                    struct route *ret) {
        ret->name = name;
        ret->name_len = len;
        ret->is_logged = false;
        ret->is_fixed = false;
        for (unsigned n_hops = 0; n_hops < LIMIT_CALL_HOPS; n_hops++) {
                ret->context = c;
                ret->binding = NULL;
                ret->is_logged |= c->routing.log_len != 0;
                if (c->is_dead)
                        return ROUTE_DEAD;
                if (c->connected)
                        return route_connected(ret);
                if (c->routing.is_manual)
                        return ROUTE_OWNER;
                enum route_result entered = route_enter(ret);
                if (entered != ROUTE_BINDING)
                        return entered;
                ret->binding = binding_find(c, ret->name, ret->name_len);
                if (ret->binding)
                        return ROUTE_BINDING;
                if (!c->routing.to)
                        return ROUTE_NOTBOUND;
                if (!route_forwards(ret))
                        return ROUTE_DENIED;
                c = c->routing.to;
        }
        return ROUTE_HOPS;
}

/* One name, one server: what was renamed or logged on its way, or takes turns, is walked each time. */
static bool route_is_plain(const struct route *route, const void *name) {
        return route->name == name && !route->is_logged && group_is_single(route->binding);
}

enum route_result route_call(struct context *c, const void *name, size_t len, struct route *ret) {
        struct route_cache *cache = &c->router->routes;
        struct binding *known = c->connected ? NULL : route_cache_find(cache, c, name, len);
        if (known) {
                ret->context = known->context;
                ret->binding = known;
                ret->name = name;
                ret->name_len = len;
                ret->is_logged = false;
                ret->is_fixed = false;
                return ROUTE_BINDING;
        }
        enum route_result result = route_walk(c, name, len, ret);
        if (result == ROUTE_BINDING && route_is_plain(ret, name))
                route_cache_keep(cache, c, ret->binding);
        return result;
}

/* A log stays in its context: there it is listened to, and nobody else writes it. */
static bool route_is_log(const struct context *c, const void *name, size_t len) {
        return c->routing.log_len != 0 && c->routing.log_len == len &&
               memcmp(c->routing.log, name, len) == 0;
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
                return !c->routing.is_manual && pattern_list_matches(&c->routing.bind, name, len);
        return pattern_list_matches(use == ROUTE_USE_PUSH ? &c->routing.push : &c->routing.listen,
                                    name, len);
}

static enum route_result route_place(struct context *c,
                                     const struct peer *holder,
                                     enum route_use use,
                                     const void *name,
                                     size_t len,
                                     struct route *ret) {
        for (unsigned n_hops = 0; n_hops < LIMIT_CALL_HOPS; n_hops++) {
                ret->context = c;
                ret->binding = NULL;
                if (c->is_dead)
                        return ROUTE_DEAD;
                if (c->connected)
                        return ROUTE_DENIED;
                bool is_native = !c->owner;
                if (is_native || c->owner == holder)
                        return ROUTE_OWNER;
                if (!route_grants(c, use, name, len))
                        return ROUTE_DENIED;
                if (use != ROUTE_USE_BIND && route_is_log(c, name, len))
                        return use == ROUTE_USE_LISTEN ? ROUTE_OWNER : ROUTE_DENIED;
                if (!c->routing.to ||
                    (use == ROUTE_USE_PUSH && queue_is_heard_by_owner(c, name, len)))
                        return ROUTE_OWNER;
                c = c->routing.to;
        }
        return ROUTE_HOPS;
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
