/*
 * test_conn.c - framed sockets: splitting, descriptors, queues, and peers that misbehave.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/macros.h"
#include "libipc/conn.h"
#include "tests/helper/failing_malloc.h"

/* Two connections that face each other, and a raw descriptor for peers that keep no rules. */
static struct conn_scratch near_scratch, far_scratch;
static struct conn near, far;

static void set_up(void) {
        int fds[2];

        cr_assert_eq(conn_scratch_init(&near_scratch), 0);
        cr_assert_eq(conn_scratch_init(&far_scratch), 0);
        cr_assert_eq(fd_socketpair(fds), 0);
        cr_assert_eq(conn_init_take(&near, fds[0], &near_scratch), 0);
        cr_assert_eq(conn_init_take(&far, fds[1], &far_scratch), 0);
        near.max_frame = far.max_frame = LIMIT_FRAME_BYTES;
}

static void tear_down(void) {
        conn_deinit(&near);
        conn_deinit(&far);
        conn_scratch_deinit(&near_scratch);
        conn_scratch_deinit(&far_scratch);
}

TestSuite(conn, .init = set_up, .fini = tear_down, .timeout = 60);

static const struct wire_call sample_call = {
        .handle = 1,
        .name = (const uint8_t *)"echo",
        .name_len = 4,
};

/* The next frame of `far`, reading as often as it takes while `near` flushes. */
static int next_frame(struct wire_frame **ret) {
        int r;

        for (;;) {
                r = conn_next(&far, ret);
                if (r != CONN_E_AGAIN)
                        return r;
                if (near.fd >= 0) {
                        r = conn_flush(&near);
                        if (r != CONN_OK && r != CONN_E_AGAIN)
                                return r;
                }
                r = conn_read(&far);
                if (r != CONN_OK)
                        return r;
        }
}

static struct wire_frame *expect_frame(void) {
        struct wire_frame *frame = NULL;

        cr_assert_eq(next_frame(&frame), CONN_OK, "%s", far.reason ? far.reason : "no frame");
        return frame;
}

/* The bytes of one call, as they lie on the socket. */
static struct buf call_bytes(uint32_t seq, const struct wire_extra *extra) {
        struct buf b;

        buf_init(&b, 1 << 20);
        cr_assert_eq(wire_put_call(&b, seq, &sample_call, extra), 0);
        if (extra)
                cr_assert_eq(buf_add(&b, extra->values, extra->values_len), 0);
        return b;
}

static void write_raw(const void *bytes, size_t len) {
        cr_assert_eq(write(near.fd, bytes, len), (ssize_t)len);
}

/* Bytes with descriptors on the first of them, beside all queues. */
static void write_with_fds(const void *bytes, size_t len, size_t n_fds) {
        union {
                char bytes[CMSG_SPACE(64 * sizeof(int))];
                struct cmsghdr header;
        } control = { 0 };
        struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
        int fds[64];

        for (size_t i = 0; i < n_fds; i++)
                fds[i] = STDERR_FILENO;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        cr_assert_eq(sendmsg(near.fd, &message, 0), (ssize_t)len);
}

static size_t count_open_fds(void) {
        size_t n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

/* An ended connection says the same to everything. */
static void expect_ended(int result) {
        struct wire_frame *frame;

        cr_expect_eq(conn_read(&far), result);
        cr_expect_eq(conn_next(&far, &frame), result == CONN_E_EOF ? CONN_E_AGAIN : result);
}

Test(conn, frames_arrive_in_the_order_they_were_queued) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        WIRE_MESSAGE(message, 3, CANCEL, cancel, &cancel);
        const struct wire_answer answer = { .cid = 8, .status = 2 };
        const struct wire_extra extra = { .values = (const uint8_t *)"\x01", .values_len = 1 };
        struct wire_frame *frame;

        cancel.cid = 77;
        cr_assert_eq(conn_send_call(&near, 1, &sample_call, &extra, NULL), 0);
        cr_assert_eq(conn_send_answer(&near, 2, &answer, NULL, NULL), 0);
        cr_assert_eq(conn_send(&near, &message, NULL), 0);
        cr_expect_gt(conn_pending(&near), 0);

        frame = expect_frame();
        cr_expect_eq(frame->kind, THOX__FRAME__BODY_CALL);
        cr_expect_eq(frame->extra.values_len, 1);
        frame = expect_frame();
        cr_expect_eq(frame->kind, THOX__FRAME__BODY_ANSWER);
        cr_expect_eq(frame->answer.cid, 8);
        frame = expect_frame();
        cr_expect_eq(frame->kind, THOX__FRAME__BODY_CANCEL);
        cr_expect_eq(frame->message->cancel->cid, 77);
        cr_expect_eq(next_frame(&frame), CONN_E_AGAIN);
        cr_expect_eq(conn_pending(&near), 0);
        cr_expect_eq(near.n_bytes_written, far.n_bytes_read);
}

