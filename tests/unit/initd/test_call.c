/*
 * Calls between peers: exactly one answer on every path, identity stamped, limits named.
 */
#include <assert.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end client, server;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &client, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &server, PEER_ROLE_WORKER, 11);
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "echo"), STATUS_OK);
}

static void tear_down(void) {
        end_deinit(&client);
        end_deinit(&server);
        cr_assert_eq(f.router.calls.n_used, 0, "no call may outlive its ends");
        fixture_deinit(&f);
}

TestSuite(call, .init = set_up, .fini = tear_down, .timeout = 10);

/* row 33, row 34, row 145 */
Test(call, reaches_the_server_with_the_callers_identity) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", "hello");
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.cid, cid);
        cr_assert_eq(frame->call.pid, 10);
        cr_assert_eq(frame->call.uid, 1010);
        cr_assert_eq(frame->call.handle, FIXTURE_NATIVE);
        cr_assert(frame->call.name_len == 4 && memcmp(frame->call.name, "echo", 4) == 0);
        cr_assert(frame->extra.values_len == 6 && memcmp(frame->extra.values, "\x45hello", 6) == 0);
        end_answer(&server, cid, STATUS_OK, "back");
        frame = end_expect_answer(&client, cid, STATUS_OK);
        cr_assert_eq(frame->answer.pid, 11);
        cr_assert(memcmp(frame->extra.values,
                         "\x44"
                         "back",
                         5) == 0);
}

/* row 145 */
Test(call, forged_pid_uid_and_cid_are_overwritten) {
        struct wire_call forged = { .cid = 1,
                                    .pid = 1,
                                    .handle = FIXTURE_NATIVE,
                                    .uid = 0,
                                    .name = (const uint8_t *)"echo",
                                    .name_len = 4 };
        uint64_t cid = end_call_with(&client, &forged, NULL);
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.cid, cid);
        cr_assert_eq(frame->call.pid, 10);
        cr_assert_eq(frame->call.uid, 1010);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

/* row 32 */
Test(call, unbound_name_is_refused_without_waking_anybody) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "nobody.serves.this", NULL);
        end_expect_answer(&client, cid, STATUS_NOTBOUND);
        end_expect_silence(&server);
}

/* row 32 */
Test(call, bad_name_and_bad_context_are_refused) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "a/b", NULL);
        end_expect_answer(&client, cid, STATUS_BADARGS);
        cid = end_call(&client, 77, "echo", NULL);
        end_expect_answer(&client, cid, STATUS_BADCTX);
}

/* row 35 */
Test(call, second_answer_is_dropped) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        end_answer(&server, cid, STATUS_OK, "one");
        end_answer(&server, cid, STATUS_OK, "two");
        end_expect_answer(&client, cid, STATUS_OK);
        end_expect_silence(&client);
        cr_assert_eq(f.n_closed, 0);
}

/* row 35 */
Test(call, answer_from_a_stranger_removes_the_stranger_only) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        struct end stranger;
        fixture_add(&f, &stranger, PEER_ROLE_WORKER, 12);
        end_answer(&stranger, cid, STATUS_OK, "forged");
        end_expect_closed(&stranger);
        cr_assert_eq(f.closed_pid, 12);
        cr_assert_eq(f.closed_reason, EXIT_REASON_PROTOCOL);
        end_answer(&server, cid, STATUS_OK, "true");
        end_expect_answer(&client, cid, STATUS_OK);
        end_deinit(&stranger);
}

Test(call, answer_with_an_invented_cid_removes_its_sender) {
        end_answer(&server, wire_cid(9999, 1), STATUS_OK, NULL);
        end_expect_closed(&server);
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect_answer(&client, cid, STATUS_NOTBOUND);
}

/* row 43 */
Test(call, death_of_the_server_answers_dead) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_deinit(&server);
        end_expect_answer(&client, cid, STATUS_DEAD);
        fixture_add(&f, &server, PEER_ROLE_WORKER, 11);
}

/* row 44 */
Test(call, death_of_the_caller_cancels) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        end_deinit(&client);
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CANCEL);
        cr_assert_eq(frame->message->cancel->cid, cid);
        cr_assert_eq(f.router.calls.n_used, 0);
        end_answer(&server, cid, STATUS_OK, "too late");
        cr_assert_eq(f.n_closed, 1, "a late answer is harmless");
        fixture_add(&f, &client, PEER_ROLE_WORKER, 10);
}

