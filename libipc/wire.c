/*
 * wire.c - the only caller of protobuf-c.
 *
 * The hot road writes and reads Call and Answer at fixed offsets of the body:
 *
 *   0  0d seq:4    5  22|2a len:2    8  09 cid:8    17  15 handle|status:4    22  1d pid:4
 *   Answer: 27  25 flags:4    32  the fields after the body
 *   Call:   27  25 uid:4      32  2d flags:4    37  31 timeout_us:8    46  41 trace:8
 *           55  3a len:2 name    then those
 *
 * Lengths are varints padded to two bytes, so that nothing moves with a name's length. Whatever does
 * not look like this to the byte takes the general road, which decides alone what is malformed: the
 * hot road accepts a subset of it.
 *
 * The general road trusts nothing before it was scanned. Depth is bounded by the schema, which has
 * no recursive message (tests/lint/proto.py); a field that occurs twice is refused, because
 * protobuf-c merges repeated messages in quadratic time; unpacking has a budget. Values are never
 * unpacked: the message ends before them.
 */
#include "libipc/wire.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/wire_scan.h"

#define WIRE_CALL_BYTES 50u   /* a Call up to its name */
#define WIRE_ANSWER_BYTES 24u /* a whole Answer */
#define WIRE_BODY_OFFSET 8u   /* of the Call or Answer in the frame's body */
#define WIRE_BUDGET_FACTOR 4u
#define WIRE_BUDGET_BYTES (16u << 10)

/* Tags as they lie in memory. */
#define TAG_SEQ 0x0d
#define TAG_CALL 0x22
#define TAG_ANSWER 0x2a
#define TAG_CAPS 0xa2, 0x06
#define TAG_N_FDS 0xa8, 0x06
#define TAG_MORE 0xb0, 0x06
#define TAG_VALUES 0xfa, 0x7f

static const struct wire_extra wire_no_extra;

static uint32_t load_u32(const uint8_t *at) {
        uint32_t v;

        memcpy(&v, at, sizeof(v));
        return le32toh(v);
}

static uint64_t load_u64(const uint8_t *at) {
        uint64_t v;

        memcpy(&v, at, sizeof(v));
        return le64toh(v);
}

static uint8_t *store_u32(uint8_t *at, uint32_t v) {
        v = htole32(v);
        memcpy(at, &v, sizeof(v));
        return at + sizeof(v);
}

static uint8_t *store_fixed32(uint8_t *at, uint8_t tag, uint32_t v) {
        *at++ = tag;
        return store_u32(at, v);
}

static uint8_t *store_fixed64(uint8_t *at, uint8_t tag, uint64_t v) {
        *at++ = tag;
        v = htole64(v);
        memcpy(at, &v, sizeof(v));
        return at + sizeof(v);
}

/* A varint of exactly two bytes: v < 2^14. */
static uint8_t *store_padded(uint8_t *at, uint8_t tag, size_t v) {
        at[0] = tag;
        at[1] = (uint8_t)(v | 0x80);
        at[2] = (uint8_t)(v >> 7);
        return at + 3;
}

/* The value of such a varint, SIZE_MAX when there is none. */
static size_t load_padded(const uint8_t *at) {
        if (at[0] < 0x80 || at[1] >= 0x80)
                return SIZE_MAX;
        return (size_t)(at[0] & 0x7f) | (size_t)at[1] << 7;
}

static uint8_t *store_varint(uint8_t *at, uint32_t v) {
        for (; v >= 0x80; v >>= 7)
                *at++ = (uint8_t)(v | 0x80);
        *at++ = (uint8_t)v;
        return at;
}

/* Writing. */

static uint8_t *put_cap(uint8_t *at, const struct wire_cap *cap) {
        static const uint8_t tag[] = { TAG_CAPS };
        uint8_t *const len = at + sizeof(tag);

        memcpy(at, tag, sizeof(tag));
        at = store_fixed32(len + 1, 0x0d, cap->handle);
        if (cap->rights != 0) {
                *at++ = 0x10;
                at = store_varint(at, cap->rights);
        }
        *len = (uint8_t)(at - len - 1);
        return at;
}

static uint8_t *put_small(uint8_t *at, const uint8_t tag[2], uint8_t v) {
        at[0] = tag[0];
        at[1] = tag[1];
        at[2] = v;
        return at + 3;
}

/* The fields after the body, up to the content of values. */
static uint8_t *put_extra(uint8_t *at, const struct wire_extra *extra) {
        static const uint8_t n_fds[] = { TAG_N_FDS }, more[] = { TAG_MORE };
        static const uint8_t values[] = { TAG_VALUES };

        for (size_t i = 0; i < extra->n_caps; i++)
                at = put_cap(at, &extra->caps[i]);
        if (extra->n_fds > 0)
                at = put_small(at, n_fds, (uint8_t)extra->n_fds);
        if (extra->more)
                at = put_small(at, more, 1);
        if (extra->values_len > 0) {
                memcpy(at, values, sizeof(values));
                at = store_varint(at + sizeof(values), (uint32_t)extra->values_len);
        }
        return at;
}