Test(conn, an_idle_connection_holds_no_buffer) {
        struct wire_frame *frame;

        for (uint32_t seq = 1; seq <= 100; seq++)
                cr_assert_eq(conn_send_call(&near, seq, &sample_call, NULL, NULL), 0);
        for (uint32_t seq = 1; seq <= 100; seq++)
                cr_assert_eq(expect_frame()->seq, seq);
        cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);

        cr_expect_null(near.tail);
        cr_expect_null(far.partial);
        cr_expect_null(far.input_chunk);
        cr_expect_null(far_scratch.input_owner);
        cr_expect_leq(near.cap_segments, 4);
}

Test(conn, a_frame_may_be_cut_at_every_byte) {
        const struct wire_extra extra = { .values = (const uint8_t *)"abcdef", .values_len = 6 };
        struct buf b = call_bytes(5, &extra);
        struct wire_frame *frame;

        for (size_t cut = 1; cut < b.len; cut++) {
                write_raw(b.data, cut);
                cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);
                write_raw(b.data + cut, b.len - cut);
                frame = expect_frame();
                cr_assert_eq(frame->call.name_len, 4);
                cr_assert_eq(memcmp(frame->extra.values, "abcdef", 6), 0);
        }
        for (size_t i = 0; i < b.len; i++) {
                cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);
                write_raw(b.data + i, 1);
        }
        cr_expect_eq(expect_frame()->seq, 5);
        buf_deinit(&b);
}

Test(conn, half_a_frame_and_a_close_is_an_end) {
        struct buf b = call_bytes(5, NULL);
        struct wire_frame *frame;

        write_raw(b.data, b.len);
        write_raw(b.data, b.len / 2);
        near.fd = fd_close(near.fd);
        cr_expect_eq(expect_frame()->seq, 5, "what was complete is delivered");
        cr_expect_eq(next_frame(&frame), CONN_E_EOF);
        expect_ended(CONN_E_EOF);
        buf_deinit(&b);
}

Test(conn, a_reset_is_an_end_for_both_directions) {
        struct wire_frame *frame;

        cr_assert_eq(conn_send_call(&far, 1, &sample_call, NULL, NULL), 0);
        cr_assert_eq(conn_flush(&far), CONN_OK);
        near.fd = fd_close(near.fd);
        cr_assert_eq(conn_send_call(&far, 2, &sample_call, NULL, NULL), 0);
        cr_expect_eq(conn_flush(&far), CONN_E_EOF);
        cr_expect_eq(next_frame(&frame), CONN_E_EOF);
}

Test(conn, before_hello_nobody_may_send_more_than_4_kib) {
        static const uint8_t values[LIMIT_FRAME_HELLO_BYTES];
        const struct wire_extra extra = { .values = values, .values_len = sizeof(values) };
        struct wire_frame *frame;

        far.max_frame = LIMIT_FRAME_HELLO_BYTES;
        cr_assert_eq(conn_send_call(&near, 1, &sample_call, &extra, NULL), 0);
        cr_expect_eq(next_frame(&frame), CONN_E_VIOLATION);
        cr_expect_str_eq(far.reason, "the frame is longer than allowed");
        cr_expect_null(far.partial, "nothing was allocated for it");
        expect_ended(CONN_E_VIOLATION);
}

