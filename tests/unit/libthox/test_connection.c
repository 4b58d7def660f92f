/*
 * test_connection.c - the public client against a scripted tree.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "libthox/thox.h"
#include "tests/helper/failing_malloc.h"
#include "tests/helper/script.h"

#define TIMEOUT_US (10 * THOX_SECOND)
#define TEXT "\x42hi"
#define MALFORMED "\x45hi"

static struct thox_client *client;
static struct thox_event *event;

static void stop(void) {
        thox_disconnect(client);
        script_close();
}

TestSuite(connection, .init = script_open, .fini = stop, .timeout = 30);

static void connect_to(void (*script)(void)) {
        script_start(script);
        int r = thox_connect(&client, script_dir, "tester", TIMEOUT_US);
        cr_assert_eq(r, 0, "%s", thox_error(r));
}

static void disconnect(void) {
        thox_disconnect(client);
        client = NULL;
        script_end();
}

static void expect_event(enum thox_event_type type) {
        int r = thox_next(client, TIMEOUT_US, &event);
        cr_assert_eq(r, 0, "%s", thox_error(r));
        cr_assert_eq(event->type, type, "event %d", (int)event->type);
}

static void expect_nothing(void) {
        cr_assert_eq(thox_next(client, 0, &event), -EAGAIN);
}

static bool is_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        return poll(&p, 1, 0) == 1;
}

static void wait_readable(int fd) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        cr_assert_eq(poll(&p, 1, 10000), 1);
}

/*
 * Connecting.
 */

Test(connection, nobody_there_is_said_in_words) {
        cr_assert_eq(thox_connect(&client, "/nonexistent", "tester", TIMEOUT_US), -ENOENT);
        cr_assert_str_eq(thox_error(-ENOENT), "no tree is running there");
        cr_assert_eq(thox_connect(&client, script_dir, "tester", 20 * CLOCK_MS_US), -ETIMEDOUT);
        cr_assert_eq(thox_connect(&client, script_dir, "a\nb", TIMEOUT_US), -EINVAL);
}

static void script_refuse(void) {
        peer_expect(THOX__FRAME__BODY_HELLO);
        peer_reply(peer_frame->seq, STATUS_DENIED, 0);
        peer_finish();
}

Test(connection, a_stranger_is_told_so) {
        script_start(script_refuse);
        cr_assert_eq(thox_connect(&client, script_dir, "tester", TIMEOUT_US), -EACCES);
        script_end();
}

static void script_welcome(void) {
        peer_welcome();
        peer_finish();
}

Test(connection, the_environment_says_where_the_tree_is) {
        setenv("THOX_DIR", script_dir, 1);
        unsetenv("THOX_SOCKET");
        script_start(script_welcome);
        cr_assert_eq(thox_connect(&client, NULL, "tester", TIMEOUT_US), 0);
        cr_assert_eq(thox_pid(client), SCRIPT_PID);
        disconnect();
}

Test(connection, statuses_and_versions_have_names) {
        cr_assert_str_eq(thox_status_name(THOX_NOTBOUND), "NOTBOUND");
        cr_assert_str_eq(thox_status_name(77), "STATUS-77");
        cr_assert_str_eq(thox_version(), THOX_VERSION);
        cr_assert_str_neq(thox_error(THOX_DENIED), thox_error(THOX_BUSY));
}

/*
 * Calling.
 */

static void script_answers(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK(peer_frame->call.handle == 1 && peer_frame->call.timeout_us == 0);
        CHECK(peer_frame->extra.values_len == 3 && memcmp(peer_frame->extra.values, TEXT, 3) == 0);
        peer_answer(peer_frame->seq, STATUS_OK, TEXT, 3, false);
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK(peer_frame->call.handle == 6);
        peer_answer(peer_frame->seq, STATUS_DENIED, TEXT, 3, false);
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_answer(peer_frame->seq, UINT32_MAX, NULL, 0, false);
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_answer(peer_frame->seq, STATUS_OK, MALFORMED, 3, false);
        peer_finish();
}

Test(connection, a_call_returns_what_the_other_end_says) {
        struct thox_writer *args = thox_writer_new();
        struct thox_value v;

        connect_to(script_answers);
        thox_write_string(args, "hi");
        cr_assert_eq(thox_call(client, THOX_DEFAULT, "x", args, TIMEOUT_US, &event), THOX_OK);
        cr_assert(thox_read(&event->values, THOX_STRING, &v));
        cr_assert_str_eq(v.string, "hi");
        cr_assert_str_eq(event->message, "");

        cr_assert_eq(thox_call(client, 5, "x", NULL, TIMEOUT_US, &event), THOX_DENIED);
        cr_assert_str_eq(event->message, "hi");
        cr_assert_eq(thox_call(client, 5, "x", NULL, TIMEOUT_US, &event), INT32_MAX);
        cr_assert_eq(event->status, UINT32_MAX);
        cr_assert_eq(thox_call(client, 5, "x", NULL, TIMEOUT_US, &event), THOX_PROTO);
        cr_assert(!thox_read(&event->values, THOX_ANY, NULL));
        disconnect();
}

