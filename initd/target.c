/*
 * target.c - see target.h. Order of checks: handle, right, route, name; limits apart.
 */
#include "initd/target.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/context.h"
#include "initd/group.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "libipc/name.h"

#define TARGET_TOO_FAR "leads through more than 16 contexts (limit LIMIT_CALL_HOPS)"
static_assert(LIMIT_CALL_HOPS == 16, "TARGET_TOO_FAR names it");

PRINTF_LIKE(3, 4)
static bool target_refuse(struct target_refusal *refusal,
                          enum thox_status status,
                          const char *fmt,
                          ...) {
        va_list args;
        va_start(args, fmt);
        refusal->status = status;
        vsnprintf(refusal->message, sizeof(refusal->message), fmt, args);
        va_end(args);
        return false;
}

static bool target_refuse_name(struct target_refusal *refusal,
                               enum thox_status status,
                               const struct wire_call *request,
                               const char *what) {
        return target_refuse(refusal, status, "'%.*s' %s", (int)request->name_len,
                             (const char *)request->name, what);
}

void target_set(struct target *ret, struct context *c, struct binding *binding) {
        ret->context = c;
        ret->server = binding->server;
        ret->handle = binding->server_handle;
        ret->owner_context = NULL;
        ret->route.binding = binding;
}

/* Of several that serve the name, who gets this call. When nobody has room, the first is to refuse. */
static void target_choose(struct target *ret, const struct peer *sender, struct binding *first) {
        struct target_refusal unused;
        struct binding *b = first;
        target_set(ret, ret->context, first);
        if (group_is_single(first) || first->conflict == BINDING_CONFLICT_ALTERNATIVE)
                return;
        do {
                target_set(ret, ret->context, b);
                if (group_has_room(b) && target_has_room(ret, sender, 0, &unused)) {
                        group_turn(b);
                        return;
                }
                b = group_next(b);
        } while (b != first);
        target_set(ret, ret->context, first);
}

static bool target_find_in(struct context *c,
                           const struct peer *sender,
                           const struct wire_call *request,
                           struct target *ret,
                           struct target_refusal *refusal) {
        struct route *route = &ret->route;
        enum route_result result = route_call(c, request->name, request->name_len, route);
        ret->context = c->connected ? c->routing.to : c;
        ret->owner_context = NULL;
        if (result == ROUTE_BINDING) {
                if (route->is_fixed)
                        target_set(ret, ret->context, route->binding);
                else
                        target_choose(ret, sender, route->binding);
                return true;
        }
        if (result == ROUTE_DEAD)
                return target_refuse(refusal, STATUS_DEAD, "the context's owner is gone");
        if (!name_is_valid(request->name, request->name_len))
                return target_refuse(refusal, STATUS_BADARGS,
                                     "not a valid endpoint name (1 to 128 bytes of UTF-8, no "
                                     "control bytes, '/' or '#', no leading '@')");
        if (result == ROUTE_OWNER) {
                ret->server = route->context->owner;
                ret->handle = route->context->owner_handle;
                ret->owner_context = route->context;
                return true;
        }
        if (result == ROUTE_NOTBOUND)
                return target_refuse_name(refusal, STATUS_NOTBOUND, request,
                                          "is not bound: nobody serves it");
        if (result == ROUTE_DENIED)
                return target_refuse_name(refusal, STATUS_DENIED, request,
                                          "is not granted by this context");
        return target_refuse_name(refusal, STATUS_DENIED, request, TARGET_TOO_FAR);
}

bool target_find(struct peer *sender,
                 const struct wire_call *request,
                 struct target *ret,
                 struct target_refusal *ret_refusal) {
        const struct handle *h = handle_find(sender, request->handle);
        ret->context = NULL;
        ret->route.is_logged = false;
        if (!h)
                return target_refuse(ret_refusal, STATUS_BADCTX, "no such context in this process");
        if ((h->rights & HANDLE_RIGHT_CALL) == 0)
                return target_refuse(ret_refusal, STATUS_DENIED,
                                     "no right to call through this handle");
        return target_find_in(h->context, sender, request, ret, ret_refusal);
}

/* How many of the caller's unanswered calls are here. */
static size_t target_count_pair(const struct target *target, const struct peer *caller) {
        size_t n = 0;
        list_for_each(node, &caller->calls_made) {
                const struct call *call = container_of(node, struct call, made_link);
                n += target->owner_context ? call->owner_context == target->owner_context :
                                             call->binding == target->route.binding;
        }
        return n;
}

static bool target_refuse_service(struct target_refusal *refusal,
                                  const struct target *target,
                                  size_t n,
                                  unsigned limit) {
        const char *which = limit == LIMIT_CALLS_PER_SERVICE ? "LIMIT_CALLS_PER_SERVICE" :
                            limit == LIMIT_CALLS_PER_SERVER  ? "LIMIT_CALLS_PER_SERVER" :
                            limit == LIMIT_CALLS_PER_DAEMON  ? "LIMIT_CALLS_PER_DAEMON" :
                                                               "of its bind";
        if (target->owner_context)
                return target_refuse(refusal, STATUS_BUSY,
                                     "%zu calls in this context are unanswered (limit %s %u)", n,
                                     which, limit);
        return target_refuse(refusal, STATUS_BUSY, "%zu calls to '%s' are unanswered (limit %s %u)",
                             n, target->route.binding->name, which, limit);
}

/* Only who has many calls at a service that has many can have too many there: others are not counted. */
static bool target_has_room_for(const struct target *target,
                                const struct peer *caller,
                                size_t n,
                                unsigned limit,
                                struct target_refusal *refusal) {
        if (n < limit || caller->n_calls_made < limit || caller->role == PEER_ROLE_DAEMON ||
            target_count_pair(target, caller) < limit)
                return true;
        return target_refuse(refusal, STATUS_BUSY,
                             "%u calls of this process to this service are unanswered "
                             "(limit LIMIT_CALLS_PER_PAIR %u)",
                             limit, LIMIT_CALLS_PER_PAIR);
}

bool target_has_room(const struct target *target,
                     const struct peer *caller,
                     unsigned n_more,
                     struct target_refusal *ret_refusal) {
        const struct peer *server = target->server;
        if (!server)
                return true;
        bool is_manual = target->owner_context != NULL;
        size_t n = is_manual ? target->owner_context->n_unanswered :
                               target->route.binding->n_unanswered;
        bool is_daemon = server->role == PEER_ROLE_DAEMON;
        unsigned limit = !is_manual ? target->route.binding->limit :
                         is_daemon  ? LIMIT_CALLS_PER_DAEMON :
                                      LIMIT_CALLS_PER_SERVICE;
        if (server->n_calls_served >= peer_calls_limit(server))
                return target_refuse(ret_refusal, STATUS_BUSY,
                                     "the server has %zu unanswered calls "
                                     "(limit LIMIT_CALLS_PER_%s %u)",
                                     server->n_calls_served, is_daemon ? "DAEMON" : "SERVER",
                                     peer_calls_limit(server));
        if (n >= limit && n_more == 0)
                return target_refuse_service(ret_refusal, target, n, limit);
        return target_has_room_for(target, caller, n, LIMIT_CALLS_PER_PAIR + n_more, ret_refusal);
}
