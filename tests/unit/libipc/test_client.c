/*
 * test_client.c - the blocking client against a scripted peer in a child process.
 */
#include "libipc/client.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "tests/helper/script.h"

#define TIMEOUT_US (10 * CLOCK_S_US)
#define LONG_BYTES (5 * LIMIT_FRAGMENT_BYTES + 3)

static struct client *client;

static void stop(void) {
        client_free(client);
        script_close();
}

TestSuite(client, .init = script_open, .fini = stop, .timeout = 20);

static int run_and_connect(void (*script)(void), uint64_t timeout_us) {
        script_start(script);
        return client_new(&client, script_path, "tester", timeout_us);
}

static void connect_to(void (*script)(void)) {
        int r = run_and_connect(script, TIMEOUT_US);
        cr_assert_eq(r, 0, "%s", strerror(-r));
}

static void disconnect(void) {
        client = client_free(client);
        script_end();
}

static void expect_event(enum client_event_type type, struct client_event *event) {
        int r = client_wait(client, TIMEOUT_US, -1, event);
        cr_assert_eq(r, 0, "%s", strerror(-r));
        cr_assert_eq(event->type, type, "event %d", (int)event->type);
}

/*
 * Connecting.
 */

static void script_welcome(void) {
        peer_welcome();
        peer_finish();
}

Test(client, it_says_hello_and_learns_who_it_is) {
        connect_to(script_welcome);
        cr_assert_eq(client_pid(client), 17);
        cr_assert_eq(client_uid(client), 1000);
        cr_assert_str_eq(client_software(client), "thox 0.1.0");
        disconnect();
}

Test(client, a_path_that_fits_no_socket_is_named_so) {
        char longer[200];
        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        cr_assert_eq(client_new(&client, longer, "tester", TIMEOUT_US), -ENAMETOOLONG);
}

Test(client, nobody_there_is_the_error_of_connect) {
        char other[100];
        snprintf(other, sizeof(other), "%s-2", script_path);
        cr_assert_eq(client_new(&client, other, "tester", TIMEOUT_US), -ENOENT);
        script_listener = fd_close(script_listener);
        cr_assert_eq(client_new(&client, script_path, "tester", TIMEOUT_US), -ECONNREFUSED);
}

static void script_garbage(void) {
        CHECK(write(peer_conn.fd, "HTTP/1.1 400 Bad Request\r\n", 26) == 26);
        peer_expect(THOX__FRAME__BODY_HELLO);
        peer_finish();
}

Test(client, a_peer_that_is_no_thox_is_a_protocol_error) {
        cr_assert_eq(run_and_connect(script_garbage, TIMEOUT_US), -EPROTO);
        disconnect();
}

Test(client, a_peer_that_says_nothing_is_waited_for_as_long_as_asked) {
        uint64_t before = clock_now_us();
        cr_assert_eq(client_new(&client, script_path, "tester", 50 * CLOCK_MS_US), -ETIMEDOUT);
        cr_assert_geq(clock_now_us() - before, 50 * CLOCK_MS_US);
        /* The backlog holds two; connecting itself has a limit as well. */
        int queued[2];
        for (int i = 0; i < 2; i++) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                memcpy(address.sun_path, script_path, strlen(script_path));
                queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(queued[i], (struct sockaddr *)&address, sizeof(address));
        }
        cr_assert_eq(client_new(&client, script_path, "tester", 50 * CLOCK_MS_US), -ETIMEDOUT);
        fd_close(queued[0]);
        fd_close(queued[1]);
}

/*
 * Calling.
 */

static void script_echo(void) {
        struct buf all;
        uint32_t seq;

        peer_welcome();
        buf_init(&all, LIMIT_MESSAGE_BYTES);
        do {
                peer_expect(THOX__FRAME__BODY_CALL);
                CHECK(peer_frame->call.name_len == 4 && peer_frame->call.handle == 6);
                CHECK(buf_add(&all, peer_frame->extra.values, peer_frame->extra.values_len) == 0);
        } while (peer_frame->extra.more);
        CHECK(peer_frame->extra.n_caps == 1 && peer_frame->extra.caps[0].handle == 3);
        seq = peer_frame->seq;

        struct wire_answer answer = { .status = 77 };
        struct wire_extra extra = { .values = all.data, .values_len = all.len };
        CHECK(conn_send_answer_long(&peer_conn, seq, &answer, &extra) == 0);
        peer_finish();
}

