/*
 * service.h - skeleton of a daemon beside initd (storaged, runtimed): one connection to initd on
 * descriptor 3, Hello and Welcome, a table of endpoints bound in the native context, answers,
 * cancels, calls of its own. Daemon code sees neither frames nor sockets.
 *
 * The caller of loop_run is the boundary that logs. Losing initd is the orderly end: a daemon never
 * outlives its tree, and the loop stops with 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/conn.h"
#include "libipc/loop.h"
#include "libipc/request.h"
#include "libipc/status.h"
#include "libipc/value.h"

#define SERVICE_FD 3
#define SERVICE_NATIVE_HANDLE 1u
/* Exit status: what I keep is damaged, the tree goes on without me. */
#define SERVICE_EXIT_DAMAGED 4

struct service;

/* The endpoint must answer now or keep the request and answer later, exactly once. */
typedef void endpoint_fn(struct request *request);

struct endpoint {
        const char *name;
        endpoint_fn *handler;
        const char *usage; /* "name [version] -> bytes, version" */
        bool takes_fd;     /* a descriptor comes with the arguments: request->fd */
};

/* Those of one kind of context. */
struct endpoint_table {
        const struct endpoint *endpoints;
        size_t n;
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
        void *userdata; /* the daemon's own struct */

        /* Optional; set before the loop runs. */
        int (*on_ready)(struct service *service); /* after Welcome and all binds, once */
        /* pid got a handle to a context of ours, or closed or lost it */
        void (*on_opened)(struct service *service, void *context, uint32_t pid);
        void (*on_closed)(struct service *service, void *context, uint32_t pid);

        /* private */
        struct table names;     /* name → struct endpoint */
        struct table contexts;  /* our handle → struct owned_context */
        struct table pending;   /* seq → struct pending */
        struct table requests;  /* cid → struct request, but one-way ones: it may be cancelled */
        struct list assembling; /* requests with frames to come */
        struct list backlog;    /* complete, waiting for room in the output */
        struct list running;    /* given to their handlers, unanswered */
        struct request *arriving; /* of the frame that is being looked at; in no table yet */
        size_t n_unbound;         /* binds without a reply yet */
        bool is_welcome, is_closing;
        int error; /* ends the loop at the end of the turn */
};

/* Takes the connection to initd on SERVICE_FD, says Hello; the rest happens in the loop. A bind
 * that initd refuses ends the loop with -EPROTO and a log line. */
int service_init(struct service *s,
                 struct loop *loop,
                 const char *name,
                 const struct endpoint *endpoints,
                 size_t n_endpoints,
                 void *userdata);
/* The same on another descriptor, taken also on failure. */
int service_init_take(struct service *s,
                      int fd,
                      struct loop *loop,
                      const char *name,
                      const struct endpoint *endpoints,
                      size_t n_endpoints,
                      void *userdata);
/* Cancels every request and finishes every call of our own (DEAD; context handles 0) first. */
void service_deinit(struct service *s);

/* A call of our own through the native context; 0 or -errno. After 0 `done` runs exactly once,
 * never inside this function; the reader, and descriptors (conn_take_fd on s->conn), are valid
 * during it. `values` may be NULL. */
typedef void service_done_fn(struct service *s,
                             void *userdata,
                             enum thox_status status,
                             struct value_reader *values);
int service_call(struct service *s,
                 const char *name,
                 const struct buf *values,
                 service_done_fn *done,
                 void *userdata);

/* A context owned by this daemon (manual mode: every call through it comes here, to the endpoints of
 * `table`, NULL: those of the service, with request->context set). `context` must not be NULL. `done`
 * gets our handle number, 0 on failure; it runs exactly once, never inside this function. */
typedef void service_context_fn(struct service *s, void *context, uint32_t handle);
int service_context_new(struct service *s,
                        const struct endpoint_table *table,
                        void *context,
                        service_context_fn *done);
/* Revokes it: no request and no event mentions it afterwards, except requests already running. */
void service_context_close(struct service *s, uint32_t handle);

/* For request.c. */
void *service_context_find(struct service *s, uint32_t handle);
/* What a call through `handle` is for: STATUS_OK, STATUS_BADCTX or STATUS_NOTBOUND. */
enum thox_status service_endpoint_find(struct service *s,
                                       uint32_t handle,
                                       const void *name,
                                       size_t len,
                                       const struct endpoint **ret);
void service_queue_flush(struct service *s);
void service_set_error(struct service *s, int r);