static void script_silence(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_expect(THOX__FRAME__BODY_CANCEL);
        peer_finish();
}

Test(connection, an_answer_is_waited_for_until_the_deadline) {
        connect_to(script_silence);
        cr_assert_eq(thox_call(client, THOX_DEFAULT, "x", NULL, 20 * CLOCK_MS_US, &event),
                     THOX_TIMEOUT);
        cr_assert_str_eq(event->message, "no answer came in time");
        disconnect();
}

Test(connection, mistakes_of_the_caller_send_nothing) {
        struct thox_writer *args = thox_writer_new();
        uint64_t cid;
        char longer[LIMIT_NAME_BYTES + 2];

        memset(longer, 'x', sizeof(longer));
        longer[sizeof(longer) - 1] = '\0';
        connect_to(script_welcome);
        thox_write_map(args);
        cr_assert_eq(thox_start(client, THOX_DEFAULT, "x", args, TIMEOUT_US, &cid), -EINVAL);
        cr_assert_eq(thox_call(client, THOX_DEFAULT, longer, NULL, TIMEOUT_US, &event),
                     THOX_BADARGS);
        cr_assert_eq(thox_bind(client, THOX_DEFAULT, longer), THOX_BADARGS);
        cr_assert_eq(thox_answer(client, 99, THOX_OK, thox_writer_new()), THOX_BADCID);
        cr_assert_eq(thox_cancel(client, 99), -EINVAL);
        disconnect();
}

/*
 * Serving.
 */

static void script_calls(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_BIND);
        CHECK(peer_frame->message->bind->handle == 1);
        peer_reply(peer_frame->seq, STATUS_OK, 0);
        peer_call(71, 0, false, TEXT, 3);
        peer_call(72, WIRE_FLAG_ONEWAY, false, TEXT, 3);
        peer_call(73, 0, false, MALFORMED, 3);
        peer_call(74, WIRE_FLAG_ONEWAY, false, MALFORMED, 3);
        peer_call(75, 0, false, TEXT, 3);
        peer_cancel(75);
        peer_hangup(4);

        peer_expect(THOX__FRAME__BODY_ANSWER);
        CHECK(peer_frame->answer.cid == 73 && peer_frame->answer.status == STATUS_BADARGS);
        peer_expect(THOX__FRAME__BODY_ANSWER);
        CHECK(peer_frame->answer.cid == 71 && peer_frame->answer.status == 70);
        CHECK(peer_frame->extra.values_len == 4);
        peer_finish();
}

Test(connection, calls_are_answered_once_and_when_one_likes) {
        connect_to(script_calls);
        cr_assert_eq(thox_bind(client, THOX_DEFAULT, "write"), THOX_OK);
        expect_event(THOX_EVENT_CALL);
        cr_assert(event->cid == 71 && event->pid == 11 && event->uid == 1000);
        cr_assert(event->context == 3 && !event->is_oneway);
        cr_assert_str_eq(event->name, "write");
        expect_event(THOX_EVENT_CALL);
        cr_assert(event->cid == 72 && event->is_oneway);
        cr_assert_eq(thox_answer(client, 72, THOX_OK, NULL), THOX_BADCID, "nobody waits");
        expect_event(THOX_EVENT_CALL);
        cr_assert_eq(event->cid, 75);
        expect_event(THOX_EVENT_CANCEL);
        cr_assert_eq(thox_refuse(client, 75, THOX_ERROR, "late"), THOX_BADCID, "withdrawn");
        expect_event(THOX_EVENT_HANGUP);
        cr_assert_eq(event->context, 3);
        cr_assert_eq(thox_refuse(client, 71, 70, "why"), 0);
        cr_assert_eq(thox_refuse(client, 71, 70, "why"), THOX_BADCID, "answered");
        disconnect();
}

static void script_lost(void) {
        peer_welcome();
        peer_call(71, 0, false, TEXT, 3);
        int r;
        while ((r = conn_next(&peer_conn, &peer_frame)) == CONN_E_AGAIN) {
                peer_flush();
                CHECK(poll(&(struct pollfd){ .fd = peer_conn.fd, .events = POLLIN }, 1, 10000) ==
                      1);
                /* Also good: without memory the connection may end. */
                if (conn_read(&peer_conn) == CONN_E_EOF)
                        return;
        }
        CHECK(r == CONN_OK && peer_frame->kind == THOX__FRAME__BODY_ANSWER);
        CHECK(peer_frame->answer.cid == 71);
        peer_hangup(4);
        peer_finish();
}