Test(conn, prefixes_that_cannot_be_are_refused) {
        static const uint32_t prefixes[][2] = {
                { UINT32_MAX, 0 },
                { 10, 11 },
                { LIMIT_FRAME_BYTES + 1, 0 },
                { LIMIT_FRAME_VALUES_BYTES + 10, LIMIT_FRAME_VALUES_BYTES + 1 },
                { LIMIT_FRAME_HEADER_BYTES + 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
                struct wire_frame *frame;

                write_raw(prefixes[i], sizeof(prefixes[i]));
                cr_expect_eq(next_frame(&frame), CONN_E_VIOLATION, "prefix %zu", i);
                tear_down();
                set_up();
        }
}

Test(conn, a_malformed_body_ends_the_connection_after_what_came_before) {
        struct buf b = call_bytes(5, NULL);
        struct wire_frame *frame;

        write_raw(b.data, b.len);
        write_raw("\x02\0\0\0\0\0\0\0\x00\x00", 10);
        write_raw(b.data, b.len);
        cr_expect_eq(expect_frame()->seq, 5);
        cr_expect_eq(next_frame(&frame), CONN_E_VIOLATION);
        cr_expect_not_null(far.reason);
        expect_ended(CONN_E_VIOLATION);
        buf_deinit(&b);
}

Test(conn, descriptors_arrive_with_their_frame) {
        const int fds[] = { fd_new_sealed("a", "one", 3), fd_new_sealed("b", "three", 5) };
        const struct wire_extra extra = { .fds = fds, .n_fds = 2 };
        const size_t n_before = count_open_fds();
        struct wire_frame *frame;
        int taken;

        cr_assert_eq(conn_send_call(&near, 1, &sample_call, NULL, NULL), 0);
        cr_assert_eq(conn_send_call(&near, 2, &sample_call, &extra, NULL), 0);
        cr_assert_eq(conn_send_call(&near, 3, &sample_call, &extra, NULL), 0);
        cr_assert_eq(conn_send_call(&near, 4, &sample_call, NULL, NULL), 0);

        cr_assert_eq(expect_frame()->extra.n_fds, 0);
        for (uint32_t seq = 2; seq <= 3; seq++) {
                frame = expect_frame();
                cr_assert_eq(frame->seq, seq);
                cr_assert_eq(frame->extra.n_fds, 2);
                cr_expect_eq(fd_check_sealed(frame->extra.fds[0], 3), 0);
                taken = conn_take_fd(&far, 1);
                cr_expect_eq(fd_check_sealed(taken, 5), 0);
                cr_expect_neq(fcntl(taken, F_GETFD) & FD_CLOEXEC, 0);
                fd_close(taken);
        }
        cr_assert_eq(expect_frame()->seq, 4);
        cr_expect_eq(next_frame(&frame), CONN_E_AGAIN);
        cr_expect_eq(count_open_fds(), n_before, "what was not taken was closed");
        fd_close(fds[0]);
        fd_close(fds[1]);
}

Test(conn, long_frames_with_descriptors_back_to_back_keep_them_apart) {
        static const uint8_t values[LIMIT_FRAME_VALUES_BYTES];
        const int fds[] = { 2, 2, 2, 2, 2, 2, 2, 2 };
        const struct wire_extra extra = {
                .fds = fds, .n_fds = 8, .values = values, .values_len = sizeof(values)
        };

        for (uint32_t seq = 1; seq <= 5; seq++)
                cr_assert_eq(conn_send_call(&near, seq, &sample_call, &extra, NULL), 0);
        for (uint32_t seq = 1; seq <= 5; seq++) {
                struct wire_frame *frame = expect_frame();

                cr_assert_eq(frame->seq, seq);
                cr_assert_eq(frame->extra.n_fds, 8);
                cr_assert_eq(frame->extra.values_len, sizeof(values));
        }
}

static void expect_violation_without_leak(const char *expected, size_t n_fds, size_t n_claimed) {
        const struct wire_extra extra = { .fds = (const int[8]){ 0 }, .n_fds = n_claimed };
        const size_t n_before = count_open_fds();
        struct buf b = call_bytes(1, &extra);
        struct wire_frame *frame;
        int r;

        if (n_fds > 0)
                write_with_fds(b.data, b.len, n_fds);
        else
                write_raw(b.data, b.len);
        do
                r = next_frame(&frame);
        while (r == CONN_OK);
        cr_expect_eq(r, CONN_E_VIOLATION);
        cr_expect_str_eq(far.reason, expected);
        buf_deinit(&b);
        conn_deinit(&far);
        cr_expect_eq(count_open_fds(), n_before - 1, "nothing but the socket was closed");
}

Test(conn, nine_descriptors_are_a_violation_and_all_closed) {
        expect_violation_without_leak("too many descriptors at once", 9, 8);
}

Test(conn, sixty_descriptors_are_a_violation_and_all_closed) {
        expect_violation_without_leak("too many descriptors at once", 60, 8);
}

Test(conn, descriptors_that_no_frame_claims_are_a_violation) {
        expect_violation_without_leak("descriptors that no frame claims", 3, 2);
}

Test(conn, a_claim_without_descriptors_is_a_violation) {
        expect_violation_without_leak("the frame claims descriptors that did not come", 0, 1);
}

/* Values that differ at every position of a long message. */
static uint8_t *patterned(size_t len) {
        uint8_t *bytes = malloc(len);

        cr_assert_not_null(bytes);
        for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
        return bytes;
}

static void expect_pieces(const uint8_t *values, size_t len, size_t n_caps) {
        size_t at = 0;

        for (;;) {
                const struct wire_frame *frame = expect_frame();

                cr_assert_eq(frame->seq, 9);
                cr_assert_eq((frame->call.flags & WIRE_FLAG_CONTINUED) != 0, at > 0);
                cr_assert_leq(frame->extra.values_len, len - at);
                if (frame->extra.values_len > 0)
                        cr_assert_eq(
                                memcmp(frame->extra.values, values + at, frame->extra.values_len),
                                0);
                at += frame->extra.values_len;
                if (!frame->extra.more) {
                        cr_expect_eq(frame->extra.n_caps, n_caps);
                        break;
                }
                cr_expect_eq(frame->extra.n_caps, 0);
        }
        cr_expect_eq(at, len);
}

Test(conn, a_message_of_64_mib_goes_in_pieces) {
        uint8_t *values = patterned(LIMIT_MESSAGE_BYTES);
        const struct wire_cap cap = { .handle = 4, .rights = 1 };
        const struct wire_extra extra = {
                .caps = &cap, .n_caps = 1, .values = values, .values_len = LIMIT_MESSAGE_BYTES
        };

        cr_assert_eq(conn_send_call_long(&near, 9, &sample_call, &extra), 0);
        expect_pieces(values, LIMIT_MESSAGE_BYTES, 1);
        free(values);
}

Test(conn, lengths_around_the_fragment_come_whole) {
        uint8_t *values = patterned(3 * LIMIT_FRAGMENT_BYTES);
        const size_t edge = LIMIT_FRAGMENT_BYTES;
        const size_t lens[] = { edge - 1,   edge,     edge + 1,       edge + 512,
                                edge + 513, 2 * edge, 2 * edge + 600, 100 };

        for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
                const struct wire_extra extra = { .values = values, .values_len = lens[i] };

                cr_assert_eq(conn_send_call_long(&near, 9, &sample_call, &extra), 0);
                expect_pieces(values, lens[i], 0);
        }
        free(values);
}

