/*
 * target.c - see target.h. Order of checks: handle, right, route, name; limits apart.
 */
#include "initd/target.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "initd/binding.h"
#include "initd/context.h"
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

static bool target_find_in(struct context *c,
                           const struct wire_call *request,
                           struct target *ret,
                           struct target_refusal *refusal) {
        struct route *route = &ret->route;
        enum route_result result = route_call(c, request->name, request->name_len, route);
        ret->context = c;
        ret->owner_context = NULL;
        if (result == ROUTE_BINDING) {
                route->binding->n_calls++;
                ret->server = route->binding->server;
                ret->handle = route->binding->server_handle;
                return true;
        }
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
        if (result == ROUTE_HOPS)
                return target_refuse_name(refusal, STATUS_DENIED, request, TARGET_TOO_FAR);
        return target_refuse(refusal, STATUS_DEAD, "the context's owner is gone");
}

bool target_find(struct peer *sender,
                 const struct wire_call *request,
                 struct target *ret,
                 struct target_refusal *ret_refusal) {
        const struct handle *h = handle_find(sender, request->handle);
        if (!h)
                return target_refuse(ret_refusal, STATUS_BADCTX, "no such context in this process");
        if ((h->rights & HANDLE_RIGHT_CALL) == 0)
                return target_refuse(ret_refusal, STATUS_DENIED,
                                     "no right to call through this handle");
        return target_find_in(h->context, request, ret, ret_refusal);
}

bool target_has_room(const struct target *target, struct target_refusal *ret_refusal) {
        const struct peer *server = target->server;
        if (server && server->n_calls_served >= LIMIT_CALLS_PER_SERVER)
                return target_refuse(ret_refusal, STATUS_BUSY,
                                     "the server has %u unanswered calls "
                                     "(limit LIMIT_CALLS_PER_SERVER %u)",
                                     (unsigned)server->n_calls_served, LIMIT_CALLS_PER_SERVER);
        return true;
}