Test(client, a_long_call_comes_back_whole) {
        struct wire_cap cap = { .handle = 3 };
        struct buf values, answer;
        uint32_t status;
        uint8_t *bytes = calloc(1, LONG_BYTES);

        connect_to(script_echo);
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        buf_init(&answer, LIMIT_MESSAGE_BYTES);
        value_put_bytes(&values, bytes, LONG_BYTES);
        cr_assert_eq(client_call(client, 6, "echo", &values, &cap, 1, TIMEOUT_US, &status, &answer),
                     0);
        cr_assert_eq(status, 77);
        cr_assert_eq(answer.len, values.len);
        cr_assert_eq(memcmp(answer.data, values.data, answer.len), 0);
        buf_deinit(&values);
        buf_deinit(&answer);
        free(bytes);
        disconnect();
}

static void script_busy(void) {
        Thox__Exited exited = THOX__EXITED__INIT;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_call(wire_cid(3, 1), 0, true, "ab", 2);
        peer_hangup(12);
        exited.pid = 21;
        exited.status = 1;
        exited.signal = 9;
        exited.reason = EXIT_REASON_KILLED;
        exited.message = wire_bytes("gone", 4);
        WIRE_MESSAGE(m, 0, EXITED, exited, &exited);
        peer_send(&m);
        peer_call(wire_cid(3, 1), WIRE_FLAG_CONTINUED, false, "cd", 2);
        peer_answer(peer_frame->seq, STATUS_OK, "\x01", 1, false);

        peer_expect(THOX__FRAME__BODY_ANSWER);
        CHECK(peer_frame->answer.cid == wire_cid(3, 1) &&
              peer_frame->answer.status == STATUS_DENIED);
        CHECK(peer_frame->extra.values_len == 0);
        peer_finish();
}

Test(client, what_arrives_during_a_call_is_kept_in_order) {
        struct client_event e;
        struct buf answer;
        uint32_t status;

        connect_to(script_busy);
        buf_init(&answer, 1000);
        cr_assert_eq(client_call(client, CLIENT_NATIVE_HANDLE, "x", NULL, NULL, 0, TIMEOUT_US,
                                 &status, &answer),
                     0);
        cr_assert_eq(answer.len, 1);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        cr_assert_eq(e.handle, 12);
        expect_event(CLIENT_EVENT_EXITED, &e);
        cr_assert(e.pid == 21 && e.status == 1 && e.signal == 9);
        cr_assert_eq(e.reason, EXIT_REASON_KILLED);
        cr_assert(e.message_len == 4 && memcmp(e.message, "gone", 4) == 0);
        expect_event(CLIENT_EVENT_CALL, &e);
        cr_assert(e.handle == 4 && e.pid == 11 && e.uid == 1000 && !e.is_oneway);
        cr_assert(e.name_len == 5 && memcmp(e.name, "write", 5) == 0);
        cr_assert(e.values_len == 4 && memcmp(e.values, "abcd", 4) == 0);
        cr_assert_eq(client_answer(client, e.cid, STATUS_DENIED, NULL), 0);
        buf_deinit(&answer);
        disconnect();
}

static void script_silent(void) {
        uint32_t seq;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        seq = peer_frame->seq;
        peer_expect(THOX__FRAME__BODY_CANCEL);
        CHECK(peer_frame->message->cancel->cid == wire_cid(SCRIPT_GENERATION, seq));
        peer_answer(seq, STATUS_CANCELLED, NULL, 0, false);
        peer_hangup(1);
        peer_finish();
}

Test(client, a_call_past_its_deadline_is_withdrawn_and_its_answer_dropped) {
        struct client_event e;
        struct buf answer;
        uint32_t status;

        connect_to(script_silent);
        buf_init(&answer, 1000);
        cr_assert_eq(client_call(client, 1, "x", NULL, NULL, 0, 20 * CLOCK_MS_US, &status, &answer),
                     -ETIMEDOUT);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        buf_deinit(&answer);
        disconnect();
}

static void script_reverse(void) {
        uint32_t first;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        first = peer_frame->seq;
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_answer(first, STATUS_OK, "a", 1, true);
        peer_answer(peer_frame->seq, STATUS_BUSY, NULL, 0, false);
        struct wire_answer last = { .flags = WIRE_FLAG_CONTINUED };
        struct wire_extra extra = { .values = (const uint8_t *)"b", .values_len = 1 };
        CHECK(conn_send_answer(&peer_conn, first, &last, &extra, NULL) == 0);
        peer_finish();
}