/* row 45 */
Test(call, deadline_answers_timeout_and_cancels_the_server) {
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .timeout_us = 20000,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        uint64_t before = clock_now_us();
        uint64_t cid = end_call_with(&client, &call, NULL);
        end_expect_answer(&client, cid, STATUS_TIMEOUT);
        cr_assert_geq(clock_now_us() - before, 20000);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        end_expect(&server, THOX__FRAME__BODY_CANCEL);
}

/* row 42 */
Test(call, cancel_answers_once_and_tells_the_server) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = cid;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        end_send(&client, &m);
        end_expect_answer(&client, cid, STATUS_CANCELLED);
        end_expect(&server, THOX__FRAME__BODY_CANCEL);
        end_answer(&server, cid, STATUS_OK, "late");
        end_expect_silence(&client);
}

/* row 46 */
Test(call, oneway_has_no_answer_and_leaves_nothing) {
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .flags = WIRE_FLAG_ONEWAY,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        end_call_with(&client, &call, NULL);
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.flags, WIRE_FLAG_ONEWAY);
        cr_assert_eq(f.router.calls.n_used, 0);
        call.name = (const uint8_t *)"none";
        end_call_with(&client, &call, NULL);
        end_expect_silence(&client);
}

/* row 36 */
Test(call, after_unbind_the_name_is_not_bound) {
        Thox__Unbind unbind = THOX__UNBIND__INIT;
        unbind.handle = FIXTURE_NATIVE;
        unbind.name = wire_bytes("echo", 4);
        WIRE_MESSAGE(m, ++client.next_seq, UNBIND, unbind, &unbind);
        end_send(&client, &m);
        cr_assert_eq(end_expect(&client, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_NOTBOUND, "not the client's to unbind");
        m.seq = ++server.next_seq;
        end_send(&server, &m);
        cr_assert_eq(end_expect(&server, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_OK);
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect_answer(&client, cid, STATUS_NOTBOUND);
}

static void expect_busy(struct end *e, uint64_t cid, const char *limit) {
        struct wire_frame *frame = end_expect_answer(e, cid, STATUS_BUSY);
        cr_assert(memmem(frame->extra.values, frame->extra.values_len, limit, strlen(limit)),
                  "the message names %s", limit);
}

/* As many calls as one process may have at one name. */
static void fill_pair(struct end *e, const char *name) {
        for (unsigned i = 0; i < LIMIT_CALLS_PER_PAIR; i++)
                end_call(e, FIXTURE_NATIVE, name, NULL);
}

static void fill_caller(void) {
        static const char *const names[] = { "b", "c", "d", "echo" };
        for (size_t i = 0; i + 1 < ARRAY_SIZE(names); i++)
                cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, names[i]), STATUS_OK);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                fill_pair(&client, names[i]);
        static_assert(ARRAY_SIZE(names) * LIMIT_CALLS_PER_PAIR == LIMIT_CALLS_PER_CALLER,
                      "fills it to the limit");
}

/* row 40 */
Test(call, one_call_over_the_limit_of_a_caller_is_busy_at_once) {
        fill_caller();
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        expect_busy(&client, cid, "LIMIT_CALLS_PER_CALLER");
        uint64_t first = end_expect(&server, THOX__FRAME__BODY_CALL)->call.cid;
        end_answer(&server, first, STATUS_OK, NULL);
        end_expect_answer(&client, first, STATUS_OK);
        end_call(&client, FIXTURE_NATIVE, "b", NULL);
        end_expect_silence(&client);
}

/* row 40 */
Test(call, one_client_does_not_fill_a_service) {
        struct end other;
        fixture_add(&f, &other, PEER_ROLE_WORKER, 12);
        fill_pair(&client, "echo");
        expect_busy(&client, end_call(&client, FIXTURE_NATIVE, "echo", NULL),
                    "LIMIT_CALLS_PER_PAIR");
        uint64_t cid = end_call(&other, FIXTURE_NATIVE, "echo", NULL);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&other, cid, STATUS_OK);
        end_deinit(&other);
}

