/*
 * service.h - skeleton of a daemon beside initd (storaged, runtimed): one connection to initd on
 * descriptor 3, Hello and Welcome, a table of endpoints bound in the native context, answers,
 * cancels, calls of its own. Daemon code sees neither frames nor sockets.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/conn.h"
#include "libipc/loop.h"
#include "libipc/status.h"
#include "libipc/value.h"

#define SERVICE_FD 3
#define SERVICE_NATIVE_HANDLE 1u

struct service;

/* One call being served. Owned by the service; alive until answered (request_answer_*) or until
 * its cancel callback returns. */
struct request {
        struct service *service;
        uint64_t cid;
        uint32_t pid, uid;      /* the caller, stamped by initd */
        uint32_t handle;        /* our number of the context it came through */
        bool is_oneway, is_cancelled;
        struct value_reader args; /* positioned at the first value */
        const struct wire_cap *caps; /* handles that came with the arguments, our numbers */
        size_t n_caps;
        void *context;          /* of the context object, see service_context_new; NULL: native */
        void *userdata;         /* the endpoint's own, for answers given later */
        void (*on_cancel)(struct request *request);
        struct buf values;      /* the assembled arguments; private */
        struct list link;       /* private */
};

/* The endpoint must answer now or keep the request and answer later, exactly once. */
typedef void endpoint_fn(struct request *request);

struct endpoint {
        const char *name;
        endpoint_fn *handler;
        const char *usage; /* "name [version] -> bytes, version" */
};

struct service {
        struct loop *loop;
        struct conn conn;
        struct conn_scratch scratch;
        struct loop_io io;
        struct loop_later flush;
        const char *name;
        const struct endpoint *endpoints;
        size_t n_endpoints;
        uint32_t pid, generation, next_seq;
        struct list requests;
        struct table *private_calls;
        void *userdata; /* the daemon's own struct */
        int (*on_ready)(struct service *service); /* after Welcome and all binds, once */
        /* somebody else gave pid a handle to a context of ours; NULL when nobody cares */
        void (*on_opened)(struct service *service, void *context, uint32_t pid);
        /* pid closed (or lost) its handle to a context of ours */
        void (*on_closed)(struct service *service, void *context, uint32_t pid);
        struct table *private_contexts;
};

/* Connects to initd on SERVICE_FD, says Hello, binds every endpoint. Losing initd stops the loop
 * with -ECONNRESET: a daemon never outlives its tree. */
int service_init(struct service *s, struct loop *loop, const char *name,
                 const struct endpoint *endpoints, size_t n_endpoints, void *userdata);
void service_deinit(struct service *s);

/* Answers; the request is gone afterwards. `values` is a CBOR sequence or empty. */
void request_answer(struct request *request, enum thox_status status, const struct buf *values);
/* Anything but OK, with a message for people. */
void request_fail(struct request *request, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* OK with values, descriptors (borrowed) and handles of ours to give away. */
void request_answer_with(struct request *request, const struct buf *values, const int *fds,
                         size_t n_fds, const struct wire_cap *caps, size_t n_caps);

/* A call of our own through the native context. `done` runs exactly once, never inside this
 * function; the reader and descriptors are valid during it. */
typedef void service_done_fn(struct service *s, void *userdata, enum thox_status status,
                             struct value_reader *values);
int service_call(struct service *s, const char *name, const struct buf *values,
                 service_done_fn *done, void *userdata);

/* A context owned by this daemon (manual mode: every call through it comes here, to the same
 * endpoint table, with request->context set). `done` gets our handle number, 0 on failure. */
typedef void service_context_fn(struct service *s, void *context, uint32_t handle);
int service_context_new(struct service *s, void *context, service_context_fn *done);
void service_context_close(struct service *s, uint32_t handle);
