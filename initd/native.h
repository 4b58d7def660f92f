/*
 * native.h - endpoints that initd itself serves, as tables: name, handler, usage. Handlers decode
 * their arguments with value.h, like any daemon.
 */
#pragma once

#include <stdbool.h>

#include "initd/call.h"

struct native_request {
        struct router *router;
        struct peer *caller;     /* never NULL */
        struct context *context; /* the context the call came through */
        struct call *call;       /* NULL: one-way, no answer possible */
        struct value_reader args;
        const struct wire_cap *caps; /* the caller's handle numbers */
        size_t n_caps;
};

struct native_endpoint {
        const char *name;
        /* Answers with native_answer/native_refuse now, or keeps request->call and answers it later
         * (then sets call->on_drop). The request itself dies when the handler returns. */
        void (*handler)(struct native_request *request);
        const char *usage;
        bool is_daemon; /* a daemon binds this name; the handler answers while it is away */
        /* Nothing is done with the caller's authority: whoever it calls may forward the call here. */
        bool is_forwardable;
};

/* `values` NULL: no values. With call NULL nothing happens. */
void native_answer(struct call *call, const struct buf *values);
void native_refuse(struct call *call, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/* Binds a table's endpoints in the native context. */
int native_register(struct router *r, const struct native_endpoint *endpoints, size_t n);

/* The cap `index` of the request as the caller's handle; NULL when there is none. */
struct handle *native_cap(const struct native_request *request, uint32_t index);

/* For call.c: frames of a call that initd serves, and of an answer to a call it made. */
void native_on_request(struct call *call, struct wire_frame *frame);
void native_on_oneway(struct peer *caller,
                      struct context *context,
                      const struct native_endpoint *endpoint,
                      struct wire_frame *frame);
void native_on_answer(struct call *call, struct peer *server, struct wire_frame *frame);