/* row 40 */
Test(call, one_client_does_not_fill_a_manual_context) {
        uint32_t handle = end_context(&client, NULL);
        for (unsigned i = 0; i < LIMIT_CALLS_PER_PAIR; i++)
                end_call(&client, handle, "any", NULL);
        uint64_t cid = end_call(&client, handle, "other", NULL);
        for (unsigned i = 0; i < LIMIT_CALLS_PER_PAIR; i++)
                end_expect(&client, THOX__FRAME__BODY_CALL);
        expect_busy(&client, cid, "LIMIT_CALLS_PER_PAIR");
        end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_expect_silence(&client);
}

/* row 40 */
Test(call, many_clients_fill_a_service_to_its_limit) {
        struct end others[LIMIT_CALLS_PER_SERVICE / LIMIT_CALLS_PER_PAIR];
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                fixture_add(&f, &others[i], PEER_ROLE_WORKER, 20 + (uint32_t)i);
                fill_pair(&others[i], "echo");
        }
        expect_busy(&client, end_call(&client, FIXTURE_NATIVE, "echo", NULL),
                    "LIMIT_CALLS_PER_SERVICE");
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                end_deinit(&others[i]);
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

static uint32_t bind_with_limit(struct end *e, const char *name, uint32_t limit) {
        Thox__Bind bind = THOX__BIND__INIT;
        bind.handle = FIXTURE_NATIVE;
        bind.name = wire_bytes(name, strlen(name));
        bind.limit = limit;
        WIRE_MESSAGE(m, ++e->next_seq, BIND, bind, &bind);
        end_send(e, &m);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply->status;
}

/* row 40: locks and watches of many programs wait at one daemon */
Test(call, a_daemon_may_have_many_more_calls_than_a_program) {
        struct end daemon;
        fixture_add(&f, &daemon, PEER_ROLE_DAEMON, 40);
        cr_assert_eq(bind_with_limit(&daemon, "store", 0), STATUS_OK);
        struct peer *peer = router_find_peer(&f.router, daemon.pid);
        peer->n_calls_served = LIMIT_CALLS_PER_DAEMON - 1;
        end_call(&client, FIXTURE_NATIVE, "store", NULL);
        end_expect(&daemon, THOX__FRAME__BODY_CALL);
        expect_busy(&client, end_call(&client, FIXTURE_NATIVE, "store", NULL),
                    "LIMIT_CALLS_PER_DAEMON");
        peer->n_calls_served = 1;
        end_deinit(&daemon);
}

/* row 40 */
Test(call, a_limit_of_the_servers_own_holds_beyond_its_unbind) {
        cr_assert_eq(bind_with_limit(&server, "four", LIMIT_CALLS_PER_SERVER + 1), STATUS_BADARGS);
        cr_assert_eq(bind_with_limit(&server, "four", 4), STATUS_OK);
        uint64_t cids[4];
        for (size_t i = 0; i < ARRAY_SIZE(cids); i++)
                cids[i] = end_call(&client, FIXTURE_NATIVE, "four", NULL);
        expect_busy(&client, end_call(&client, FIXTURE_NATIVE, "four", NULL),
                    "limit of its bind 4");
        end_answer(&server, cids[0], STATUS_OK, NULL);
        end_expect_answer(&client, cids[0], STATUS_OK);
        uint64_t fifth = end_call(&client, FIXTURE_NATIVE, "four", NULL);
        for (size_t i = 0; i < 5; i++)
                end_expect(&server, THOX__FRAME__BODY_CALL);
        Thox__Unbind unbind = THOX__UNBIND__INIT;
        unbind.handle = FIXTURE_NATIVE;
        unbind.name = wire_bytes("four", 4);
        WIRE_MESSAGE(m, ++server.next_seq, UNBIND, unbind, &unbind);
        end_send(&server, &m);
        end_expect(&server, THOX__FRAME__BODY_REPLY);
        end_answer(&server, fifth, STATUS_OK, NULL);
        end_expect_answer(&client, fifth, STATUS_OK);
}