static size_t extra_size_max(const struct wire_extra *extra) {
        assert(extra->n_caps <= LIMIT_FRAME_CAPS);
        assert(extra->n_fds <= LIMIT_FRAME_FDS);
        assert(extra->values_len <= LIMIT_FRAME_VALUES_BYTES);
        return 13 + 14 * extra->n_caps;
}

size_t wire_call_size_max(const struct wire_call *call, const struct wire_extra *extra) {
        return LIMIT_FRAME_PREFIX_BYTES + WIRE_BODY_OFFSET + WIRE_CALL_BYTES + call->name_len +
               extra_size_max(extra ? extra : &wire_no_extra);
}

size_t wire_answer_size_max(const struct wire_extra *extra) {
        return LIMIT_FRAME_PREFIX_BYTES + WIRE_BODY_OFFSET + WIRE_ANSWER_BYTES +
               extra_size_max(extra ? extra : &wire_no_extra);
}

/* Writes prefix and values field around a body that ends at `at`; `start` is the prefix. */
static size_t put_finish(uint8_t *start, uint8_t *at, const struct wire_extra *extra) {
        size_t body_len;

        at = put_extra(at, extra);
        body_len = (size_t)(at - start) - LIMIT_FRAME_PREFIX_BYTES + extra->values_len;
        store_u32(start, (uint32_t)body_len);
        store_u32(start + 4, (uint32_t)extra->values_len);
        return (size_t)(at - start);
}

int wire_put_call(struct buf *out,
                  uint32_t seq,
                  const struct wire_call *call,
                  const struct wire_extra *extra) {
        uint8_t *start, *at;
        int r;

        assert(call->name_len <= LIMIT_NAME_BYTES);
        r = buf_reserve(out, wire_call_size_max(call, extra));
        if (r < 0)
                return error_trace(r);

        start = out->data + out->len;
        at = store_fixed32(start + LIMIT_FRAME_PREFIX_BYTES, TAG_SEQ, seq);
        at = store_padded(at, TAG_CALL, WIRE_CALL_BYTES + call->name_len);
        at = store_fixed64(at, 0x09, call->cid);
        at = store_fixed32(at, 0x15, call->handle);
        at = store_fixed32(at, 0x1d, call->pid);
        at = store_fixed32(at, 0x25, call->uid);
        at = store_fixed32(at, 0x2d, call->flags);
        at = store_fixed64(at, 0x31, call->timeout_us);
        at = store_fixed64(at, 0x41, call->trace);
        at = store_padded(at, 0x3a, call->name_len);
        if (call->name_len > 0)
                memcpy(at, call->name, call->name_len);
        at += call->name_len;

        out->len += put_finish(start, at, extra ? extra : &wire_no_extra);
        return 0;
}

int wire_put_answer(struct buf *out,
                    uint32_t seq,
                    const struct wire_answer *answer,
                    const struct wire_extra *extra) {
        uint8_t *start, *at;
        int r;

        r = buf_reserve(out, wire_answer_size_max(extra));
        if (r < 0)
                return error_trace(r);

        start = out->data + out->len;
        at = store_fixed32(start + LIMIT_FRAME_PREFIX_BYTES, TAG_SEQ, seq);
        at = store_padded(at, TAG_ANSWER, WIRE_ANSWER_BYTES);
        at = store_fixed64(at, 0x09, answer->cid);
        at = store_fixed32(at, 0x15, answer->status);
        at = store_fixed32(at, 0x1d, answer->pid);
        at = store_fixed32(at, 0x25, answer->flags);

        out->len += put_finish(start, at, extra ? extra : &wire_no_extra);
        return 0;
}

/* The message alone: what comes after the body is written by put_extra. */
static Thox__Frame wire_body_only(const Thox__Frame *message) {
        Thox__Frame body = *message;

        assert(message->body_case != THOX__FRAME__BODY__NOT_SET);
        body.n_caps = 0;
        body.caps = NULL;
        body.n_fds = 0;
        body.more = 0;
        body.values = wire_bytes(NULL, 0);
        return body;
}

size_t wire_size_max(const Thox__Frame *message, const struct wire_extra *extra) {
        const Thox__Frame body = wire_body_only(message);

        return LIMIT_FRAME_PREFIX_BYTES + thox__frame__get_packed_size(&body) +
               extra_size_max(extra ? extra : &wire_no_extra);
}