Test(conn, values_that_are_taken_arrive_and_leave_an_empty_buffer) {
        static const size_t lens[] = { 0, 100, 40000, LIMIT_FRAGMENT_BYTES + 5, 1 << 20 };
        uint8_t *pattern = patterned(1 << 20);
        struct buf values;

        buf_init(&values, 1 << 20);
        for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
                cr_assert_eq(buf_add(&values, pattern, lens[i]), 0);
                cr_assert_eq(conn_send_call_take(&near, 9, &sample_call, NULL, &values, NULL), 0);
                cr_expect_eq(values.len, 0);
                cr_expect_lt(near.tail->len, 36 << 10, "what is long is not copied");
                expect_pieces(pattern, lens[i], 0);
        }

        size_t pending;
        int r;
        do {
                pending = conn_pending(&near);
                cr_assert_eq(buf_add(&values, pattern, 1 << 20), 0);
                r = conn_send_call_take(&near, 9, &sample_call, NULL, &values, NULL);
                cr_assert_eq(values.len, 0);
        } while (r == 0);
        cr_expect_eq(r, CONN_E_FULL);
        cr_expect_eq(conn_pending(&near), pending);
        buf_deinit(&values);
        free(pattern);
}

static void count_return(void *owner, int ref) {
        int *n_returned = owner;

        *n_returned += ref;
}

Test(conn, lent_bytes_follow_the_values_and_go_back_once_they_are_written) {
        static const size_t lens[] = { 20000, LIMIT_FRAGMENT_BYTES, 1 << 20 };
        uint8_t *pattern = patterned(1 << 20);
        struct buf values;

        buf_init(&values, 1 << 20);
        for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
                int n_returned = 0;
                struct chunk *tail =
                        chunk_new_lent(pattern + 70, lens[i] - 70, count_return, &n_returned, 1);

                cr_assert_eq(buf_add(&values, pattern, 70), 0);
                cr_assert_eq(conn_send_call_take(&near, 9, &sample_call, NULL, &values, tail), 0);
                cr_expect_eq(n_returned, 0);
                expect_pieces(pattern, lens[i], 0);
                cr_expect_eq(n_returned, 1);
        }
        buf_deinit(&values);
        free(pattern);
}

