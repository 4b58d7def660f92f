/*
 * binding.h - a name served in a context, by a process or by initd itself.
 *
 * Endpoints of the daemons have a native handler behind them that answers while the daemon is away.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/limits.h"
#include "proto/frame.pb-c.h"

struct context;
struct handle;
struct native_endpoint;
struct peer;

/* Owned by its context's table; linked in the server's list while one serves it. */
struct binding {
        struct context *context;
        struct peer *server; /* NULL: initd itself */
        struct list server_link;
        const struct native_endpoint *native; /* what initd answers; NULL: a program's name */
        uint32_t sid;                         /* of the server */
        uint32_t server_handle; /* that it was bound through: the server's number for calls here */
        uint64_t n_calls;
        size_t n_unanswered; /* calls delivered here; it outlives its drop until they are over */
        uint32_t limit;      /* of these */
        bool is_dropped;
        size_t name_len;
        char name[];
};

enum binding_error {
        BINDING_OK = 0,
        BINDING_E_EXISTS = 1,
        BINDING_E_LIMIT = 2,  /* LIMIT_BINDINGS of the server */
        BINDING_E_DENIED = 3, /* a daemon's name, or not granted by the context */
        BINDING_E_BADNAME = 4,
        BINDING_E_NOTBOUND = 5,
        BINDING_E_BADLIMIT = 6, /* more than LIMIT_CALLS_PER_SERVER */
};

/* A name of initd's own in the native context. */
int binding_add_native(struct context *c, const struct native_endpoint *endpoint);
/* Binds through a handle of the server's; lands where route_bind says. */
int binding_add(struct handle *through, const Thox__Bind *bind, uint32_t *ret_sid);
int binding_remove_sid(struct peer *server, uint32_t sid);
int binding_remove_name(struct handle *through, const void *name, size_t len);
/* The server stops serving: queued and running calls are not touched (the caller of this decides). */
void binding_drop(struct binding *b);
/* One call more, one less: the last one frees a dropped binding. */
void binding_charge(struct binding *b);
void binding_discharge(struct binding *b);
struct binding *binding_find(const struct context *c, const void *name, size_t len);
