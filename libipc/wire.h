/*
 * wire.h - frames to structs and back. wire.c is the only caller of protobuf-c.
 *
 * A frame on the socket is u32 le body_len, u32 le values_len, body. The body is a legal protobuf
 * message `Frame` whose last field is `values`; values_len says how many bytes at its end that
 * field's content has.
 *
 * Two roads lead to the same struct wire_frame. Call and Answer, when they lie in the canonical
 * layout (proto/call.proto: fields in order, fixed width, zeroes written), are read at fixed
 * offsets. Everything else is scanned (wire types, number of fields, exactly one body, no field
 * twice), then unpacked by protobuf-c within a budget of 4 x length + 16 KiB. A Call or Answer in
 * another legal encoding ends up in the same struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/limits.h"
#include "proto/frame.pb-c.h"

#define WIRE_VERSION 1u

/* Bits of Call.flags and Answer.flags. */
enum wire_flag {
        WIRE_FLAG_ONEWAY = 1u << 0,    /* no answer follows */
        WIRE_FLAG_CONTINUED = 1u << 1, /* a further frame of a long message */
        WIRE_FLAG_OUTPUT = 1u << 2,    /* LIMIT_OUTPUT_CALLS more of these fit beside other calls */
        WIRE_FLAG_FORWARD = 1u << 3,   /* a Call by its server: cid goes on to (handle, name) */
};

/* Bits 8 to 10 of Call.flags: the priority, 0 to 7. initd lowers it to that of the caller. */
#define WIRE_PRIORITY_SHIFT 8u
#define WIRE_PRIORITY_MAX 7u
#define WIRE_PRIORITY_DEFAULT 4u

static inline uint32_t wire_priority(uint32_t flags) {
        return flags >> WIRE_PRIORITY_SHIFT & WIRE_PRIORITY_MAX;
}
static inline uint32_t wire_priority_flags(uint32_t priority) {
        return priority << WIRE_PRIORITY_SHIFT;
}

/* Routing.mode. */
enum wire_routing {
        WIRE_ROUTING_MANUAL = 1,
        WIRE_ROUTING_TABLE = 2,
};

struct wire_call {
        uint64_t cid, timeout_us, trace;
        uint32_t handle, pid, uid, flags;
        const uint8_t *name;
        size_t name_len;
};

struct wire_answer {
        uint64_t cid;
        uint32_t status, pid, flags;
};

struct wire_cap {
        uint32_t handle, rights;
};

/* Everything but the body. Zero-initialise. */
struct wire_extra {
        const struct wire_cap *caps;
        size_t n_caps;
        const int *fds; /* when sending: borrowed, duplicated by the connection */
        size_t n_fds;
        bool more;
        const uint8_t *values;
        size_t values_len;
};

/* The body kinds, in dispatch tables and here: protobuf-c's oneof case. */
typedef Thox__Frame__BodyCase wire_kind;

struct wire_frame {
        wire_kind kind;
        uint32_t seq;
        union {
                struct wire_call call;     /* THOX__FRAME__BODY_CALL */
                struct wire_answer answer; /* THOX__FRAME__BODY_ANSWER */
        };
        const Thox__Frame *message; /* all other kinds; owned by this struct */
        struct wire_extra extra;    /* extra.fds: filled by the connection, owned by this struct */
        struct wire_cap caps[LIMIT_FRAME_CAPS];
        void *unpacked; /* private: what wire_frame_deinit releases */
};

/* Why a frame was refused. */
enum wire_error {
        WIRE_OK = 0,
        WIRE_E_MALFORMED = 1,
};

/* Reads one body (without the 8-byte prefix). All pointers of the result point into `body` or into
 * memory owned by the result. WIRE_E_MALFORMED leaves nothing to release and sets *ret_reason to a
 * constant sentence. */
int wire_parse(const uint8_t *body,
               size_t len,
               size_t values_len,
               struct wire_frame *ret,
               const char **ret_reason);
void wire_frame_deinit(struct wire_frame *f);

/* Appends prefix and body up to, not including, the content of values; the prefix counts
 * extra->values_len bytes that the caller appends itself. 0 or -errno. */
int wire_put_call(struct buf *out,
                  uint32_t seq,
                  const struct wire_call *call,
                  const struct wire_extra *extra);
int wire_put_answer(struct buf *out,
                    uint32_t seq,
                    const struct wire_answer *answer,
                    const struct wire_extra *extra);
/* `message` has seq and body set; its caps, n_fds, more and values are taken from `extra`. */
int wire_put(struct buf *out, const Thox__Frame *message, const struct wire_extra *extra);

/* What each of these appends at most. */
size_t wire_call_size_max(const struct wire_call *call, const struct wire_extra *extra);
size_t wire_answer_size_max(const struct wire_extra *extra);
size_t wire_size_max(const Thox__Frame *message, const struct wire_extra *extra);

/* Shorthand: Thox__Frame on the stack with one body set.
 *     WIRE_MESSAGE(m, seq, BIND, bind, &bind);  conn_send(c, &m, NULL); */
#define WIRE_MESSAGE(var, seq_, KIND, member, body_)                                               \
        Thox__Frame var = THOX__FRAME__INIT;                                                       \
        var.seq = (seq_);                                                                          \
        var.body_case = THOX__FRAME__BODY_##KIND;                                                  \
        var.member = (body_)

/* protobuf-c bytes from a pointer and length, for filling messages. */
static inline ProtobufCBinaryData wire_bytes(const void *data, size_t len) {
        return (ProtobufCBinaryData){ .len = len, .data = (uint8_t *)(uintptr_t)data };
}

static inline uint32_t wire_cid_seq(uint64_t cid) {
        return (uint32_t)cid;
}
static inline uint32_t wire_cid_generation(uint64_t cid) {
        return (uint32_t)(cid >> 32);
}
static inline uint64_t wire_cid(uint32_t generation, uint32_t seq) {
        return (uint64_t)generation << 32 | seq;
}