/* One allocation after the other fails; whether it did. */
static bool lose_call(size_t fail_at) {
        connect_to(script_lost);
        failing_malloc_start(fail_at);
        int r = thox_next(client, TIMEOUT_US, &event);
        failing_malloc_stop();
        bool has_failed = failing_malloc_has_failed();
        cr_assert_eq(r, has_failed ? -ENOMEM : 0);
        if (r == 0)
                cr_assert_eq(thox_answer(client, 71, THOX_OK, NULL), 0);
        r = thox_next(client, TIMEOUT_US, &event);
        cr_assert(r == -ENOMEM || (r == 0 && event->type == THOX_EVENT_HANGUP));
        disconnect();
        return has_failed;
}

Test(connection, a_call_without_memory_for_it_is_answered_all_the_same) {
        size_t fail_at = 1;
        while (lose_call(fail_at))
                fail_at++;
        cr_assert_gt(fail_at, 3);
}

/*
 * Somebody else's loop.
 */

#define MUCH (8u << 20)

static int go[2]; /* a pipe: the peer may read on */

static void script_loop(void) {
        size_t n = 0;
        char byte;

        peer_welcome();
        peer_hangup(4);
        peer_hangup(5);
        peer_flush();
        CHECK(read(go[0], &byte, 1) == 1);
        do {
                peer_expect(THOX__FRAME__BODY_CALL);
                n += peer_frame->extra.values_len;
        } while (peer_frame->extra.more);
        CHECK(n > MUCH);
        peer_answer(peer_frame->seq, STATUS_OK, NULL, 0, false);
        peer_finish();
}

Test(connection, one_descriptor_says_when_there_is_something_to_do) {
        struct thox_writer *args = thox_writer_new();
        void *bytes = calloc(1, MUCH);
        uint64_t cid;
        int r;

        cr_assert_eq(pipe(go), 0);
        connect_to(script_loop);
        int fd = thox_fd(client);
        cr_assert_geq(fd, 0);
        cr_assert_eq(thox_fd(client), fd);
        expect_event(THOX_EVENT_HANGUP);
        cr_assert(is_readable(fd), "the second came with the first");
        expect_event(THOX_EVENT_HANGUP);
        expect_nothing();
        cr_assert(!is_readable(fd));

        /* More than a socket takes, and nobody reads it yet. */
        thox_write_bytes(args, bytes, MUCH);
        cr_assert_eq(thox_start(client, THOX_DEFAULT, "x", args, TIMEOUT_US, &cid), 0);
        expect_nothing();
        cr_assert(!is_readable(fd));
        cr_assert_eq(write(go[1], "", 1), 1);
        while ((r = thox_next(client, 0, &event)) == -EAGAIN)
                wait_readable(fd);
        cr_assert_eq(r, 0);
        cr_assert(event->type == THOX_EVENT_ANSWER && event->cid == cid);
        expect_nothing();
        cr_assert(!is_readable(fd));
        free(bytes);
        disconnect();
}

static void script_started(void) {
        uint32_t seq;

        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK(peer_frame->call.timeout_us == TIMEOUT_US);
        CHECK((peer_frame->call.flags & WIRE_FLAG_ONEWAY) == 0);
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK(peer_frame->call.timeout_us == 0);
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK(peer_frame->call.timeout_us == 1);
        seq = peer_frame->seq;
        peer_expect(THOX__FRAME__BODY_CALL);
        CHECK((peer_frame->call.flags & WIRE_FLAG_ONEWAY) != 0);
        peer_expect(THOX__FRAME__BODY_CANCEL);
        CHECK(peer_frame->message->cancel->cid == wire_cid(SCRIPT_GENERATION, seq));
        peer_finish();
}

Test(connection, a_call_without_waiting_takes_its_deadline_along) {
        uint64_t cid;

        connect_to(script_started);
        cr_assert_eq(thox_start(client, THOX_DEFAULT, "x", NULL, TIMEOUT_US, &cid), 0);
        cr_assert_eq(thox_start(client, THOX_DEFAULT, "x", NULL, THOX_FOREVER, &cid), 0);
        cr_assert_eq(thox_start(client, THOX_DEFAULT, "x", NULL, 0, &cid), 0);
        cr_assert_eq(thox_send(client, THOX_DEFAULT, "x", NULL), 0);
        cr_assert_eq(thox_cancel(client, cid), 0);
        disconnect();
}

static void script_event_first(void) {
        peer_welcome();
        peer_expect(THOX__FRAME__BODY_CALL);
        peer_hangup(4);
        peer_answer(peer_frame->seq, STATUS_OK, NULL, 0, false);
        peer_finish();
}

