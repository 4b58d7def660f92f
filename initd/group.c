/*
 * group.c - see group.h. Whoever is first in the table says how the ring is read: alternative, the
 * newest, with those it covers behind it; fallback, the oldest; balanced, whose turn it is.
 */
#include "initd/group.h"

#include <assert.h>

#include "initd/context.h"
#include "initd/peer.h"

struct binding *group_next(const struct binding *b) {
        return container_of(b->group_link.next, struct binding, group_link);
}

struct binding *group_find_of(struct binding *first, const struct peer *server) {
        struct binding *b = first;
        do {
                if (b->server == server)
                        return b;
                b = group_next(b);
        } while (b != first);
        return NULL;
}

static size_t group_count(const struct binding *first) {
        size_t n = 1;
        list_for_each(node, &first->group_link)
                n++;
        return n;
}

int group_check(struct binding *first, const struct peer *server, enum binding_conflict conflict) {
        if (group_find_of(first, server))
                return BINDING_E_TWICE;
        if (conflict == BINDING_CONFLICT_FAIL || conflict != first->conflict)
                return BINDING_E_EXISTS + (int)first->conflict;
        return group_count(first) < LIMIT_BINDING_GROUP ? 0 : BINDING_E_CROWDED;
}

static void group_set_first(struct binding *b) {
        table_replace_name(&b->context->bindings, b->name, b->name_len, b);
}

void group_join(struct binding *first, struct binding *b) {
        list_add_tail(&first->group_link, &b->group_link);
        if (b->conflict == BINDING_CONFLICT_ALTERNATIVE)
                group_set_first(b);
}

bool group_leave(struct binding *b) {
        if (list_is_empty(&b->group_link)) {
                struct binding *removed =
                        table_remove_name(&b->context->bindings, b->name, b->name_len);
                assert(removed == b);
                return true;
        }
        /* The table's key is the name in the first binding. */
        if (binding_find(b->context, b->name, b->name_len) == b)
                group_set_first(group_next(b));
        list_remove(&b->group_link);
        return false;
}

bool group_has_room(const struct binding *b) {
        const struct peer *server = b->server;
        return server->state == PEER_STATE_OPEN &&
               server->n_calls_served < peer_calls_limit(server) && b->n_unanswered < b->limit &&
               conn_pending(&server->conn) + LIMIT_FRAME_VALUES_BYTES <= LIMIT_OUT_CALLS_BYTES;
}

void group_turn(struct binding *b) {
        if (b->conflict == BINDING_CONFLICT_BALANCE)
                group_set_first(group_next(b));
}

struct binding *group_find_after(struct binding *first, uint64_t serial) {
        struct binding *b = first;
        if (first->conflict != BINDING_CONFLICT_FALLBACK)
                return NULL;
        do {
                if (b->serial > serial && group_has_room(b))
                        return b;
                b = group_next(b);
        } while (b != first);
        return NULL;
}
