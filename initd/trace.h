/*
 * trace.h - copies of calls and answers for those who watch: the owner of a context whose routing has
 * a `log`, and whoever listens to the queue `trace` of the native context. Nobody who is watched waits
 * for that or can tell.
 *
 * A record is a map whose last field holds the untouched bytes of the values (docs/PROTOCOL.md): whatever
 * a process sent can spoil that record and nothing else of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "initd/router.h"
#include "initd/target.h"
#include "libipc/limits.h"

struct call;
struct peer;
struct queue;
struct wire_extra;
struct wire_frame;

/* Listened to by uid 0 alone; the key of a record is the name of a process it is about. */
#define TRACE_QUEUE "trace"
bool trace_is_queue(const struct context *c, const void *name, size_t len);

/* Contexts that log a call: those on its way. Owned by the call; holds references. */
struct watch {
        size_t n;
        struct context *contexts[LIMIT_CALL_HOPS];
};
struct watch *watch_free(struct watch *w);

/* Whether anybody hears of what went this way. */
static inline bool trace_is_wanted(const struct router *r, const struct target *target) {
        return r->trace || target->route.is_logged;
}

/* A request that came: `refusal` is its answer when there is one already. */
void trace_request(struct peer *sender,
                   const struct wire_frame *frame,
                   const struct target *target,
                   const struct target_refusal *refusal);
/* The call that it became, or goes on as, tells the same of its answer. */
void trace_follow(struct call *call, const struct target *target);
/* The last frame of a long request. */
void trace_long_request(const struct call *call, const struct wire_frame *frame);
/* `server` NULL: initd answers. */
void trace_answer(const struct call *call,
                  enum thox_status status,
                  const struct peer *server,
                  const struct wire_extra *extra);

/* Who listens to the trace has changed: which peers are traced is found anew. */
void trace_update(struct router *r);
/* The same for a peer that has just got its name. */
void trace_update_peer(struct peer *p);
/* A traced peer asked for something beside a call, and has its reply. */
void trace_reply(const struct peer *p, const struct wire_frame *frame);
/* A traced peer is gone. */
void trace_end(const struct peer *p);