Test(conn, long_and_short_frames_may_alternate) {
        uint8_t *values = patterned(LIMIT_FRAGMENT_BYTES);
        static const size_t lens[] = {
                65536, 65536, 0, 65536, 40000, 65536, 1, 65536, 65536, 65535
        };

        for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
                const struct wire_extra extra = { .values = values, .values_len = lens[i] };

                cr_assert_eq(conn_send_call(&near, (uint32_t)i + 1, &sample_call, &extra, NULL), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
                const struct wire_frame *frame = expect_frame();

                cr_assert_eq(frame->seq, i + 1);
                cr_assert_eq(frame->extra.values_len, lens[i]);
                if (lens[i] > 0)
                        cr_assert_eq(memcmp(frame->extra.values, values, lens[i]), 0);
        }
        free(values);
}

/* After a long frame the next read is prepared for another: feed it every other thing. */
Test(conn, a_wrong_guess_about_the_next_frame_loses_nothing) {
        uint8_t *values = patterned(LIMIT_FRAGMENT_BYTES);
        const struct wire_extra extra = { .values = values, .values_len = LIMIT_FRAGMENT_BYTES };
        struct buf small = call_bytes(2, NULL);

        for (size_t n = 1; n < small.len; n++) {
                struct wire_frame *frame;

                cr_assert_eq(conn_send_call(&near, 1, &sample_call, &extra, NULL), 0);
                cr_assert_eq(expect_frame()->seq, 1);
                cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);
                write_raw(small.data, n);
                cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);
                write_raw(small.data + n, small.len - n);
                cr_assert_eq(expect_frame()->seq, 2);
        }
        buf_deinit(&small);
        free(values);
}

Test(conn, a_long_frame_is_forwarded_without_copying_its_values) {
        uint8_t *values = patterned(LIMIT_FRAGMENT_BYTES);
        const struct wire_extra extra = { .values = values, .values_len = LIMIT_FRAGMENT_BYTES };
        struct conn_scratch last_scratch;
        struct wire_frame *frame;
        struct conn out, last;
        int fds[2];

        cr_assert_eq(conn_scratch_init(&last_scratch), 0);
        cr_assert_eq(fd_socketpair(fds), 0);
        cr_assert_eq(conn_init_take(&out, fds[0], &far_scratch), 0);
        cr_assert_eq(conn_init_take(&last, fds[1], &last_scratch), 0);
        last.max_frame = LIMIT_FRAME_BYTES;

        for (uint32_t seq = 1; seq <= 3; seq++) {
                cr_assert_eq(conn_send_call(&near, seq, &sample_call, &extra, NULL), 0);
                frame = expect_frame();
                cr_assert_eq(conn_send_call(&out, seq, &frame->call, &frame->extra, &far), 0);
                cr_expect_lt(out.tail->len, seq * 80, "headers alone are in the tail");
        }
        /* The frames' own connection goes first: their memory stays until it is written. */
        conn_deinit(&far);
        for (uint32_t seq = 1; seq <= 3; seq++) {
                int r;

                while ((r = conn_next(&last, &frame)) == CONN_E_AGAIN) {
                        r = conn_flush(&out);
                        cr_assert(r == CONN_OK || r == CONN_E_AGAIN);
                        cr_assert_eq(conn_read(&last), CONN_OK);
                }
                cr_assert_eq(r, CONN_OK);
                cr_assert_eq(frame->seq, seq);
                cr_assert_eq(frame->extra.values_len, LIMIT_FRAGMENT_BYTES);
                cr_assert_eq(memcmp(frame->extra.values, values, LIMIT_FRAGMENT_BYTES), 0);
        }
        conn_deinit(&out);
        conn_deinit(&last);
        conn_scratch_deinit(&last_scratch);
        free(values);
}

