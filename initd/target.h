/*
 * target.h - where a request goes: from a handle and a name of its sender's to who serves it, or to a
 * refusal with its sentence. Nothing is sent or allocated here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/route.h"
#include "libipc/status.h"

struct context;
struct peer;
struct wire_call;

struct target {
        struct context *
                context; /* that the request came through; of a connection, that it was made through */
        struct peer *server;           /* NULL: initd */
        uint32_t handle;               /* the server's number of the context */
        struct context *owner_context; /* the manual context it ended in */
        struct route route;            /* its binding is NULL in a manual context */
};

#define TARGET_MESSAGE_BYTES 512u

struct target_refusal {
        enum thox_status status;
        char message[TARGET_MESSAGE_BYTES];
};

/* Who serves `binding`; of the route nothing but that. */
void target_set(struct target *ret, struct context *c, struct binding *binding);
/* The handle, the right to call through it, the route. False: refused. `ret` is not to be copied. */
bool target_find(struct peer *sender,
                 const struct wire_call *request,
                 struct target *ret,
                 struct target_refusal *ret_refusal);
/* Whether its server may be given one more call, or `n_more` beyond the limit, by this caller. False:
 * refused. */
bool target_has_room(const struct target *target,
                     const struct peer *caller,
                     unsigned n_more,
                     struct target_refusal *ret_refusal);
