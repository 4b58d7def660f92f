/*
 * conn.h - a framed stream socket: input splitting, output queue, descriptors. Knows no loop; its
 * owner says when to read and when to flush. Never blocks (the socket is non-blocking).
 *
 * Input: one conn_read per readiness, then conn_next until CONN_E_AGAIN. Small frames are read into
 * a scratch buffer that all connections of a loop share (struct conn_scratch), so an idle connection
 * holds no buffer. A frame and everything it points to is valid until the next conn_next or
 * conn_read on any connection of the same scratch, or conn_deinit on its own.
 *
 * Output: conn_send_* queue and never write; conn_flush writes all it can in as few system calls
 * as possible. Long values are not copied when they lie in a frame that came from another
 * connection: the queue takes a reference to that frame's memory (`from`).
 *
 * Invariants: 1. Bytes leave in the order they were queued. 2. Descriptors ride on the first byte of
 * their frame. 3. After CONN_E_VIOLATION or an error the connection delivers nothing more.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libipc/chunk.h"
#include "libipc/wire.h"

enum conn_error {
        CONN_OK = 0,
        CONN_E_AGAIN = 1,     /* nothing more for now */
        CONN_E_EOF = 2,       /* the peer closed, or reset; no more input */
        CONN_E_VIOLATION = 3, /* malformed input; conn->reason says what */
        CONN_E_FULL = 4,      /* the output queue is over its limit: the peer is hung */
};

struct conn;

/* Shared by the connections of one loop, which it must outlive. Private. */
struct conn_scratch {
        struct chunk_pool pool;
        uint8_t *bytes;
        struct conn *input_owner; /* whose unparsed input lies in `bytes` */

        struct conn *frame_owner; /* whose current frame this is */
        struct wire_frame frame;
        struct chunk *frame_chunk; /* that it lies in; NULL: in `bytes` */
        int frame_fds[LIMIT_FRAME_FDS];
};
int conn_scratch_init(struct conn_scratch *s);
void conn_scratch_deinit(struct conn_scratch *s);

struct conn_segment;
struct conn {
        int fd; /* owned */
        struct conn_scratch *scratch;
        const char *reason; /* of a violation */
        uint32_t max_frame; /* LIMIT_FRAME_HELLO_BYTES until the owner raises it */
        bool is_ended;
        bool may_have_more; /* the last read got all it asked for */
        uint64_t n_bytes_read, n_bytes_written;
        size_t out_bytes; /* queued, not yet written */

        /* private: input */
        int error;            /* negative: delivered by the next conn_next */
        const uint8_t *input; /* unparsed: in the scratch, or in input_chunk */
        size_t n_input;
        struct chunk *input_chunk;
        uint8_t head[LIMIT_FRAME_PREFIX_BYTES]; /* of a frame of which less than that is here */
        size_t n_head;
        struct chunk *partial; /* body of a frame that straddles reads */
        size_t partial_size;
        uint32_t partial_values_len;
        uint8_t long_prefix[LIMIT_FRAME_PREFIX_BYTES]; /* of the last long frame; zero: none */
        int fds[LIMIT_FRAME_FDS];                      /* arrived, not yet claimed by a frame */
        size_t n_fds;

        /* private: output */
        struct conn_segment *segments;
        size_t first_segment, n_segments, cap_segments;
        struct chunk *tail; /* small frames are appended here */
};

/* Takes the descriptor, also on failure. */
int conn_init_take(struct conn *c, int fd, struct conn_scratch *scratch);
/* A zeroed conn, or one whose init failed, may be passed as well. */
void conn_deinit(struct conn *c);

/* One recvmsg. CONN_OK: something arrived; AGAIN; EOF; VIOLATION (descriptors); < 0 errno. */
int conn_read(struct conn *c);
/* The next complete frame. CONN_OK, CONN_E_AGAIN, CONN_E_VIOLATION, < 0. The frame's descriptors
 * (ret->extra.fds) are closed at the next conn_next unless taken with conn_take_fd. */
int conn_next(struct conn *c, struct wire_frame **ret);
int conn_take_fd(struct conn *c, size_t i);
/* A reference to the memory that the current frame lies in, which keeps its values; NULL when they
 * have to be copied. The reference goes back to the connection's pool (chunk_unref). */
struct chunk *conn_keep_frame(struct conn *c);

/* Queue one frame. 0, CONN_E_FULL, or -errno; on failure nothing is queued. extra may be NULL.
 * `from`: the connection whose current frame extra->values points into, or NULL to copy. */
int conn_send_call(struct conn *c,
                   uint32_t seq,
                   const struct wire_call *call,
                   const struct wire_extra *extra,
                   struct conn *from);
int conn_send_answer(struct conn *c,
                     uint32_t seq,
                     const struct wire_answer *answer,
                     const struct wire_extra *extra,
                     struct conn *from);
int conn_send(struct conn *c, const Thox__Frame *message, const struct wire_extra *extra);
int conn_send_shared(struct conn *c,
                     const Thox__Frame *message,
                     const struct wire_extra *extra,
                     struct conn *from);
/* Call or Answer with values of any length up to LIMIT_MESSAGE_BYTES (else -EMSGSIZE): split into
 * frames of LIMIT_FRAGMENT_BYTES. Caps and descriptors ride on the last frame. */
int conn_send_call_long(struct conn *c,
                        uint32_t seq,
                        const struct wire_call *call,
                        const struct wire_extra *extra);
int conn_send_answer_long(struct conn *c,
                          uint32_t seq,
                          const struct wire_answer *answer,
                          const struct wire_extra *extra);

/* The same, but the values are the content of `values` (those of `extra` are ignored), which is empty
 * afterwards, also on failure, and then that of `tail`, whose reference moves; it may be NULL. Long
 * ones are not copied: their memory moves into the queue. */
int conn_send_call_take(struct conn *c,
                        uint32_t seq,
                        const struct wire_call *call,
                        const struct wire_extra *extra,
                        struct buf *values,
                        struct chunk *tail);
int conn_send_answer_take(struct conn *c,
                          uint32_t seq,
                          const struct wire_answer *answer,
                          const struct wire_extra *extra,
                          struct buf *values,
                          struct chunk *tail);

/* CONN_OK: all written; AGAIN: the rest waits for writability; EOF: peer gone; < 0. */
int conn_flush(struct conn *c);
static inline size_t conn_pending(const struct conn *c) {
        return c->out_bytes;
}
