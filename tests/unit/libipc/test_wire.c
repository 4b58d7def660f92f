/*
 * test_wire.c - frames to structs and back: both roads, and what is refused.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/macros.h"
#include "libipc/wire.h"

/* The union of struct wire_frame and protobuf-c's own idea of a frame, side by side. */
static struct wire_frame frame;
static const char *reason;

/* Parses what wire_put_* or a test wrote: prefix and body. */
static int parse(const struct buf *b) {
        uint32_t body_len, values_len;

        memcpy(&body_len, b->data, 4);
        memcpy(&values_len, b->data + 4, 4);
        cr_assert_eq(body_len, b->len - 8, "the prefix counts the body");
        return wire_parse(b->data + 8, b->len - 8, values_len, &frame, &reason);
}

static const struct wire_call sample_call = {
        .cid = UINT64_C(0x1122334455667788),
        .timeout_us = 5000000,
        .trace = UINT64_C(0x0123456789abcdef),
        .handle = 7,
        .pid = 42,
        .uid = 1000,
        .flags = WIRE_FLAG_ONEWAY,
        .name = (const uint8_t *)"log.read",
        .name_len = 8,
};

static const struct wire_cap sample_caps[] = { { 3, 0 }, { 4000000000, 63 }, { 0, UINT32_MAX } };

static const struct wire_extra sample_extra = {
        .caps = sample_caps,
        .n_caps = ARRAY_SIZE(sample_caps),
        .fds = (const int[]){ 0, 1 },
        .n_fds = 2,
        .more = true,
        .values = (const uint8_t *)"\x01\x02\x03",
        .values_len = 3,
};

static void expect_call(const struct wire_call *call) {
        cr_assert_eq(frame.kind, THOX__FRAME__BODY_CALL);
        cr_expect_eq(frame.call.cid, call->cid);
        cr_expect_eq(frame.call.timeout_us, call->timeout_us);
        cr_expect_eq(frame.call.trace, call->trace);
        cr_expect_eq(frame.call.handle, call->handle);
        cr_expect_eq(frame.call.pid, call->pid);
        cr_expect_eq(frame.call.uid, call->uid);
        cr_expect_eq(frame.call.flags, call->flags);
        cr_assert_eq(frame.call.name_len, call->name_len);
        cr_expect_eq(memcmp(frame.call.name, call->name, call->name_len), 0);
}

static void expect_extra(const struct wire_extra *extra) {
        cr_expect_eq(frame.extra.n_fds, extra->n_fds);
        cr_expect_eq(frame.extra.more, extra->more);
        cr_assert_eq(frame.extra.n_caps, extra->n_caps);
        for (size_t i = 0; i < extra->n_caps; i++) {
                cr_expect_eq(frame.extra.caps[i].handle, extra->caps[i].handle);
                cr_expect_eq(frame.extra.caps[i].rights, extra->caps[i].rights);
        }
        cr_assert_eq(frame.extra.values_len, extra->values_len);
        if (extra->values_len > 0)
                cr_expect_eq(memcmp(frame.extra.values, extra->values, extra->values_len), 0);
}

static struct buf put_sample_call(const struct wire_extra *extra) {
        struct buf b;

        buf_init(&b, 1 << 20);
        cr_assert_eq(wire_put_call(&b, 9, &sample_call, extra), 0);
        cr_assert_leq(b.len, wire_call_size_max(&sample_call, extra));
        if (extra)
                cr_assert_eq(buf_add(&b, extra->values, extra->values_len), 0);
        return b;
}

