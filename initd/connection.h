/*
 * connection.h - a context in which every call goes to one binding, found once when it was made. It
 * has no owner: it ends with the binding, and no call passes when a context on the way to that, as it
 * was then, has been closed.
 */
#pragma once

#include <stddef.h>

#include "initd/target.h"

struct binding;
struct context;
struct handle;

enum connection_error {
        CONNECTION_OK = 0,
        CONNECTION_E_REFUSED = 1, /* *ret_refusal says why */
};

/* To who serves the name in the handle's context now. The holder gets a handle to call through, and to
 * share if it may share that one. Counts as one of the server's LIMIT_CONNECTIONS. */
int connection_open(struct handle *through,
                    const void *name,
                    size_t len,
                    struct handle **ret,
                    struct target_refusal *ret_refusal);
/* For context.c: nobody holds it any more. */
void connection_detach(struct context *c);
/* For binding.c: the binding ends, all connections hang up. */
void connection_drop_all(struct binding *b);
