/*
 * handle.h - what a process holds: its own small number for a context, with rights.
 *
 * Numbers are those of the wire (1 is the default context). A number is not given out again before
 * all others have been, so that an event already on its way never names something else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/limits.h"

struct context;
struct peer;

enum handle_right {
        HANDLE_RIGHT_CALL = 1u << 0,
        HANDLE_RIGHT_BIND = 1u << 1,
        HANDLE_RIGHT_PUSH = 1u << 2,
        HANDLE_RIGHT_LISTEN = 1u << 3,
        HANDLE_RIGHT_SHARE = 1u << 4,
        HANDLE_RIGHT_SIGNAL = 1u << 5,
        HANDLE_RIGHTS_ALL = (1u << 6) - 1,
};

/* Owned by its peer's table; linked in the context's holders. Holds a reference to the context. */
struct handle {
        struct peer *peer;
        struct context *context;
        uint32_t number, rights;
        struct list holder_link;
        struct list bindings; /* struct binding made through it: they end with it */
};

struct handle_table {
        struct handle **slots; /* index: number - 1 */
        size_t n_slots, n_used, next, max;
};

/* `max` handles at most: a power of two. */
void handle_table_init(struct handle_table *t, size_t max);
/* All handles must have been removed. */
void handle_table_deinit(struct handle_table *t);

enum handle_error {
        HANDLE_OK = 0,
        HANDLE_E_LIMIT = 1, /* LIMIT_HANDLES */
};

/* Gives `p` a new handle, with its own reference to the context; the owner of a context gets its
 * own handle back instead. */
int handle_give(struct peer *p, struct context *c, uint32_t rights, struct handle **ret);
/* The same for what `p` did not ask for: only up to LIMIT_HANDLES_PUSHED, so that nobody can fill the
 * table of another. */
int handle_push(struct peer *p, struct context *c, uint32_t rights, struct handle **ret);
/* Handle 1 of a fresh peer. */
int handle_give_default(struct peer *p, struct context *c, uint32_t rights);
/* NULL when the process has no such handle. */
struct handle *handle_find(const struct peer *p, uint32_t number);
/* Takes it from the table and frees it, with what its peer listens to through it; tells nobody
 * (context.h does). */
void handle_remove(struct handle *h);