Test(client, calls_started_are_told_apart) {
        struct client_event e;
        struct client_request x = { .handle = 1, .name = "x" }, y = { .handle = 1, .name = "y" };
        uint64_t first, second;

        connect_to(script_reverse);
        cr_assert_eq(client_call_start(client, &x, &first), 0);
        cr_assert_eq(client_call_start(client, &y, &second), 0);
        cr_assert_neq(first, second);
        expect_event(CLIENT_EVENT_ANSWER, &e);
        cr_assert(e.cid == second && e.status == STATUS_BUSY);
        expect_event(CLIENT_EVENT_ANSWER, &e);
        cr_assert(e.cid == first && e.status == STATUS_OK);
        cr_assert(e.values_len == 2 && memcmp(e.values, "ab", 2) == 0);
        disconnect();
}

static void script_cancelled(void) {
        peer_welcome();
        peer_call(5, 0, true, "a", 1);
        peer_cancel(5);
        peer_call(5, WIRE_FLAG_CONTINUED, false, "b", 1);
        peer_hangup(1);
        peer_finish();
}

Test(client, a_call_cancelled_half_way_never_shows) {
        struct client_event e;

        connect_to(script_cancelled);
        expect_event(CLIENT_EVENT_CANCEL, &e);
        cr_assert_eq(e.cid, 5);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        disconnect();
}

static void script_withdrawn(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_call(5, 0, false, "a", 1);
        peer_cancel(5);
        peer_call(6, 0, false, "b", 1);
        peer_answer(peer_frame->seq, STATUS_OK, NULL, 0, false);
        peer_finish();
}

Test(client, a_call_withdrawn_before_anybody_looked_at_it_never_shows) {
        struct client_event e;
        struct buf answer;
        uint32_t status;

        connect_to(script_withdrawn);
        buf_init(&answer, 1000);
        cr_assert_eq(client_call(client, 1, "x", NULL, NULL, 0, TIMEOUT_US, &status, &answer), 0);
        expect_event(CLIENT_EVENT_CALL, &e);
        cr_assert_eq(e.cid, 6);
        cr_assert_eq(client_wait(client, 0, -1, &e), -ETIMEDOUT);
        buf_deinit(&answer);
        disconnect();
}

#define MANY (LIMIT_CLIENT_EVENTS + 100u)

static void script_flood(void) {
        uint32_t seq;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        seq = peer_frame->seq;
        for (uint32_t i = 1; i <= MANY; i++)
                peer_call(i, i % 2 == 0 ? WIRE_FLAG_ONEWAY : 0, false, "a", 1);
        peer_answer(seq, STATUS_OK, NULL, 0, false);
        for (uint32_t i = LIMIT_CLIENT_EVENTS + 1; i <= MANY; i += 2) {
                peer_expect(THOX__FRAME__BODY_ANSWER);
                CHECK(peer_frame->answer.cid == i && peer_frame->answer.status == STATUS_BUSY);
                CHECK(peer_frame->extra.values_len > 40);
        }
        peer_finish();
}

Test(client, calls_beyond_what_it_keeps_are_busy_and_the_connection_lives) {
        struct client_event e;
        struct buf answer;
        uint32_t status;

        connect_to(script_flood);
        buf_init(&answer, 1000);
        cr_assert_eq(client_call(client, 1, "x", NULL, NULL, 0, TIMEOUT_US, &status, &answer), 0);
        for (uint32_t i = 1; i <= LIMIT_CLIENT_EVENTS; i++) {
                expect_event(CLIENT_EVENT_CALL, &e);
                cr_assert_eq(e.cid, i);
        }
        cr_assert_eq(client_wait(client, 0, -1, &e), -ETIMEDOUT);
        buf_deinit(&answer);
        disconnect();
}

#define HALF_SENT_BYTES LIMIT_FRAGMENT_BYTES
#define N_HALF_SENT (LIMIT_CLIENT_HELD_BYTES / HALF_SENT_BYTES + 1)

static void script_half_sent(void) {
        uint8_t *bytes = calloc(1, HALF_SENT_BYTES);
        struct wire_call call = { .handle = 4, .name = (const uint8_t *)"write", .name_len = 5 };
        struct wire_extra extra = { .values = bytes, .values_len = HALF_SENT_BYTES, .more = true };

        peer_welcome();
        for (call.cid = 1; call.cid <= N_HALF_SENT; call.cid++) {
                CHECK(conn_send_call(&peer_conn, 1, &call, &extra, NULL) == 0);
                peer_flush();
        }
        peer_expect(THOX__FRAME__BODY_ANSWER);
        CHECK(peer_frame->answer.cid == N_HALF_SENT && peer_frame->answer.status == STATUS_BUSY);
        peer_call(N_HALF_SENT, WIRE_FLAG_CONTINUED, false, "rest", 4);
        peer_hangup(3);
        peer_finish();
        free(bytes);
}

