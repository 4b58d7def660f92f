/*
 * connection.c - see connection.h.
 */
#include "initd/connection.h"

#include <stdio.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "libipc/base/error.h"
#include "libipc/wire.h"

static int connection_refuse(struct target_refusal *refusal,
                             enum thox_status status,
                             const char *message) {
        refusal->status = status;
        snprintf(refusal->message, sizeof(refusal->message), "%s", message);
        return CONNECTION_E_REFUSED;
}

static void connection_attach(struct context *c, struct binding *b, struct context *origin) {
        c->connected = b;
        c->routing.to = context_ref(origin);
        list_add_tail(&b->connections, &c->connection_link);
        if (b->server)
                b->server->n_connections++;
}

void connection_detach(struct context *c) {
        if (!c->connected)
                return;
        if (c->connected->server)
                c->connected->server->n_connections--;
        list_remove(&c->connection_link);
        c->connected = NULL;
}

void connection_drop_all(struct binding *b) {
        while (!list_is_empty(&b->connections)) {
                struct context *c =
                        container_of(b->connections.next, struct context, connection_link);
                connection_detach(c);
                context_kill(c);
        }
}

static int connection_new(struct peer *holder,
                          uint32_t rights,
                          const struct target *target,
                          struct handle **ret) {
        struct context *c = context_new_unowned(holder->router);
        if (!c)
                return error_origin(ENOMEM);
        connection_attach(c, target->route.binding, target->context);
        int r = handle_give(holder, c, rights, ret);
        context_unref(c);
        return error_trace(r);
}

int connection_open(struct handle *through,
                    const void *name,
                    size_t len,
                    struct handle **ret,
                    struct target_refusal *ret_refusal) {
        struct peer *holder = through->peer;
        const struct wire_call request = { .handle = through->number,
                                           .name = name,
                                           .name_len = len };
        struct target target;
        if (!target_find(holder, &request, &target, ret_refusal))
                return CONNECTION_E_REFUSED;
        if (!target.route.binding)
                return connection_refuse(ret_refusal, STATUS_NOTBOUND,
                                         "the context's owner takes its calls by hand: only names "
                                         "that are bound can be connected");
        if (target.server && target.server->n_connections >= LIMIT_CONNECTIONS)
                return connection_refuse(ret_refusal, STATUS_LIMIT,
                                         "the server has 4096 connections (LIMIT_CONNECTIONS)");
        static_assert(LIMIT_CONNECTIONS == 4096, "the message above names it");
        uint32_t rights = HANDLE_RIGHT_CALL | (through->rights & HANDLE_RIGHT_SHARE);
        int r = connection_new(holder, rights, &target, ret);
        if (r == HANDLE_E_LIMIT)
                return connection_refuse(ret_refusal, STATUS_LIMIT,
                                         "this process holds 1024 contexts (LIMIT_HANDLES)");
        return error_trace(r);
}
