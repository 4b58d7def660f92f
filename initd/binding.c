/*
 * binding.c - see binding.h. A daemon's name exists from the start with a native handler; the daemon's
 * bind puts itself in front of it, and its end uncovers it again.
 */
#include "initd/binding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initd/connection.h"
#include "initd/context.h"
#include "initd/fault.h"
#include "initd/group.h"
#include "initd/native.h"
#include "initd/peer.h"
#include "initd/route.h"
#include "initd/router.h"
#include "initd/run_properties.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

/* In no table yet. The usage lies behind the name. */
static struct binding *binding_new(struct context *c, const Thox__Bind *request) {
        const ProtobufCBinaryData *name = &request->name, *usage = &request->usage;
        struct binding *b = calloc(1, sizeof(*b) + name->len + 1 + usage->len + 1);
        if (!b)
                return NULL;
        b->context = c;
        b->conflict = (enum binding_conflict)request->conflict;
        b->name_len = name->len;
        memcpy(b->name, name->data, name->len);
        if (usage->len > 0) {
                char *copy = b->name + name->len + 1;
                memcpy(copy, usage->data, usage->len);
                b->usage = copy;
        }
        list_init(&b->server_link);
        list_init(&b->through_link);
        list_init(&b->group_link);
        list_init(&b->connections);
        route_cache_forget(&c->router->routes);
        return b;
}

/* Into the table; on failure `b` is gone. */
static int binding_place(struct binding *b) {
        int r = table_add_name(&b->context->bindings, b->name, b->name_len, b);
        if (r < 0)
                free(b);
        return error_trace(r);
}

int binding_add_native(struct context *c, const struct native_endpoint *endpoint) {
        Thox__Bind request = THOX__BIND__INIT;
        request.name = wire_bytes(endpoint->name, strlen(endpoint->name));
        struct binding *b = binding_new(c, &request);
        if (!b)
                return error_origin(ENOMEM);
        b->native = endpoint;
        b->usage = endpoint->usage;
        return error_trace(binding_place(b));
}

/* Daemons answer everybody's calls, and soon: one process holds as many as all their names together. */
static uint32_t binding_default_limit(const struct peer *server) {
        return server->role == PEER_ROLE_DAEMON ? LIMIT_CALLS_PER_DAEMON : LIMIT_CALLS_PER_SERVICE;
}

static int binding_serve(struct binding *b,
                         struct handle *through,
                         uint32_t limit,
                         uint32_t *ret_sid) {
        struct peer *server = through->peer;
        int r = table_add_u64(&server->sids, server->next_sid + 1, b);
        if (r < 0)
                return error_trace(r);
        b->server = server;
        b->limit = limit != 0 ? limit : binding_default_limit(server);
        b->server_handle = through->number;
        b->sid = ++server->next_sid;
        b->serial = ++server->router->n_bound;
        list_add_tail(&server->bindings, &b->server_link);
        list_add_tail(&through->bindings, &b->through_link);
        server->n_bindings++;
        *ret_sid = b->sid;
        return 0;
}

/* A name of initd's own: only the daemon it is kept for takes its place. */
static int binding_add_daemon(struct binding *b,
                              struct handle *through,
                              const Thox__Bind *request,
                              uint32_t *ret_sid) {
        if (b->server)
                return BINDING_E_EXISTS;
        if (!b->native->is_daemon || through->peer->role != PEER_ROLE_DAEMON)
                return BINDING_E_DENIED;
        return error_trace(binding_serve(b, through, request->limit, ret_sid));
}

static int binding_add_in(struct context *c,
                          struct handle *through,
                          const Thox__Bind *request,
                          uint32_t *ret_sid) {
        struct binding *first = binding_find(c, request->name.data, request->name.len);
        if (first && first->native)
                return error_trace(binding_add_daemon(first, through, request, ret_sid));
        int r = 0;
        if (first)
                r = group_check(first, through->peer, (enum binding_conflict)request->conflict);
        if (r != 0)
                return r;
        struct binding *b = binding_new(c, request);
        if (!b)
                return error_origin(ENOMEM);
        if (first)
                group_join(first, b);
        else
                r = binding_place(b);
        if (r < 0)
                return error_trace(r);
        r = binding_serve(b, through, request->limit, ret_sid);
        if (r < 0)
                binding_drop(b);
        return error_trace(r);
}

int binding_add(struct handle *through, const Thox__Bind *request, uint32_t *ret_sid) {
        const ProtobufCBinaryData *name = &request->name, *usage = &request->usage;
        if (!name_is_valid(name->data, name->len))
                return BINDING_E_BADNAME;
        if (request->conflict >= _BINDING_CONFLICT_N || usage->len > LIMIT_USAGE_BYTES ||
            !line_is_valid(usage->data, usage->len))
                return BINDING_E_BADARGS;
        if (request->limit > LIMIT_CALLS_PER_SERVER)
                return BINDING_E_BADLIMIT;
        if (!run_properties_may_bind(through->peer, name->data, name->len))
                return BINDING_E_LIMITED;
        if ((through->rights & HANDLE_RIGHT_BIND) == 0)
                return BINDING_E_DENIED;
        if (through->peer->n_bindings >= LIMIT_BINDINGS)
                return BINDING_E_LIMIT;
        struct route route;
        if (route_bind(through->context, through->peer, name->data, name->len, &route) !=
            ROUTE_OWNER)
                return BINDING_E_DENIED;
        bool is_kept = route.context == route.context->router->native &&
                       fault_is_service(name->data, name->len);
        if (is_kept && through->peer->uid != 0)
                return BINDING_E_DENIED;
        return error_trace(binding_add_in(route.context, through, request, ret_sid));
}

void binding_drop(struct binding *b) {
        connection_drop_all(b);
        if (b->server) {
                table_remove_u64(&b->server->sids, b->sid);
                list_remove(&b->server_link);
                list_remove(&b->through_link);
                b->server->n_bindings--;
                b->server = NULL;
        }
        if (b->native && !b->context->is_dead)
                return;
        group_leave(b);
        route_cache_forget(&b->context->router->routes);
        b->is_dropped = true;
        if (b->n_unanswered == 0)
                free(b);
}

void binding_charge(struct binding *b) {
        b->n_unanswered++;
}

void binding_discharge(struct binding *b) {
        if (--b->n_unanswered == 0 && b->is_dropped)
                free(b);
}

void binding_drop_in(struct context *c) {
        size_t at = 0;
        for (struct binding *first; (first = table_next(&c->bindings, &at));) {
                list_for_each_safe(node, &first->group_link)
                        binding_drop(container_of(node, struct binding, group_link));
                binding_drop(first);
        }
}

int binding_remove_sid(struct peer *server, uint32_t sid) {
        struct binding *b = table_find_u64(&server->sids, sid);
        if (!b)
                return BINDING_E_NOTBOUND;
        binding_drop(b);
        return 0;
}

int binding_remove_name(struct handle *through, const void *name, size_t len) {
        struct route route;
        if (route_bind(through->context, through->peer, name, len, &route) != ROUTE_OWNER)
                return BINDING_E_NOTBOUND;
        struct binding *first = binding_find(route.context, name, len);
        struct binding *b = first ? group_find_of(first, through->peer) : NULL;
        if (!b)
                return BINDING_E_NOTBOUND;
        binding_drop(b);
        return 0;
}

struct binding *binding_find(const struct context *c, const void *name, size_t len) {
        return table_find_name(&c->bindings, name, len);
}
