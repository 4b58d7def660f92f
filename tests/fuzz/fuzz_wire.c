/*
 * fuzz_wire.c - u32 le values_len, then a body. What wire_parse accepts protobuf-c must accept and read
 * in the same way, and written again it must be the same frame.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_call(const struct wire_call *a, const Thox__Call *b) {
        assert(a->cid == b->cid && a->handle == b->handle && a->pid == b->pid && a->uid == b->uid);
        assert(a->flags == b->flags && a->timeout_us == b->timeout_us && a->trace == b->trace);
        assert(a->name_len == b->name.len);
        assert(a->name_len == 0 || memcmp(a->name, b->name.data, a->name_len) == 0);
}

static void check_answer(const struct wire_answer *a, const Thox__Answer *b) {
        assert(a->cid == b->cid && a->status == b->status);
        assert(a->pid == b->pid && a->flags == b->flags);
}

static void check_extra(const struct wire_extra *a, const Thox__Frame *b) {
        assert(a->n_fds == b->n_fds && a->n_fds <= LIMIT_FRAME_FDS);
        assert(a->more == (b->more != 0));
        assert(a->n_caps == b->n_caps && a->n_caps <= LIMIT_FRAME_CAPS);
        for (size_t i = 0; i < a->n_caps; i++)
                assert(a->caps[i].handle == b->caps[i]->handle &&
                       a->caps[i].rights == b->caps[i]->rights);
        assert(a->values_len == b->values.len);
        assert(a->values_len == 0 || memcmp(a->values, b->values.data, a->values_len) == 0);
}

static void check_against_protobuf(const struct wire_frame *f, const uint8_t *body, size_t len) {
        Thox__Frame *message = thox__frame__unpack(NULL, len, body);

        assert(message);
        assert(f->seq == message->seq && f->kind == message->body_case);
        check_extra(&f->extra, message);
        if (f->kind == THOX__FRAME__BODY_CALL)
                check_call(&f->call, message->call);
        else if (f->kind == THOX__FRAME__BODY_ANSWER)
                check_answer(&f->answer, message->answer);
        else
                assert(f->message && f->message->body_case == f->kind);
        thox__frame__free_unpacked(message, NULL);
}

static void check_written_again(const struct wire_frame *f) {
        static struct wire_frame again;
        const char *reason;
        struct buf b;
        int r;

        buf_init(&b, 1 << 20);
        if (f->kind == THOX__FRAME__BODY_CALL)
                r = wire_put_call(&b, f->seq, &f->call, &f->extra);
        else if (f->kind == THOX__FRAME__BODY_ANSWER)
                r = wire_put_answer(&b, f->seq, &f->answer, &f->extra);
        else
                r = wire_put(&b, f->message, &f->extra);
        assert(r == 0);
        r = buf_add(&b, f->extra.values, f->extra.values_len);
        assert(r == 0);

        r = wire_parse(b.data + LIMIT_FRAME_PREFIX_BYTES, b.len - LIMIT_FRAME_PREFIX_BYTES,
                       f->extra.values_len, &again, &reason);
        assert(r == WIRE_OK && again.kind == f->kind && again.seq == f->seq);
        assert(again.extra.n_caps == f->extra.n_caps && again.extra.more == f->extra.more);
        wire_frame_deinit(&again);
        buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct wire_frame frame;
        const char *reason = NULL;
        uint32_t values_len;

        if (size < sizeof(values_len))
                return 0;
        memcpy(&values_len, data, sizeof(values_len));
        data += sizeof(values_len);
        size -= sizeof(values_len);
        if (size > LIMIT_FRAME_BYTES || values_len > LIMIT_FRAME_VALUES_BYTES)
                return 0; /* the connection has refused that by its prefix */

        if (wire_parse(data, size, values_len, &frame, &reason) != WIRE_OK) {
                assert(reason);
                return 0;
        }
        check_against_protobuf(&frame, data, size);
        if (frame.kind != THOX__FRAME__BODY_CALL || frame.call.name_len <= LIMIT_NAME_BYTES)
                check_written_again(&frame);
        wire_frame_deinit(&frame);
        return 0;
}
