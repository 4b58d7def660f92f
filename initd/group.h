/*
 * group.h - several processes that serve the same name in a context, because each said when binding
 * it how they share it. The context's table has the first of them, the others follow it in a ring
 * (binding->group_link); a binding alone is its own ring,
 * and costs a call one comparison.
 */
#pragma once

#include <stdbool.h>

#include "initd/binding.h"

/* Whether `server` may join, with this policy: 0, or BINDING_E_EXISTS_* (the policy in force),
 * BINDING_E_TWICE, BINDING_E_CROWDED. */
int group_check(struct binding *first, const struct peer *server, enum binding_conflict conflict);
/* The one of them that is this server's, or NULL. */
struct binding *group_find_of(struct binding *first, const struct peer *server);
void group_join(struct binding *first, struct binding *b);
/* True: nobody else serves the name, and it is out of the table. */
bool group_leave(struct binding *b);

static inline bool group_is_single(const struct binding *b) {
        return list_is_empty(&b->group_link);
}
/* The ring, from first to first. */
struct binding *group_next(const struct binding *b);
/* Whether its server may be given a call at all. */
bool group_has_room(const struct binding *b);
/* `b` has got a call: in a balanced group it is the next one's turn. */
void group_turn(struct binding *b);
/* In a fallback group, the first that was bound after `serial` and has room; NULL: there is none. */
struct binding *group_find_after(struct binding *first, uint64_t serial);
