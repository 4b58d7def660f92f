/*
 * fuzz_frame.c - bytes as the stream of a peer, in pieces of odd size. The first byte chooses the sizes.
 * Each frame is forwarded to a second connection, as initd does; the receiver at its end must get every
 * one, with the same values.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct relay {
        struct conn_scratch scratch, end_scratch;
        struct conn in, out, end;
        int peer; /* the raw end that the bytes are written to */
        uint64_t n_in, n_end;
        uint64_t sum_in, sum_end; /* of all values */
};

static void must(bool holds) {
        if (!holds)
                abort();
}

static void relay_init(struct relay *r) {
        int fds[2];

        *r = (struct relay){ 0 };
        must(conn_scratch_init(&r->scratch) == 0 && conn_scratch_init(&r->end_scratch) == 0);
        must(fd_socketpair(fds) == 0 && conn_init_take(&r->in, fds[0], &r->scratch) == 0);
        r->peer = fds[1];
        must(fd_socketpair(fds) == 0 && conn_init_take(&r->out, fds[0], &r->scratch) == 0);
        must(conn_init_take(&r->end, fds[1], &r->end_scratch) == 0);
        r->in.max_frame = r->end.max_frame = LIMIT_FRAME_BYTES;
}

static void relay_deinit(struct relay *r) {
        conn_deinit(&r->in);
        conn_deinit(&r->out);
        conn_deinit(&r->end);
        fd_close(r->peer);
        conn_scratch_deinit(&r->scratch);
        conn_scratch_deinit(&r->end_scratch);
}

static uint64_t sum_of(const struct wire_frame *f) {
        uint64_t sum = f->seq;

        for (size_t i = 0; i < f->extra.values_len; i++)
                sum = sum * 31 + f->extra.values[i];
        return sum;
}

/* What initd refuses before it forwards. */
static bool is_forwardable(const struct wire_frame *f) {
        return f->kind != THOX__FRAME__BODY_CALL || f->call.name_len <= LIMIT_NAME_BYTES;
}

static void relay_forward(struct relay *r, const struct wire_frame *f) {
        int e;

        if (!is_forwardable(f))
                return;
        if (f->kind == THOX__FRAME__BODY_CALL)
                e = conn_send_call(&r->out, f->seq, &f->call, &f->extra, &r->in);
        else if (f->kind == THOX__FRAME__BODY_ANSWER)
                e = conn_send_answer(&r->out, f->seq, &f->answer, &f->extra, &r->in);
        else
                e = conn_send(&r->out, f->message, &f->extra);
        assert(e == 0);
        r->n_in++;
        r->sum_in += sum_of(f);
}

static void relay_drain(struct relay *r) {
        struct wire_frame *f;
        int e;

        do {
                e = conn_flush(&r->out);
                assert(e == CONN_OK || e == CONN_E_AGAIN);
                while ((e = conn_read(&r->end)) == CONN_OK) {
                        while ((e = conn_next(&r->end, &f)) == CONN_OK) {
                                r->n_end++;
                                r->sum_end += sum_of(f);
                        }
                        assert(e == CONN_E_AGAIN);
                }
                assert(e == CONN_E_AGAIN);
        } while (conn_pending(&r->out) > 0);
}

/* False when the peer is ended. */
static bool relay_turn(struct relay *r) {
        struct wire_frame *f;
        int e;

        while ((e = conn_read(&r->in)) == CONN_OK) {
                while ((e = conn_next(&r->in, &f)) == CONN_OK)
                        relay_forward(r, f);
                if (e != CONN_E_AGAIN)
                        break;
        }
        assert(e == CONN_E_AGAIN || (e == CONN_E_VIOLATION && r->in.reason));
        relay_drain(r);
        return e == CONN_E_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct relay r;
        size_t step;

        if (size == 0)
                return 0;
        step = data[0];
        data++;
        size--;

        relay_init(&r);
        for (size_t at = 0; at < size;) {
                size_t n = 1 + step * step;

                if (n > size - at)
                        n = size - at;
                must(write(r.peer, data + at, n) == (ssize_t)n);
                if (!relay_turn(&r))
                        break;
                at += n;
                step = (step * 7 + 3) % 256;
        }
        relay_drain(&r);
        assert(r.n_in == r.n_end && r.sum_in == r.sum_end);
        relay_deinit(&r);
        return 0;
}
