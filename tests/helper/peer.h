/*
 * peer.h - a peer that a test plays by hand, frame by frame: the far end of a socket of initd's, or
 * a client of the control socket. Speaks well or badly, as the test wishes.
 *
 * Every helper asserts with Criterion; nothing waits longer than RAW_DEADLINE_US.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/conn.h"
#include "libipc/status.h"

#define RAW_DEADLINE_US (10u * 1000000u)
#define RAW_NATIVE 1u

struct raw_peer {
        struct conn conn;
        struct conn_scratch scratch;
        uint32_t next_seq;
        uint32_t pid, uid, generation; /* after raw_hello with a Welcome */
        /* How to let the other side run when both live in one process; NULL: it runs by itself. */
        void (*turn)(void *userdata);
        void *userdata;
        unsigned n_turns; /* without result */
};

/* Takes the socket. */
void raw_init_take(struct raw_peer *p, int fd);
/* Connects to a control socket and says Hello. */
void raw_connect(struct raw_peer *p, const char *socket_path);
void raw_deinit(struct raw_peer *p);

void raw_send(struct raw_peer *p, const Thox__Frame *message, const struct wire_extra *extra);
/* Bytes that are no frame. */
void raw_send_bytes(struct raw_peer *p, const void *bytes, size_t len);
void raw_hello(struct raw_peer *p, const char *name);
/* Takes the identity from it. */
void raw_expect_welcome(struct raw_peer *p);

/* The next frame of this kind; others before it are dropped. Valid until the next raw_*. */
struct wire_frame *raw_expect(struct raw_peer *p, wire_kind kind);
/* The other side has closed. */
void raw_expect_closed(struct raw_peer *p);
bool raw_is_closed(struct raw_peer *p);

/* A call with a CBOR sequence; returns its seq. */
uint32_t raw_call(struct raw_peer *p, const char *name, const struct buf *values);
/* Waits for the answer to `seq`. */
struct wire_frame *raw_expect_answer(struct raw_peer *p, uint32_t seq);
/* Call and answer; asserts the status. */
struct wire_frame *raw_ask(struct raw_peer *p,
                           const char *name,
                           const struct buf *values,
                           enum thox_status status);
void raw_answer(struct raw_peer *p,
                uint64_t cid,
                enum thox_status status,
                const struct wire_extra *extra);
/* Binds in the native context. */
void raw_bind(struct raw_peer *p, const char *name);
/* A manual context; its handle. */
uint32_t raw_context(struct raw_peer *p);