int wire_put(struct buf *out, const Thox__Frame *message, const struct wire_extra *extra) {
        const Thox__Frame body = wire_body_only(message);
        uint8_t *start, *at;
        int r;

        r = buf_reserve(out, wire_size_max(message, extra));
        if (r < 0)
                return error_trace(r);

        start = out->data + out->len;
        at = start + LIMIT_FRAME_PREFIX_BYTES;
        at += thox__frame__pack(&body, at);
        out->len += put_finish(start, at, extra ? extra : &wire_no_extra);
        return 0;
}

/* Reading: the hot road. */

/* Not the caps: 2 KiB that nobody looks at beyond n_caps. */
static void wire_frame_reset(struct wire_frame *f) {
        f->message = NULL;
        f->unpacked = NULL;
        f->extra = (struct wire_extra){ .caps = f->caps };
}

static bool read_cap(const uint8_t *at, const uint8_t *end, struct wire_cap *ret) {
        uint64_t rights = 0;

        if (end - at < 5 || at[0] != 0x0d)
                return false;
        ret->handle = load_u32(at + 1);
        at += 5;

        if (at < end && *at == 0x10)
                at = scan_varint(at + 1, end, &rights);
        if (at != end || rights > UINT32_MAX)
                return false;
        ret->rights = (uint32_t)rights;
        return true;
}

static bool has_tag(const uint8_t *at, uint8_t first, uint8_t second) {
        return at[0] == first && at[1] == second;
}

/* Fields after the body in the order put_extra writes them; false means: ask the general road. */
static bool read_extra(const uint8_t *at,
                       const uint8_t *end,
                       size_t values_len,
                       struct wire_frame *f) {
        uint64_t len;

        while (end - at >= 3 && has_tag(at, TAG_CAPS)) {
                const uint8_t *const cap_end = at + 3 + at[2];

                if (at[2] > end - at - 3 || f->extra.n_caps == LIMIT_FRAME_CAPS)
                        return false;
                if (!read_cap(at + 3, cap_end, &f->caps[f->extra.n_caps]))
                        return false;
                f->extra.n_caps++;
                at = cap_end;
        }
        if (end - at >= 3 && has_tag(at, TAG_N_FDS)) {
                if (at[2] > LIMIT_FRAME_FDS)
                        return false;
                f->extra.n_fds = at[2];
                at += 3;
        }
        if (end - at >= 3 && has_tag(at, TAG_MORE) && at[2] <= 1) {
                f->extra.more = at[2] == 1;
                at += 3;
        }
        if (values_len == 0)
                return at == end;

        if (end - at < 3 || !has_tag(at, TAG_VALUES))
                return false;
        at = scan_varint(at + 2, end, &len);
        if (!at || len != values_len || (size_t)(end - at) != values_len)
                return false;
        f->extra.values = at;
        f->extra.values_len = values_len;
        return true;
}

static bool read_call(const uint8_t *at, size_t len, struct wire_call *ret) {
        if (len < WIRE_CALL_BYTES || at[0] != 0x09 || at[9] != 0x15 || at[14] != 0x1d ||
            at[19] != 0x25 || at[24] != 0x2d || at[29] != 0x31 || at[38] != 0x41 || at[47] != 0x3a)
                return false;
        if (load_padded(at + 48) != len - WIRE_CALL_BYTES)
                return false;

        ret->cid = load_u64(at + 1);
        ret->handle = load_u32(at + 10);
        ret->pid = load_u32(at + 15);
        ret->uid = load_u32(at + 20);
        ret->flags = load_u32(at + 25);
        ret->timeout_us = load_u64(at + 30);
        ret->trace = load_u64(at + 39);
        ret->name = at + WIRE_CALL_BYTES;
        ret->name_len = len - WIRE_CALL_BYTES;
        return true;
}

static bool read_answer(const uint8_t *at, size_t len, struct wire_answer *ret) {
        if (len != WIRE_ANSWER_BYTES || at[0] != 0x09 || at[9] != 0x15 || at[14] != 0x1d ||
            at[19] != 0x25)
                return false;

        ret->cid = load_u64(at + 1);
        ret->status = load_u32(at + 10);
        ret->pid = load_u32(at + 15);
        ret->flags = load_u32(at + 20);
        return true;
}

static bool read_hot(const uint8_t *body, size_t len, size_t values_len, struct wire_frame *f) {
        const uint8_t *const inner = body + WIRE_BODY_OFFSET;
        size_t inner_len;

        if (len < WIRE_BODY_OFFSET || body[0] != TAG_SEQ)
                return false;
        inner_len = load_padded(body + 6);
        if (inner_len > len - WIRE_BODY_OFFSET)
                return false;

        if (body[5] == TAG_CALL && read_call(inner, inner_len, &f->call))
                f->kind = THOX__FRAME__BODY_CALL;
        else if (body[5] == TAG_ANSWER && read_answer(inner, inner_len, &f->answer))
                f->kind = THOX__FRAME__BODY_ANSWER;
        else
                return false;

        f->seq = load_u32(body + 1);
        return read_extra(inner + inner_len, body + len, values_len, f);
}

