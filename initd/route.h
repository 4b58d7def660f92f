/*
 * route.h - (context, name) to a target or a refusal. No I/O, no allocation, nobody woken, nothing
 * changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/limits.h"

struct binding;
struct context;
struct peer;

enum route_result {
        ROUTE_BINDING, /* ret->binding serves it */
        ROUTE_OWNER,   /* ret->context is manual: its owner gets the call */
        ROUTE_NOTBOUND,
        ROUTE_DENIED,
        ROUTE_DEAD, /* a context on the way is dead */
        ROUTE_HOPS, /* the chain is longer than LIMIT_CALL_HOPS */
};

struct route {
        struct binding *binding;
        struct context *context; /* where it ended */
        bool is_fixed;           /* through a connection: no other of a group takes its place */
        bool is_logged;          /* some context on the way has a log */
        const uint8_t *name;     /* what it is called there; borrowed, or in `renamed` */
        size_t name_len;
        uint8_t renamed[LIMIT_NAME_BYTES];
};

/* The route points into itself: it is not to be copied. */
enum route_result route_call(struct context *c, const void *name, size_t len, struct route *ret);
/* Where a bind by `holder` through `c` lands: ROUTE_OWNER stands for "in ret->context". */
enum route_result route_bind(struct context *c,
                             const struct peer *holder,
                             const void *name,
                             size_t len,
                             struct route *ret);
/* The same for pushes and for listening; a queue that the owner of a context on the way listens to takes
 * the push. */
enum route_result route_push(struct context *c,
                             const struct peer *holder,
                             const void *name,
                             size_t len,
                             struct route *ret);
enum route_result route_listen(struct context *c,
                               const struct peer *holder,
                               const void *name,
                               size_t len,
                               struct route *ret);