Test(connection, what_a_call_puts_aside_makes_the_descriptor_readable) {
        connect_to(script_event_first);
        int fd = thox_fd(client);
        expect_nothing();
        cr_assert(!is_readable(fd));
        cr_assert_eq(thox_call(client, THOX_DEFAULT, "x", NULL, TIMEOUT_US, NULL), 0);
        cr_assert(is_readable(fd));
        expect_event(THOX_EVENT_HANGUP);
        disconnect();
}

/*
 * The end of the tree, and trees that are none.
 */

static void script_leave(void) {
        peer_welcome();
        peer_call(5, 0, false, TEXT, 3);
        peer_flush();
}

Test(connection, a_tree_that_has_gone_is_an_error_of_everything) {
        uint64_t cid;

        connect_to(script_leave);
        int fd = thox_fd(client);
        expect_event(THOX_EVENT_CALL);
        for (int i = 0; i < 2; i++) {
                cr_assert_eq(thox_next(client, TIMEOUT_US, &event), -ECONNRESET);
                cr_assert(is_readable(fd), "and a loop hears of it");
        }
        cr_assert_eq(thox_call(client, 0, "x", NULL, TIMEOUT_US, &event), -ECONNRESET);
        cr_assert_eq(thox_start(client, 0, "x", NULL, TIMEOUT_US, &cid), -ECONNRESET);
        cr_assert_eq(thox_bind(client, 0, "x"), -ECONNRESET);
        cr_assert_eq(thox_answer(client, 5, THOX_OK, NULL), -ECONNRESET);
        disconnect();
}

/* Frames that are well-formed outside with anything inside, and frames with bits turned over. */
static void say_anything(void) {
        uint8_t values[64];
        struct wire_call call = { .cid = (uint64_t)random() % 8,
                                  .handle = (uint32_t)random() % 3,
                                  .flags = (uint32_t)random() % 4,
                                  .name = values };
        struct wire_cap cap = { .handle = (uint32_t)random() % 3 };
        struct wire_extra extra = { .values = values,
                                    .values_len = (size_t)random() % 64,
                                    .more = random() % 4 == 0,
                                    .caps = &cap,
                                    .n_caps = (size_t)random() % 2 };
        struct wire_answer answer = { .cid = call.cid,
                                      .status = (uint32_t)random() % 3,
                                      .flags = call.flags };

        for (size_t i = 0; i < sizeof(values); i++)
                values[i] = (uint8_t)(random() & (random() % 2 == 0 ? 0xff : 0xe1));
        call.name_len = 1 + (size_t)random() % 20;
        switch (random() % 8) {
        case 0:
                peer_cancel(call.cid);
                break;
        case 1:
                peer_hangup(cap.handle);
                break;
        case 2:
                peer_reply((uint32_t)random() % 4, STATUS_OK, cap.handle);
                break;
        case 3:
        case 4:
                CHECK(conn_send_answer(&peer_conn, 1 + (uint32_t)random() % 4, &answer, &extra,
                                       NULL) == 0);
                break;
        default:
                CHECK(conn_send_call(&peer_conn, 1, &call, &extra, NULL) == 0);
        }
}

static long seed;

static void script_anything(void) {
        srandom((unsigned)seed);
        peer_welcome();
        for (int i = 0; i < 30; i++)
                say_anything();
        peer_flush();
        if (seed % 2 == 0) {
                uint8_t bytes[200];
                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] = (uint8_t)random();
                /* A frame's length that is not refused at once. */
                bytes[1] = bytes[2] = bytes[3] = bytes[5] = bytes[6] = bytes[7] = 0;
                (void)send(peer_conn.fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        }
}

static void use_everything(void) {
        uint64_t cid;

        (void)thox_start(client, 0, "x", NULL, TIMEOUT_US, &cid);
        (void)thox_bind(client, 0, "x");
        (void)thox_call(client, 0, "x", NULL, TIMEOUT_US, NULL);
        while (thox_next(client, TIMEOUT_US, &event) == 0) {
                struct thox_value v;
                while (thox_read(&event->values, THOX_ANY, &v))
                        (void)thox_find(&v.items, "x", THOX_ANY, &v);
                (void)thox_refuse(client, event->cid, THOX_ERROR, event->message);
        }
}

Test(connection, nothing_that_a_tree_says_brings_a_program_down) {
        int n_connected = 0;

        for (seed = 0; seed < 300; seed++) {
                script_start(script_anything);
                if (thox_connect(&client, script_dir, "tester", TIMEOUT_US) == 0) {
                        n_connected++;
                        use_everything();
                }
                thox_disconnect(client);
                client = NULL;
                script_end();
        }
        cr_assert_eq(n_connected, 300);
}
