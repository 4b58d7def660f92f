/*
 * router_fixture.h - a real router on a real loop, with the far ends of its peers in the test's hands.
 *
 *     fixture_init(&f);  fixture_add(&f, &a, PEER_ROLE_WORKER, 10);
 *     end_call(&a, 1, "name", ...);  frame = end_expect(&b, THOX__FRAME__BODY_CALL);
 *
 * Every helper asserts with Criterion; nothing waits longer than FIXTURE_DEADLINE_US.
 */
#pragma once

#include "initd/context.h"
#include "initd/peer.h"
#include "initd/router.h"

#define FIXTURE_DEADLINE_US (2u * 1000000u)
#define FIXTURE_NATIVE 1u

struct fixture {
        struct loop loop;
        struct router router;
        struct conn_scratch scratch; /* of the far ends */
        size_t n_closed;
        uint32_t closed_pid; /* the last one */
        enum exit_reason closed_reason;
};

/* The far end of a peer. */
struct end {
        struct fixture *fixture;
        struct conn conn;
        uint32_t pid, generation, next_seq;
};

void fixture_init(struct fixture *f);
/* Ends must have been dropped or still be open; the router closes what is left. */
void fixture_deinit(struct fixture *f);
/* A peer with Hello said and handle 1 = native with all rights. uid = pid + 1000. */
void fixture_add(struct fixture *f, struct end *e, enum peer_role role, uint32_t pid);
void end_deinit(struct end *e);

/* Queues, flushes, and lets the router run. */
void end_send(struct end *e, const Thox__Frame *message);
void end_send_with(struct end *e, const Thox__Frame *message, const struct wire_extra *extra);
/* Sends a call through `handle` with one text value; returns its cid. */
uint64_t end_call(struct end *e, uint32_t handle, const char *name, const char *value);
uint64_t end_call_with(struct end *e, struct wire_call *call, const struct wire_extra *extra);
void end_answer(struct end *e, uint64_t cid, uint32_t status, const char *value);
void end_answer_with(struct end *e, uint64_t cid, uint32_t status, const struct wire_extra *extra);
/* Binds in the context of `handle`; returns the reply's status. */
uint32_t end_bind(struct end *e, uint32_t handle, const char *name);
/* A context; routing NULL: manual. Returns its handle. */
uint32_t end_context(struct end *e, const Thox__Routing *routing);

/* The next frame, which must be of this kind. Valid until the next end_* on this end. */
struct wire_frame *end_expect(struct end *e, wire_kind kind);
/* The next frame must be an answer to `cid` with this status. */
struct wire_frame *end_expect_answer(struct end *e, uint64_t cid, uint32_t status);
/* Nothing is on its way to this end. */
void end_expect_silence(struct end *e);
/* The router has closed this end. */
void end_expect_closed(struct end *e);