/* Reading: the general road. */

struct wire_budget {
        size_t left;
        bool is_exceeded;
};

static void *wire_budget_alloc(void *userdata, size_t size) {
        struct wire_budget *budget = userdata;

        if (size > budget->left) {
                budget->is_exceeded = true;
                return NULL;
        }
        budget->left -= size;
        return malloc(size);
}

static void wire_budget_free(void *userdata UNUSED, void *memory) {
        free(memory);
}

/* Into f->unpacked. */
static int wire_unpack(const uint8_t *bytes,
                       size_t len,
                       struct wire_frame *f,
                       const char **ret_reason) {
        struct wire_budget budget = { .left = WIRE_BUDGET_FACTOR * len + WIRE_BUDGET_BYTES };
        ProtobufCAllocator allocator = {
                .alloc = wire_budget_alloc,
                .free = wire_budget_free,
                .allocator_data = &budget,
        };

        f->unpacked = thox__frame__unpack(&allocator, len, bytes);
        if (f->unpacked)
                return WIRE_OK;
        *ret_reason = budget.is_exceeded ? "the frame would take too much memory" :
                                           "the frame cannot be unpacked";
        return WIRE_E_MALFORMED;
}

static void wire_take_body(struct wire_frame *f, const Thox__Frame *message) {
        f->seq = message->seq;
        f->kind = message->body_case;

        if (f->kind == THOX__FRAME__BODY_CALL) {
                const Thox__Call *call = message->call;

                f->call = (struct wire_call){
                        .cid = call->cid,
                        .timeout_us = call->timeout_us,
                        .trace = call->trace,
                        .handle = call->handle,
                        .pid = call->pid,
                        .uid = call->uid,
                        .flags = call->flags,
                        .name = call->name.data,
                        .name_len = call->name.len,
                };
        } else if (f->kind == THOX__FRAME__BODY_ANSWER) {
                const Thox__Answer *answer = message->answer;

                f->answer = (struct wire_answer){
                        .cid = answer->cid,
                        .status = answer->status,
                        .pid = answer->pid,
                        .flags = answer->flags,
                };
        } else {
                f->message = message;
        }
}

static int wire_take_extra(struct wire_frame *f, const struct scan *scan, const char **ret_reason) {
        const Thox__Frame *message = f->unpacked;

        if (message->n_caps > LIMIT_FRAME_CAPS || message->n_fds > LIMIT_FRAME_FDS) {
                *ret_reason = "the frame has too many caps or descriptors";
                wire_frame_deinit(f);
                return WIRE_E_MALFORMED;
        }

        for (size_t i = 0; i < message->n_caps; i++)
                f->caps[i] = (struct wire_cap){ .handle = message->caps[i]->handle,
                                                .rights = message->caps[i]->rights };
        f->extra.n_caps = message->n_caps;
        f->extra.n_fds = message->n_fds;
        f->extra.more = message->more;
        f->extra.values = scan->values;
        f->extra.values_len = scan->values_len;
        return WIRE_OK;
}

static int read_general(const uint8_t *body,
                        size_t len,
                        size_t values_len,
                        struct wire_frame *f,
                        const char **ret_reason) {
        const uint8_t *const end = body + len;
        struct scan scan;
        int r;

        if (!scan_frame(&scan, body, len, values_len)) {
                *ret_reason = scan.reason;
                return WIRE_E_MALFORMED;
        }

        /* Our own writers put everything else behind the body. That spares protobuf-c the caps,
         * which take much memory there. */
        if (read_extra(scan.extra, end, values_len, f)) {
                r = wire_unpack(body, (size_t)(scan.extra - body), f, ret_reason);
        } else {
                wire_frame_reset(f);
                r = wire_unpack(body, (size_t)(scan.values_tag - body), f, ret_reason);
                if (r == WIRE_OK)
                        r = wire_take_extra(f, &scan, ret_reason);
        }
        if (r != WIRE_OK)
                return r;

        wire_take_body(f, f->unpacked);
        return WIRE_OK;
}

int wire_parse(const uint8_t *body,
               size_t len,
               size_t values_len,
               struct wire_frame *ret,
               const char **ret_reason) {
        wire_frame_reset(ret);
        if (read_hot(body, len, values_len, ret))
                return WIRE_OK;

        wire_frame_reset(ret);
        return read_general(body, len, values_len, ret, ret_reason);
}

void wire_frame_deinit(struct wire_frame *f) {
        if (f->unpacked)
                thox__frame__free_unpacked(f->unpacked, NULL);
        f->unpacked = NULL;
        f->message = NULL;
}