Test(client, calls_that_never_end_hold_so_much_memory_and_no_more) {
        struct client_event e;

        connect_to(script_half_sent);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        disconnect();
}

static void script_started(void) {
        uint32_t first;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        first = peer_frame->seq;
        CHECK(peer_frame->call.timeout_us == 5 &&
              peer_frame->call.flags == wire_priority_flags(WIRE_PRIORITY_DEFAULT));
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK((peer_frame->call.flags & WIRE_FLAG_ONEWAY) != 0);
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_answer(first, STATUS_OK, "a", 1, false);
        peer_answer(peer_frame->seq, STATUS_OK, "b", 1, false);
        peer_finish();
}

Test(client, answers_may_be_awaited_in_any_order) {
        struct client_request x = { .handle = 1, .name = "x", .timeout_us = 5 };
        struct client_request y = { .handle = 1, .name = "y", .is_oneway = true };
        struct client_request z = { .handle = 1, .name = "z" };
        struct client_event e;
        uint64_t first, last;

        connect_to(script_started);
        cr_assert_eq(client_call_start(client, &x, &first), 0);
        cr_assert_eq(client_call_start(client, &y, &last), 0);
        cr_assert_eq(client_call_start(client, &z, &last), 0);
        cr_assert_eq(client_await(client, last, TIMEOUT_US, &e), 0);
        cr_assert(e.values_len == 1 && e.values[0] == 'b');
        cr_assert_eq(client_await(client, first, 0, &e), 0);
        cr_assert(e.values_len == 1 && e.values[0] == 'a');
        disconnect();
}

/*
 * Waiting.
 */

Test(client, waiting_ends_with_the_deadline_or_the_other_descriptor) {
        struct client_event e;
        int fds[2];

        connect_to(script_welcome);
        cr_assert_eq(pipe(fds), 0);
        cr_assert_eq(client_wait(client, 0, fds[0], &e), -ETIMEDOUT);
        cr_assert_eq(client_wait(client, 20 * CLOCK_MS_US, fds[0], &e), -ETIMEDOUT);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert_eq(client_wait(client, CLIENT_FOREVER, fds[0], &e), -EAGAIN);
        fd_close(fds[0]);
        fd_close(fds[1]);
        disconnect();
}

static void script_leave(void) {
        peer_welcome();
        peer_hangup(8);
        CHECK(conn_flush(&peer_conn) == CONN_OK);
}

Test(client, a_lost_connection_delivers_what_came_and_stays_lost) {
        struct client_request x = { .handle = 1, .name = "x" };
        struct client_event e;
        uint64_t cid;

        connect_to(script_leave);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        cr_assert_eq(client_wait(client, TIMEOUT_US, -1, &e), -ECONNRESET);
        cr_assert_eq(client_wait(client, TIMEOUT_US, -1, &e), -ECONNRESET);
        cr_assert_eq(client_call_start(client, &x, &cid), -ECONNRESET);
        disconnect();
}

static void script_context(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CONTEXT_NEW);
        CHECK(!peer_frame->message->context_new->routing);
        peer_reply(peer_frame->seq, STATUS_OK, 40);
        peer_expect(THOX__FRAME__BODY_CONTEXT_NEW);
        CHECK(peer_frame->message->context_new->routing->mode == 2);
        peer_reply(peer_frame->seq, STATUS_LIMIT, 0);
        peer_expect(THOX__FRAME__BODY_BIND);
        CHECK(peer_frame->message->bind->handle == 40 && peer_frame->message->bind->name.len == 4);
        peer_hangup(2);
        peer_reply(peer_frame->seq, STATUS_EXISTS, 0);
        peer_finish();
}

Test(client, contexts_and_binds_wait_for_their_reply) {
        Thox__Routing routing = THOX__ROUTING__INIT;
        struct client_event e;
        uint32_t status, handle;

        connect_to(script_context);
        cr_assert_eq(client_context_new(client, NULL, &status, &handle), 0);
        cr_assert(status == STATUS_OK && handle == 40);
        routing.mode = 2;
        cr_assert_eq(client_context_new(client, &routing, &status, &handle), 0);
        cr_assert_eq(status, STATUS_LIMIT);
        cr_assert_eq(client_bind(client, 40, "name", &status), 0);
        cr_assert_eq(status, STATUS_EXISTS);
        expect_event(CLIENT_EVENT_HANGUP, &e);
        disconnect();
}

