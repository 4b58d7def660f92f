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

/* When others have bound the name, or will: Bind.conflict. */
enum binding_conflict {
        BINDING_CONFLICT_FAIL,        /* it is mine alone */
        BINDING_CONFLICT_ALTERNATIVE, /* the newest serves it */
        BINDING_CONFLICT_FALLBACK,    /* the oldest; what it refuses goes on to the next */
        BINDING_CONFLICT_BALANCE,     /* everybody in turn */
        _BINDING_CONFLICT_N,
};

/* Owned by its context's table, or by the group (group.h) of which that has the first; linked in the
 * server's list while one serves it. */
struct binding {
        struct context *context;
        struct peer *server; /* NULL: initd itself */
        struct list server_link;
        struct list through_link; /* in the handle it was bound through */
        struct list group_link;
        struct list connections; /* struct context */
        enum binding_conflict conflict;
        uint64_t serial;                      /* in the order of binding */
        const struct native_endpoint *native; /* what initd answers; NULL: a program's name */
        uint32_t sid;                         /* of the server */
        uint32_t server_handle; /* that it was bound through: the server's number for calls here */
        uint64_t n_calls;
        size_t n_unanswered; /* calls delivered here; it outlives its drop until they are over */
        uint32_t limit;      /* of these */
        bool is_dropped;
        const char *usage; /* a line for people, or NULL */
        size_t name_len;
        char name[];
};

enum binding_error {
        BINDING_OK = 0,
        BINDING_E_LIMIT = 1,  /* LIMIT_BINDINGS of the server */
        BINDING_E_DENIED = 2, /* a daemon's name, or not granted by the context */
        BINDING_E_BADNAME = 3,
        BINDING_E_BADARGS = 4, /* conflict, usage */
        BINDING_E_NOTBOUND = 5,
        BINDING_E_TWICE = 6,    /* the server has bound it already */
        BINDING_E_CROWDED = 7,  /* LIMIT_BINDING_GROUP */
        BINDING_E_BADLIMIT = 8, /* more than LIMIT_CALLS_PER_SERVER */
        BINDING_E_LIMITED = 9,  /* its process may not bind it */
        BINDING_E_EXISTS = 10,  /* + the enum binding_conflict that is in force */
        _BINDING_ERROR_N = BINDING_E_EXISTS + _BINDING_CONFLICT_N,
};

/* A name of initd's own in the native context. */
int binding_add_native(struct context *c, const struct native_endpoint *endpoint);
/* Binds through a handle of the server's; lands where route_bind says. */
int binding_add(struct handle *through, const Thox__Bind *request, uint32_t *ret_sid);
int binding_remove_sid(struct peer *server, uint32_t sid);
int binding_remove_name(struct handle *through, const void *name, size_t len);
/* The server stops serving: queued and running calls are not touched (the caller of this decides). */
void binding_drop(struct binding *b);
/* One call more, one less: the last one frees a dropped binding. */
void binding_charge(struct binding *b);
void binding_discharge(struct binding *b);
/* All that serve in the context stop. */
void binding_drop_in(struct context *c);
/* Of several that serve the name, the first (group.h). */
struct binding *binding_find(const struct context *c, const void *name, size_t len);
