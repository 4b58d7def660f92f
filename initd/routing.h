/*
 * routing.h - the policy of a context: what its owner said about the calls and binds made through it.
 * Made whole from a frame, so that a context has either the old one or the new one (os.route). How it
 * is applied is in route.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/pattern.h"
#include "libipc/base/macros.h"
#include "proto/frame.pb-c.h"

struct context;
struct peer;

/* What is called `from` here is called `to` from here on. Both are names, or both are prefixes
 * without their '*': what follows the prefix stays. */
struct renaming {
        uint8_t *from, *to;
        size_t from_len, to_len;
        bool is_prefix;
};

struct routing {
        bool is_manual; /* every call goes to the owner */
        bool default_forward;
        struct pattern_list allow, deny, bind, push, listen;
        size_t log_len;             /* 0: none */
        char log[LIMIT_NAME_BYTES]; /* queue that gets copies of the calls (trace.h) */
        struct renaming *renamings; /* names first, then prefixes, the longest first */
        size_t n_renamings;
        struct context *to; /* reference; NULL: a namespace of its own */
};

enum routing_error {
        ROUTING_OK = 0,
        ROUTING_E_BADARGS = 1, /* mode, pattern, number of patterns */
        ROUTING_E_MAP = 2,     /* a renaming */
        ROUTING_E_BADCTX = 3,  /* `to` is no handle of the owner */
        ROUTING_E_HOPS = 4,    /* the chain would exceed LIMIT_CALL_HOPS */
        ROUTING_E_LOOP = 5,    /* the chain would lead back to the context itself */
        ROUTING_E_LOG = 6,     /* no name of a queue */
};

/* From a frame of `owner`; `message` NULL: manual. `context` is the one it is for, NULL when that is
 * new. Failing leaves nothing to release. */
int routing_init(struct routing *ret,
                 struct peer *owner,
                 const struct context *context,
                 const Thox__Routing *message);
void routing_deinit(struct routing *routing);