Test(call, output_has_room_beside_all_other_calls) {
        struct wire_call print = { .handle = FIXTURE_NATIVE,
                                   .flags = WIRE_FLAG_OUTPUT,
                                   .name = (const uint8_t *)"echo",
                                   .name_len = 4 };
        fill_caller();
        for (unsigned i = 0; i < LIMIT_OUTPUT_CALLS; i++)
                end_call_with(&client, &print, NULL);
        end_expect_silence(&client);
        uint64_t cid = end_call_with(&client, &print, NULL);
        end_expect_answer(&client, cid, STATUS_BUSY);
}

Test(call, output_takes_no_room_from_other_calls) {
        struct wire_call print = { .handle = FIXTURE_NATIVE,
                                   .flags = WIRE_FLAG_OUTPUT,
                                   .name = (const uint8_t *)"write",
                                   .name_len = 5 };
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "write"), STATUS_OK);
        for (unsigned i = 0; i < LIMIT_OUTPUT_CALLS; i++) {
                end_call_with(&client, &print, NULL);
                end_expect(&server, THOX__FRAME__BODY_CALL);
        }
        fill_caller();
        end_expect_silence(&client);
}

/* row 38: a server that computes for long is not removed for what others send it */
Test(call, a_server_with_too_much_to_read_is_busy) {
        size_t len = 2000000;
        uint8_t *bytes = calloc(1, len);
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        struct wire_extra extra = { .values = bytes, .values_len = len };
        const struct peer *peer = router_find_peer(&f.router, 11);
        while (conn_pending(&peer->conn) + len + 4096 < LIMIT_OUT_CALLS_BYTES)
                end_call_with(&client, &call, &extra);
        uint64_t cid = end_call_with(&client, &call, &extra);
        end_expect_answer(&client, cid, STATUS_BUSY);
        cr_assert_eq(f.n_closed, 0);
        free(bytes);
}

static uint64_t call_with_bytes(struct end *e, size_t len) {
        uint8_t *bytes = calloc(1, len);
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        struct wire_extra extra = { .values = bytes, .values_len = len };
        uint64_t cid = end_call_with(e, &call, &extra);
        free(bytes);
        return cid;
}

/* Reads the call to its last frame. */
static void expect_whole_call(struct end *e, uint64_t cid) {
        for (bool more = true; more;) {
                struct wire_frame *frame = end_expect(e, THOX__FRAME__BODY_CALL);
                cr_assert_eq(frame->call.cid, cid);
                more = frame->extra.more;
        }
}

/* row 40: what waits has a limit in bytes as well */
Test(call, a_caller_with_too_many_bytes_unanswered_is_busy) {
        const struct peer *caller = router_find_peer(&f.router, 10);
        const struct peer *callee = router_find_peer(&f.router, 11);
        uint64_t first = call_with_bytes(&client, LIMIT_MESSAGE_BYTES);
        expect_whole_call(&server, first);
        uint64_t cid = call_with_bytes(&client, LIMIT_FRAGMENT_BYTES);
        expect_whole_call(&server, cid);
        expect_busy(&client, call_with_bytes(&client, 8u << 20), "LIMIT_CALL_BYTES_PER_CALLER");
        cr_assert_eq(caller->n_made_bytes, LIMIT_MESSAGE_BYTES + LIMIT_FRAGMENT_BYTES);
        cr_assert_eq(callee->n_served_bytes, caller->n_made_bytes);
        for (size_t i = 1; i < (8u << 20) / LIMIT_FRAGMENT_BYTES; i++)
                end_expect(&server, THOX__FRAME__BODY_CALL);
        end_expect(&server, THOX__FRAME__BODY_CANCEL);
        end_answer(&server, first, STATUS_OK, NULL);
        end_expect_answer(&client, first, STATUS_OK);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
        cr_assert_eq(caller->n_made_bytes, 0);
        cr_assert_eq(callee->n_served_bytes, 0);
}

/* row 40 */
Test(call, many_clients_fill_a_server_to_its_limit_of_bytes) {
        struct end others[4];
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                fixture_add(&f, &others[i], PEER_ROLE_WORKER, 20 + (uint32_t)i);
                expect_whole_call(&server, call_with_bytes(&others[i], LIMIT_MESSAGE_BYTES));
                expect_whole_call(&server, call_with_bytes(&others[i], (8u << 20) - 1));
        }
        expect_whole_call(&server, call_with_bytes(&client, 4));
        expect_busy(&client, call_with_bytes(&client, 1), "LIMIT_CALL_BYTES_PER_SERVER");
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                end_deinit(&others[i]);
        cr_assert_eq(router_find_peer(&f.router, 11)->n_served_bytes, 4);
}