/*
 * Queues.
 */

static void peer_pushed(uint64_t number, uint64_t dropped) {
        Thox__Pushed pushed = THOX__PUSHED__INIT;
        const struct wire_extra extra = { .values = (const uint8_t *)"\x07", .values_len = 1 };

        pushed.sid = 1;
        pushed.handle = 1;
        pushed.pid = 11;
        pushed.seq = number;
        pushed.dropped = dropped;
        pushed.name = wire_bytes("news", 4);
        pushed.key = wire_bytes("sport", 5);
        WIRE_MESSAGE(m, 0, PUSHED, pushed, &pushed);
        CHECK(conn_send(&peer_conn, &m, &extra) == 0);
}

static void script_queue(void) {
        Thox__Reply reply = THOX__REPLY__INIT;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_LISTEN);
        const Thox__Listen *listen = peer_frame->message->listen;
        CHECK(listen->handle == 1 && listen->mode == 0 && listen->n_match == 1);
        CHECK(listen->match[0].len == 2 && memcmp(listen->match[0].data, "s*", 2) == 0);
        peer_reply(peer_frame->seq, STATUS_OK, 0);
        peer_expect(THOX__FRAME__BODY_PUSH);
        const Thox__Push *push = peer_frame->message->push;
        CHECK(push->key.len == 5 && peer_frame->extra.values_len == 1);
        reply.count = 3;
        WIRE_MESSAGE(m, peer_frame->seq, REPLY, reply, &reply);
        peer_pushed(1, 4);
        peer_send(&m);
        peer_flush();
        peer_expect(THOX__FRAME__BODY_PUSH);
        reply.status = STATUS_AGAIN;
        reply.message = wire_bytes("full", 4);
        m.seq = peer_frame->seq;
        peer_send(&m);
        peer_finish();
}

/* row 64 */
Test(client, it_listens_and_pushes) {
        const char *const match[] = { "s*" };
        struct client_reply reply;
        struct client_event event;
        struct buf value;
        connect_to(script_queue);
        buf_init(&value, 16);
        cr_assert_eq(value_put_integer(&value, 7), 0);
        cr_assert_eq(client_listen(client, 1, "news", match, 1, &reply), 0);
        cr_assert_eq(reply.status, STATUS_OK);
        cr_assert_eq(client_push(client, 1, "news", "sport", &value, &reply), 0);
        cr_assert_eq(reply.count, 3);
        expect_event(CLIENT_EVENT_PUSHED, &event);
        cr_assert_eq(event.number, 1);
        cr_assert_eq(event.dropped, 4);
        cr_assert(event.name_len == 4 && memcmp(event.name, "news", 4) == 0);
        cr_assert(event.key_len == 5 && memcmp(event.key, "sport", 5) == 0);
        cr_assert(event.values_len == 1 && event.values[0] == 7);
        cr_assert_eq(client_push(client, 1, "news", NULL, &value, &reply), 0);
        cr_assert_eq(reply.status, STATUS_AGAIN);
        cr_assert_str_eq(reply.message, "full");
        buf_deinit(&value);
        disconnect();
}

static void script_pushes(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        for (uint64_t i = 1; i <= LIMIT_CLIENT_EVENTS + 10; i++)
                peer_pushed(i, 0);
        peer_answer(peer_frame->seq, STATUS_OK, NULL, 0, false);
        peer_pushed(LIMIT_CLIENT_EVENTS + 11, 0);
        peer_flush();
        peer_finish();
}

/* row 65 */
Test(client, a_flood_during_a_call_is_lost_and_counted) {
        struct client_event event;
        struct buf answer;
        uint32_t status;
        connect_to(script_pushes);
        buf_init(&answer, 16);
        cr_assert_eq(client_call(client, 1, "x", NULL, NULL, 0, TIMEOUT_US, &status, &answer), 0);
        for (uint64_t n = 1; n <= LIMIT_CLIENT_EVENTS; n++) {
                expect_event(CLIENT_EVENT_PUSHED, &event);
                cr_assert(event.number == n && event.dropped == 0);
        }
        expect_event(CLIENT_EVENT_PUSHED, &event);
        cr_assert_eq(event.number, LIMIT_CLIENT_EVENTS + 11);
        cr_assert_eq(event.dropped, 10);
        disconnect();
}