Test(conn, another_connection_may_read_before_all_frames_were_taken) {
        struct wire_frame *frame;
        struct conn other;
        int fds[2];

        cr_assert_eq(fd_socketpair(fds), 0);
        cr_assert_eq(conn_init_take(&other, fds[0], &far_scratch), 0);
        for (uint32_t seq = 1; seq <= 3; seq++)
                cr_assert_eq(conn_send_call(&near, seq, &sample_call, NULL, NULL), 0);
        cr_assert_eq(expect_frame()->seq, 1);

        cr_assert_eq(write(fds[1], "junkjunkjunkjunk", 16), 16);
        cr_assert_eq(conn_read(&other), CONN_OK);
        cr_assert_eq(expect_frame()->seq, 2);
        cr_assert_eq(expect_frame()->seq, 3);
        cr_assert_eq(next_frame(&frame), CONN_E_AGAIN);
        cr_assert_eq(conn_next(&other, &frame), CONN_E_VIOLATION);
        conn_deinit(&other);
        fd_close(fds[1]);
}

Test(conn, a_peer_that_never_reads_fills_its_queue_and_no_more) {
        static const uint8_t values[LIMIT_FRAGMENT_BYTES];
        const struct wire_extra extra = { .values = values, .values_len = sizeof(values) };
        size_t before;
        int r;

        do {
                before = conn_pending(&near);
                r = conn_send_call(&near, 1, &sample_call, &extra, NULL);
                cr_assert_neq(conn_flush(&near), CONN_E_EOF);
        } while (r == 0);
        cr_expect_eq(r, CONN_E_FULL);
        cr_expect_eq(conn_pending(&near), before);
        cr_expect_leq(conn_pending(&near), LIMIT_OUT_BYTES);
        cr_expect_gt(conn_pending(&near), LIMIT_OUT_BYTES - 2 * LIMIT_FRAGMENT_BYTES);
}

Test(conn, a_long_message_that_does_not_fit_leaves_nothing_behind) {
        uint8_t *values = patterned(LIMIT_MESSAGE_BYTES);
        const struct wire_extra extra = { .values = values, .values_len = LIMIT_MESSAGE_BYTES };
        const struct wire_extra over = { .values = values, .values_len = LIMIT_MESSAGE_BYTES + 1 };
        const struct wire_answer answer = { .cid = 1 };
        size_t before;

        cr_expect_eq(conn_send_call_long(&near, 1, &sample_call, &over), -EMSGSIZE);
        cr_assert_eq(conn_send_answer_long(&near, 1, &answer, &extra), 0);
        before = conn_pending(&near);
        cr_expect_eq(conn_send_answer_long(&near, 2, &answer, &extra), CONN_E_FULL);
        cr_expect_eq(conn_pending(&near), before);
        free(values);

        for (bool more = true; more;) {
                const struct wire_frame *frame = expect_frame();

                cr_assert_eq(frame->seq, 1);
                more = frame->extra.more;
        }
        cr_assert_eq(conn_send_call(&near, 3, &sample_call, NULL, NULL), 0);
        cr_expect_eq(expect_frame()->seq, 3);
}

/* What the sweep does with the n-th allocation failing: each frame arrives or its sender was told. */
static void exchange_under_failure(size_t fail_at) {
        static const uint8_t values[2 * LIMIT_FRAGMENT_BYTES];
        const struct wire_extra with_fds = { .fds = (const int[]){ 2 }, .n_fds = 1 };
        const struct wire_extra large = { .values = values, .values_len = sizeof(values) };
        struct wire_frame *frame;
        size_t n_sent = 0, n_seen = 0;
        int r;

        failing_malloc_start(fail_at);
        n_sent += conn_send_call(&near, 1, &sample_call, NULL, NULL) == 0;
        n_sent += conn_send_call(&near, 2, &sample_call, &with_fds, NULL) == 0;
        n_sent += conn_send_call_long(&near, 3, &sample_call, &large) == 0;
        n_sent += conn_send_call(&near, 4, &sample_call, NULL, NULL) == 0;
        while ((r = next_frame(&frame)) == CONN_OK)
                n_seen += !frame->extra.more;
        failing_malloc_stop();

        cr_assert(r == CONN_E_AGAIN || r == -ENOMEM, "%zu: %d", fail_at, r);
        if (r == CONN_E_AGAIN)
                cr_assert_eq(n_seen, n_sent, "%zu", fail_at);
        else
                cr_assert_leq(n_seen, n_sent);
}

Test(conn, any_allocation_may_fail) {
        size_t fail_at = 1;

        do {
                exchange_under_failure(fail_at);
                tear_down();
                set_up();
        } while (failing_malloc_has_failed() && ++fail_at < 1000);
        cr_expect_gt(fail_at, 5);
        cr_expect_lt(fail_at, 1000);
}
