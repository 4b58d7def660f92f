/*
 * binding.c - see binding.h. A daemon's name exists from the start with a native handler; the daemon's
 * bind puts itself in front of it, and its end uncovers it again.
 */
#include "initd/binding.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/native.h"
#include "initd/peer.h"
#include "initd/route.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

static int binding_new(struct binding **ret, struct context *c, const void *name, size_t len) {
        struct binding *b = calloc(1, sizeof(*b) + len + 1);
        if (!b)
                return error_origin(ENOMEM);
        b->context = c;
        b->name_len = len;
        memcpy(b->name, name, len);
        list_init(&b->server_link);
        int r = table_add_name(&c->bindings, b->name, b->name_len, b);
        if (r < 0) {
                free(b);
                return error_trace(r);
        }
        *ret = b;
        return 0;
}

int binding_add_native(struct context *c, const struct native_endpoint *endpoint) {
        struct binding *b;
        int r = binding_new(&b, c, endpoint->name, strlen(endpoint->name));
        if (r < 0)
                return error_trace(r);
        b->native = endpoint;
        return 0;
}

/* Daemons answer everybody's calls, and soon: one process holds as many as all their names together. */
static uint32_t binding_default_limit(const struct peer *server) {
        return server->role == PEER_ROLE_DAEMON ? LIMIT_CALLS_PER_SERVER : LIMIT_CALLS_PER_SERVICE;
}

static void binding_serve(struct binding *b,
                          struct handle *through,
                          uint32_t limit,
                          uint32_t *ret_sid) {
        struct peer *server = through->peer;
        b->server = server;
        b->limit = limit != 0 ? limit : binding_default_limit(server);
        b->server_handle = through->number;
        b->sid = ++server->next_sid;
        list_add_tail(&server->bindings, &b->server_link);
        server->n_bindings++;
        *ret_sid = b->sid;
}

static int binding_add_in(struct context *c,
                          struct handle *through,
                          const Thox__Bind *bind,
                          uint32_t *ret_sid) {
        struct binding *b = binding_find(c, bind->name.data, bind->name.len);
        if (b) {
                if (b->server)
                        return BINDING_E_EXISTS;
                if (!b->native->is_daemon || through->peer->role != PEER_ROLE_DAEMON)
                        return BINDING_E_DENIED;
        } else {
                int r = binding_new(&b, c, bind->name.data, bind->name.len);
                if (r < 0)
                        return error_trace(r);
        }
        binding_serve(b, through, bind->limit, ret_sid);
        return 0;
}

int binding_add(struct handle *through, const Thox__Bind *bind, uint32_t *ret_sid) {
        const void *name = bind->name.data;
        size_t len = bind->name.len;
        if (!name_is_valid(name, len))
                return BINDING_E_BADNAME;
        if (bind->limit > LIMIT_CALLS_PER_SERVER)
                return BINDING_E_BADLIMIT;
        if ((through->rights & HANDLE_RIGHT_BIND) == 0)
                return BINDING_E_DENIED;
        if (through->peer->n_bindings >= LIMIT_BINDINGS)
                return BINDING_E_LIMIT;
        struct route route;
        if (route_bind(through->context, through->peer, name, len, &route) != ROUTE_OWNER)
                return BINDING_E_DENIED;
        return error_trace(binding_add_in(route.context, through, bind, ret_sid));
}

void binding_drop(struct binding *b) {
        if (b->server) {
                list_remove(&b->server_link);
                b->server->n_bindings--;
                b->server = NULL;
        }
        if (b->native && !b->context->is_dead)
                return;
        struct binding *removed = table_remove_name(&b->context->bindings, b->name, b->name_len);
        assert(removed == b);
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

int binding_remove_sid(struct peer *server, uint32_t sid) {
        list_for_each(node, &server->bindings) {
                struct binding *b = container_of(node, struct binding, server_link);
                if (b->sid == sid) {
                        binding_drop(b);
                        return 0;
                }
        }
        return BINDING_E_NOTBOUND;
}

int binding_remove_name(struct handle *through, const void *name, size_t len) {
        struct route route;
        if (route_bind(through->context, through->peer, name, len, &route) != ROUTE_OWNER)
                return BINDING_E_NOTBOUND;
        struct binding *b = binding_find(route.context, name, len);
        if (!b || b->server != through->peer)
                return BINDING_E_NOTBOUND;
        binding_drop(b);
        return 0;
}

struct binding *binding_find(const struct context *c, const void *name, size_t len) {
        return table_find_name(&c->bindings, name, len);
}