Test(call, long_values_travel_in_frames_and_arrive_whole) {
        size_t len = 700000, n_seen = 0, n_frames = 0;
        uint8_t *bytes = malloc(len);
        for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)(i * 7);
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        struct wire_extra extra = { .values = bytes, .values_len = len };
        uint64_t cid = end_call_with(&client, &call, &extra);
        for (bool more = true; more; n_frames++) {
                struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
                cr_assert_eq(frame->call.cid, cid);
                cr_assert_eq((frame->call.flags & WIRE_FLAG_CONTINUED) != 0, n_frames > 0);
                cr_assert(memcmp(frame->extra.values, bytes + n_seen, frame->extra.values_len) ==
                          0);
                n_seen += frame->extra.values_len;
                more = frame->extra.more;
        }
        cr_assert_eq(n_seen, len);
        cr_assert_gt(n_frames, 2);
        free(bytes);
        end_answer(&server, cid, STATUS_OK, "got it");
        end_expect_answer(&client, cid, STATUS_OK);
}

Test(call, arguments_that_initd_gathers_have_a_limit) {
        size_t len = LIMIT_NATIVE_ARGS_BYTES + 1;
        uint8_t *bytes = calloc(1, len);
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"alarm",
                                  .name_len = 5 };
        struct wire_extra extra = { .values = bytes, .values_len = len };
        uint64_t cid = end_call_with(&client, &call, &extra);
        struct wire_frame *frame = end_expect_answer(&client, cid, STATUS_LIMIT);
        cr_assert(memmem(frame->extra.values, frame->extra.values_len, "LIMIT_NATIVE_ARGS_BYTES",
                         23));
        extra.values_len = 70000; /* what was gathered has been given back */
        cid = end_call_with(&client, &call, &extra);
        end_expect_answer(&client, cid, STATUS_OK);
        free(bytes);
}

/* row 31 */
Test(call, many_calls_are_answered_in_any_order) {
        uint64_t cids[50];
        for (size_t i = 0; i < ARRAY_SIZE(cids); i++)
                cids[i] = end_call(&client, FIXTURE_NATIVE, "echo", NULL);
        for (size_t i = ARRAY_SIZE(cids); i-- > 0;) {
                end_answer(&server, cids[i], STATUS_OK, NULL);
                end_expect_answer(&client, cids[i], STATUS_OK);
        }
}

/* row 38 */
Test(call, alarms_are_answered_in_due_order) {
        uint64_t cids[3];
        const double seconds[3] = { 0.03, 0.01, 0.0 };
        for (size_t i = 0; i < 3; i++) {
                struct buf b;
                buf_init(&b, 64);
                cr_assert(value_put_float(&b, seconds[i]) == 0);
                struct wire_extra extra = { .values = b.data, .values_len = b.len };
                struct wire_call call = { .handle = FIXTURE_NATIVE,
                                          .name = (const uint8_t *)"alarm",
                                          .name_len = 5 };
                cids[i] = end_call_with(&client, &call, &extra);
                buf_deinit(&b);
        }
        for (size_t i = 3; i-- > 0;)
                end_expect_answer(&client, cids[i], STATUS_OK);
}

/* row 38 */
Test(call, bad_alarms_are_refused) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "alarm", "soon");
        end_expect_answer(&client, cid, STATUS_BADARGS);
        cid = end_call(&client, FIXTURE_NATIVE, "alarm", NULL);
        end_expect_answer(&client, cid, STATUS_BADARGS);
}

Test(call, descriptors_ride_along) {
        int fds[2];
        cr_assert(pipe(fds) == 0);
        struct wire_extra extra = { .fds = &fds[0], .n_fds = 1 };
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        uint64_t cid = end_call_with(&client, &call, &extra);
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->extra.n_fds, 1);
        cr_assert(write(fds[1], "x", 1) == 1);
        char c = 0;
        cr_assert(read(frame->extra.fds[0], &c, 1) == 1 && c == 'x');
        close(fds[0]);
        close(fds[1]);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}