Test(wire, a_call_comes_back_as_it_was_written) {
        struct buf b = put_sample_call(&sample_extra);

        cr_assert_eq(parse(&b), WIRE_OK);
        cr_expect_null(frame.unpacked, "the hot road allocates nothing");
        cr_expect_eq(frame.seq, 9);
        expect_call(&sample_call);
        expect_extra(&sample_extra);
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

Test(wire, a_call_without_anything_extra_comes_back) {
        static const struct wire_extra none;
        struct buf b = put_sample_call(NULL);

        cr_assert_eq(parse(&b), WIRE_OK);
        expect_call(&sample_call);
        expect_extra(&none);
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

Test(wire, an_answer_comes_back_as_it_was_written) {
        const struct wire_answer answer = { .cid = UINT64_MAX, .status = 3, .pid = 1, .flags = 2 };
        struct buf b;

        buf_init(&b, 1 << 20);
        cr_assert_eq(wire_put_answer(&b, UINT32_MAX, &answer, &sample_extra), 0);
        cr_assert_leq(b.len, wire_answer_size_max(&sample_extra));
        cr_assert_eq(buf_add(&b, "\x01\x02\x03", 3), 0);
        cr_assert_eq(parse(&b), WIRE_OK);
        cr_assert_eq(frame.kind, THOX__FRAME__BODY_ANSWER);
        cr_expect_null(frame.unpacked);
        cr_expect_eq(frame.seq, UINT32_MAX);
        cr_expect_eq(frame.answer.cid, UINT64_MAX);
        cr_expect_eq(frame.answer.status, 3);
        cr_expect_eq(frame.answer.pid, 1);
        cr_expect_eq(frame.answer.flags, 2);
        expect_extra(&sample_extra);
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

Test(wire, what_the_hot_road_writes_any_protobuf_library_reads) {
        struct buf b = put_sample_call(&sample_extra);
        Thox__Frame *message = thox__frame__unpack(NULL, b.len - 8, b.data + 8);

        cr_assert_not_null(message);
        cr_assert_eq(message->body_case, THOX__FRAME__BODY_CALL);
        cr_expect_eq(message->seq, 9);
        cr_expect_eq(message->call->cid, sample_call.cid);
        cr_expect_eq(message->call->timeout_us, sample_call.timeout_us);
        cr_expect_eq(message->call->trace, sample_call.trace);
        cr_expect_eq(message->call->name.len, 8);
        cr_expect_eq(message->n_caps, 3);
        cr_expect_eq(message->caps[2]->rights, UINT32_MAX);
        cr_expect_eq(message->n_fds, 2);
        cr_expect(message->more);
        cr_expect_eq(message->values.len, 3);
        thox__frame__free_unpacked(message, NULL);
        buf_deinit(&b);
}

/* Packs with protobuf-c alone, which drops zeroes and pads no length. */
static struct buf pack_foreign(const Thox__Frame *message) {
        const uint32_t prefix[2] = { (uint32_t)thox__frame__get_packed_size(message),
                                     (uint32_t)message->values.len };
        struct buf b;

        buf_init(&b, 1 << 20);
        cr_assert_eq(buf_add(&b, prefix, sizeof(prefix)), 0);
        cr_assert_eq(buf_reserve(&b, prefix[0]), 0);
        b.len += thox__frame__pack(message, b.data + b.len);
        return b;
}

Test(wire, a_call_in_another_legal_encoding_ends_in_the_same_struct) {
        Thox__Cap cap = THOX__CAP__INIT;
        Thox__Cap *caps[] = { &cap };
        Thox__Call call = THOX__CALL__INIT;
        WIRE_MESSAGE(message, 5, CALL, call, &call);
        struct buf b;

        call.handle = 1;
        call.name = wire_bytes("x", 1);
        cap.handle = 6;
        message.caps = caps;
        message.n_caps = 1;
        message.values = wire_bytes("\xf6", 1);
        b = pack_foreign(&message);

        cr_assert_eq(parse(&b), WIRE_OK, "%s", reason);
        cr_assert_not_null(frame.unpacked);
        cr_expect_null(frame.message);
        expect_call(
                &(struct wire_call){ .handle = 1, .name = (const uint8_t *)"x", .name_len = 1 });
        expect_extra(&(struct wire_extra){ .caps = &(struct wire_cap){ 6, 0 },
                                           .n_caps = 1,
                                           .values = (const uint8_t *)"\xf6",
                                           .values_len = 1 });
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

Test(wire, fields_in_any_order_are_a_frame) {
        /* caps, seq, n_fds, body, values */
        static const uint8_t body[] = "\xa2\x06\x05\x0d\x09\0\0\0"
                                      "\x0d\x05\0\0\0"
                                      "\xa8\x06\x01"
                                      "\x32\x00"
                                      "\xfa\x7f\x01\xf6";

        cr_assert_eq(wire_parse(body, sizeof(body) - 1, 1, &frame, &reason), WIRE_OK);
        cr_expect_eq(frame.kind, THOX__FRAME__BODY_CANCEL);
        cr_expect_eq(frame.seq, 5);
        expect_extra(&(struct wire_extra){ .caps = &(struct wire_cap){ 9, 0 },
                                           .n_caps = 1,
                                           .n_fds = 1,
                                           .values = (const uint8_t *)"\xf6",
                                           .values_len = 1 });
        wire_frame_deinit(&frame);
}

Test(wire, an_answer_of_zeroes_alone_is_an_answer) {
        Thox__Answer answer = THOX__ANSWER__INIT;
        WIRE_MESSAGE(message, 0, ANSWER, answer, &answer);
        struct buf b = pack_foreign(&message);

        cr_assert_eq(parse(&b), WIRE_OK);
        cr_expect_eq(frame.kind, THOX__FRAME__BODY_ANSWER);
        cr_expect_eq(frame.answer.cid, 0);
        cr_expect_eq(frame.seq, 0);
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

Test(wire, every_other_message_goes_through_protobuf) {
        Thox__Bind bind = THOX__BIND__INIT;
        WIRE_MESSAGE(message, 77, BIND, bind, &bind);
        struct buf b;

        bind.handle = 2;
        bind.name = wire_bytes("svc", 3);
        buf_init(&b, 1 << 20);
        cr_assert_eq(wire_put(&b, &message, &sample_extra), 0);
        cr_assert_leq(b.len, wire_size_max(&message, &sample_extra));
        cr_assert_eq(buf_add(&b, sample_extra.values, sample_extra.values_len), 0);

        cr_assert_eq(parse(&b), WIRE_OK, "%s", reason);
        cr_assert_eq(frame.kind, THOX__FRAME__BODY_BIND);
        cr_expect_eq(frame.seq, 77);
        cr_expect_eq(frame.message->bind->handle, 2);
        cr_expect_eq(frame.message->bind->name.len, 3);
        expect_extra(&sample_extra);
        wire_frame_deinit(&frame);
        buf_deinit(&b);
}

/* The same frame with the hot road and without it (one byte of padding moved) must agree, cut at
 * every length and with every byte changed: nothing is read past the end, nothing crashes. */
Test(wire, frames_cut_anywhere_are_refused) {
        struct buf b = put_sample_call(&sample_extra);

        for (size_t len = 0; len < b.len - 8; len++) {
                uint8_t *exact = malloc(len > 0 ? len : 1);

                memcpy(exact, b.data + 8, len);
                cr_expect_eq(wire_parse(exact, len, 3, &frame, &reason), WIRE_E_MALFORMED,
                             "cut to %zu", len);
                free(exact);
        }
        buf_deinit(&b);
}

static bool frames_agree(const struct wire_frame *a, const Thox__Frame *m) {
        return a->seq == m->seq && a->kind == m->body_case && a->extra.n_caps == m->n_caps &&
               a->extra.n_fds == m->n_fds && a->extra.more == m->more &&
               a->extra.values_len == m->values.len &&
               (a->kind != THOX__FRAME__BODY_CALL ||
                (a->call.cid == m->call->cid && a->call.name_len == m->call->name.len));
}

Test(wire, whatever_one_changed_byte_makes_is_what_protobuf_makes_of_it) {
        struct buf b = put_sample_call(&sample_extra);
        size_t n_accepted = 0;

        for (size_t at = 8; at < b.len; at++) {
                for (unsigned flip = 1; flip < 256; flip++) {
                        b.data[at] ^= (uint8_t)flip;
                        if (wire_parse(b.data + 8, b.len - 8, 3, &frame, &reason) == WIRE_OK) {
                                Thox__Frame *m = thox__frame__unpack(NULL, b.len - 8, b.data + 8);

                                n_accepted++;
                                cr_assert_not_null(m, "byte %zu ^ %x", at, flip);
                                cr_assert(frames_agree(&frame, m), "byte %zu ^ %x", at, flip);
                                thox__frame__free_unpacked(m, NULL);
                                wire_frame_deinit(&frame);
                        }
                        b.data[at] ^= (uint8_t)flip;
                }
        }
        cr_expect_gt(n_accepted, 10000, "ids and values may hold anything");
        buf_deinit(&b);
}

static void expect_malformed(const char *what, const void *body, size_t len, size_t values_len) {
        reason = NULL;
        cr_expect_eq(wire_parse(body, len, values_len, &frame, &reason), WIRE_E_MALFORMED, "%s",
                     what);
        cr_expect_not_null(reason, "%s", what);
}

#define MALFORMED(what, body, values_len) expect_malformed(what, body, sizeof(body) - 1, values_len)

Test(wire, malformed_bodies_are_refused_with_a_reason) {
        MALFORMED("empty", "", 0);
        MALFORMED("no body", "\x0d\1\0\0\0", 0);
        MALFORMED("two bodies", "\x32\x00\x2a\x00", 0);
        MALFORMED("one body twice", "\x32\x00\x32\x00", 0);
        MALFORMED("seq twice", "\x0d\1\0\0\0\x0d\1\0\0\0\x32\x00", 0);
        MALFORMED("cid twice", "\x32\x12\x09\1\1\1\1\1\1\1\1\x09\1\1\1\1\1\1\1\1", 0);
        MALFORMED("seq as a varint", "\x08\x01\x32\x00", 0);
        MALFORMED("body as a fixed32", "\x35\1\0\0\0", 0);
        MALFORMED("group", "\x32\x00\x3b\x3c", 0);
        MALFORMED("field number 0", "\x32\x00\x00\x00", 0);
        MALFORMED("length past the end", "\x32\x05\x09", 0);
        MALFORMED("length of 2^64-1", "\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0);
        MALFORMED("varint without end", "\x32\x00\xa8\x06\xff\xff", 0);
        MALFORMED("varint of 11 bytes",
                  "\x32\x00\xa8\x06\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 0);
        MALFORMED("values before the body", "\xfa\x7f\x01\x07\x32\x00", 1);
        MALFORMED("values before the body, hidden", "\xfa\x7f\x01\x07\x32\x00", 0);
        MALFORMED("values longer than the prefix says", "\x32\x00\xfa\x7f\x02\x07\x07", 1);
        MALFORMED("values that the prefix does not know", "\x32\x00\xfa\x7f\x02\x07\x07", 0);
        MALFORMED("no values where the prefix has some", "\x32\x00", 1);
        MALFORMED("nine descriptors", "\x32\x00\xa8\x06\x09", 0);
        MALFORMED("n_fds twice", "\x32\x00\xa8\x06\x01\xa8\x06\x01", 0);
}

Test(wire, a_newer_peer_may_send_sixteen_unknown_fields_and_not_more) {
        struct buf b;

        buf_init(&b, 1000);
        buf_add(&b, "\x32\x00", 2);
        for (int i = 0; i < 16; i++)
                buf_add(&b, "\x98\x3f\x01", 3); /* field 1011 */
        cr_assert_eq(wire_parse(b.data, b.len, 0, &frame, &reason), WIRE_OK);
        wire_frame_deinit(&frame);

        buf_add(&b, "\x98\x3f\x01", 3);
        expect_malformed("seventeen", b.data, b.len, 0);
        buf_deinit(&b);
}

static struct buf repeated(
        const char *head, size_t head_len, const char *piece, size_t piece_len, size_t n) {
        struct buf b;

        buf_init(&b, 1 << 20);
        cr_assert_eq(buf_add(&b, head, head_len), 0);
        for (size_t i = 0; i < n; i++)
                cr_assert_eq(buf_add(&b, piece, piece_len), 0);
        return b;
}

Test(wire, empty_submessages_are_counted_before_any_memory_is_spent) {
        struct buf b = repeated("\x32\x00", 2, "\xa2\x06\x05\x0d\1\0\0\0", 8, 257);

        expect_malformed("257 caps", b.data, b.len, 0);
        cr_assert_eq(wire_parse(b.data, b.len - 8, 0, &frame, &reason), WIRE_OK);
        cr_expect_eq(frame.extra.n_caps, 256);
        wire_frame_deinit(&frame);
        buf_deinit(&b);

        b = repeated("\x32\x00", 2, "\xa2\x06\x00", 3, 20000);
        expect_malformed("20000 caps", b.data, b.len, 0);
        buf_deinit(&b);

        b = repeated("\xa2\x01\xd0\x0f\x0a\xcd\x0f", 7, "\x12\x00", 2, 998);
        buf_add(&b, "\x08", 1);
        expect_malformed("a cut field in a deep message", b.data, b.len, 0);
        buf_deinit(&b);
}

Test(wire, nested_messages_do_not_recurse) {
        uint8_t *bomb = malloc(34000);

        /* 34 KB of "a message in field 20": only two levels of it exist in the schema. */
        memset(bomb, 0, 34000);
        for (size_t at = 0; at + 5 <= 34000; at += 5) {
                const size_t rest = 34000 - at - 5;

                bomb[at] = 0xa2;
                bomb[at + 1] = 0x01;
                bomb[at + 2] = (uint8_t)(rest | 0x80);
                bomb[at + 3] = (uint8_t)(rest >> 7 | 0x80);
                bomb[at + 4] = (uint8_t)(rest >> 14);
        }
        cr_assert_eq(wire_parse(bomb, 34000, 0, &frame, &reason), WIRE_OK);
        cr_expect_eq(frame.kind, THOX__FRAME__BODY_CONTEXT_NEW);
        cr_expect_null(frame.message->context_new->routing, "the rest is one unknown field");
        wire_frame_deinit(&frame);
        free(bomb);
}

Test(wire, unpacking_more_than_the_budget_is_refused) {
        /* 1300 empty names in a routing: 2 bytes each on the wire, 32 in memory with the array. */
        struct buf b = repeated("\xa2\x01\xab\x14\x0a\xa8\x14", 7, "\x12\x00", 2, 1300);

        cr_assert_eq(wire_parse(b.data, b.len, 0, &frame, &reason), WIRE_E_MALFORMED);
        cr_expect_str_eq(reason, "the frame would take too much memory");
        buf_deinit(&b);
}

Test(wire, a_cid_is_made_of_generation_and_seq) {
        const uint64_t cid = wire_cid(0xfedcba98, 0x12345678);

        cr_expect_eq(wire_cid_generation(cid), 0xfedcba98);
        cr_expect_eq(wire_cid_seq(cid), 0x12345678);
}
