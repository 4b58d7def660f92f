/*
 * Queues: who hears a push, what is lost for whom, and whose business that is.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "initd/queue.h"
#include "libipc/value.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end pusher, first, second;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &pusher, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &first, PEER_ROLE_WORKER, 11);
        fixture_add(&f, &second, PEER_ROLE_WORKER, 12);
}

static void tear_down(void) {
        end_deinit(&pusher);
        end_deinit(&first);
        end_deinit(&second);
        cr_assert_eq(f.router.native->queues.n_used, 0, "a queue ends with its last listener");
        fixture_deinit(&f);
}

TestSuite(queue, .init = set_up, .fini = tear_down, .timeout = 10);

static ProtobufCBinaryData text(const char *s) {
        return wire_bytes(s, strlen(s));
}

static const Thox__Reply *request(struct end *e, const Thox__Frame *message) {
        end_send(e, message);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply;
}

static const Thox__Reply *listen_with(struct end *e, Thox__Listen listen) {
        WIRE_MESSAGE(m, ++e->next_seq, LISTEN, listen, &listen);
        return request(e, &m);
}

static Thox__Listen listening(uint32_t handle, const char *name) {
        Thox__Listen listen = THOX__LISTEN__INIT;
        listen.handle = handle;
        listen.name = text(name);
        return listen;
}

static uint32_t listen_to(struct end *e, uint32_t handle, const char *name) {
        const Thox__Reply *reply = listen_with(e, listening(handle, name));
        cr_assert_eq(reply->status, STATUS_OK);
        cr_assert_neq(reply->sid, 0);
        return reply->sid;
}

static uint32_t unlisten(struct end *e, uint32_t sid) {
        Thox__Unlisten body = THOX__UNLISTEN__INIT;
        body.sid = sid;
        WIRE_MESSAGE(m, ++e->next_seq, UNLISTEN, unlisten, &body);
        return request(e, &m)->status;
}

static void say_taken(struct end *e, uint32_t sid, uint32_t n, uint64_t n_bytes) {
        Thox__Taken taken = THOX__TAKEN__INIT;
        taken.sid = sid;
        taken.n = n;
        taken.bytes = n_bytes;
        WIRE_MESSAGE(m, 0, TAKEN, taken, &taken);
        end_send(e, &m);
}

static const Thox__Reply *push_with(uint32_t handle,
                                    const char *name,
                                    const char *key,
                                    const struct wire_extra *extra) {
        Thox__Push push = THOX__PUSH__INIT;
        push.handle = handle;
        push.name = text(name);
        push.key = text(key);
        WIRE_MESSAGE(m, ++pusher.next_seq, PUSH, push, &push);
        end_send_with(&pusher, &m, extra);
        return end_expect(&pusher, THOX__FRAME__BODY_REPLY)->message->reply;
}

static const struct wire_extra seven = { .values = (const uint8_t *)"\x07", .values_len = 1 };

/* How many got it. */
static uint32_t push(const char *name, const char *key) {
        const Thox__Reply *reply = push_with(FIXTURE_NATIVE, name, key, &seven);
        cr_assert_eq(reply->status, STATUS_OK, "%s: %.*s", status_name(reply->status),
                     (int)reply->message.len, (const char *)reply->message.data);
        return reply->count;
}

static uint32_t push_status(uint32_t handle, const char *name, const char *key) {
        return push_with(handle, name, key, &seven)->status;
}

static const Thox__Pushed *expect_event(struct end *e, uint64_t seq, uint64_t dropped) {
        const Thox__Pushed *pushed = end_expect(e, THOX__FRAME__BODY_PUSHED)->message->pushed;
        cr_assert_eq(pushed->seq, seq, "seq %u", (unsigned)pushed->seq);
        cr_assert_eq(pushed->dropped, dropped, "dropped %u", (unsigned)pushed->dropped);
        return pushed;
}

/* row 64 */
Test(queue, reaches_everybody_who_listens) {
        cr_assert_eq(push("news", ""), 0, "nobody listens, and that is no error");
        uint32_t sid = listen_to(&first, FIXTURE_NATIVE, "news");
        listen_to(&second, FIXTURE_NATIVE, "news");
        cr_assert_eq(push("news", "weather"), 2);
        struct wire_frame *frame = end_expect(&first, THOX__FRAME__BODY_PUSHED);
        const Thox__Pushed *event = frame->message->pushed;
        cr_assert_eq(event->sid, sid);
        cr_assert_eq(event->pid, 10);
        cr_assert_eq(event->uid, 1010);
        cr_assert_eq(event->seq, 1);
        cr_assert_eq(event->dropped, 0);
        cr_assert(event->name.len == 4 && memcmp(event->name.data, "news", 4) == 0);
        cr_assert(event->key.len == 7 && memcmp(event->key.data, "weather", 7) == 0);
        cr_assert(frame->extra.values_len == 1 && frame->extra.values[0] == 7);
        expect_event(&second, 1, 0);
        cr_assert_eq(unlisten(&first, sid), STATUS_OK);
        cr_assert_eq(unlisten(&first, sid), STATUS_NOTFOUND);
        cr_assert_eq(push("news", ""), 1);
        expect_event(&second, 2, 0);
        end_expect_silence(&first);
}

/* row 64 */
Test(queue, a_listener_dies_with_its_process_and_with_its_handle) {
        listen_to(&first, FIXTURE_NATIVE, "news");
        listen_to(&second, FIXTURE_NATIVE, "news");
        end_deinit(&first);
        cr_assert_eq(push("news", ""), 1);
        fixture_add(&f, &first, PEER_ROLE_WORKER, 11);
        Thox__Close body = THOX__CLOSE__INIT;
        body.handle = FIXTURE_NATIVE;
        expect_event(&second, 1, 0);
        WIRE_MESSAGE(m, ++second.next_seq, CLOSE, close, &body);
        cr_assert_eq(request(&second, &m)->status, STATUS_OK);
        cr_assert_eq(push("news", ""), 0);
}

/* row 65 */
Test(queue, keys_choose_who_hears) {
        ProtobufCBinaryData patterns[] = { text("sport"), text("weather.*") };
        Thox__Listen listen = listening(FIXTURE_NATIVE, "news");
        listen.match = patterns;
        listen.n_match = 2;
        cr_assert_eq(listen_with(&first, listen)->status, STATUS_OK);
        cr_assert_eq(push("news", "sport"), 1);
        cr_assert_eq(push("news", "weather.rain"), 1);
        cr_assert_eq(push("news", "sports"), 0);
        cr_assert_eq(push("news", ""), 0);
        expect_event(&first, 1, 0);
        expect_event(&first, 2, 0);
        end_expect_silence(&first);
        patterns[0] = text("a/*");
        cr_assert_eq(listen_with(&first, listen)->status, STATUS_BADARGS);
}

/* row 65 */
Test(queue, drop_new_counts_what_found_no_room) {
        Thox__Listen listen = listening(FIXTURE_NATIVE, "news");
        listen.mode = 1;
        listen.limit = 2;
        uint32_t sid = listen_with(&first, listen)->sid;
        cr_assert_eq(push("news", ""), 1);
        cr_assert_eq(push("news", ""), 1);
        cr_assert_eq(push("news", ""), 0);
        cr_assert_eq(push("news", ""), 0);
        expect_event(&first, 1, 0);
        expect_event(&first, 2, 0);
        say_taken(&first, sid, 1, 1);
        cr_assert_eq(push("news", ""), 1);
        expect_event(&first, 5, 2);
        say_taken(&first, sid, 3, 2);
        end_expect_closed(&first);
        cr_assert_eq(f.closed_reason, EXIT_REASON_PROTOCOL, "it was given two more");
        end_deinit(&first);
        fixture_add(&f, &first, PEER_ROLE_WORKER, 11);
}

/* row 65 */
Test(queue, a_full_blocking_listener_refuses_for_all) {
        Thox__Listen listen = listening(FIXTURE_NATIVE, "news");
        listen.mode = 2;
        listen.limit = 1;
        uint32_t sid = listen_with(&first, listen)->sid;
        listen_to(&second, FIXTURE_NATIVE, "news");
        cr_assert_eq(push("news", ""), 2);
        cr_assert_eq(push_status(FIXTURE_NATIVE, "news", ""), STATUS_AGAIN);
        expect_event(&second, 1, 0);
        end_expect_silence(&second);
        say_taken(&first, sid, 1, 1);
        cr_assert_eq(push("news", ""), 2);
        expect_event(&second, 2, 0);
}

/* row 65: what waits has a limit in bytes, whatever the limit of events */
Test(queue, a_counted_listener_is_full_of_bytes) {
        uint8_t *bytes = calloc(1, LIMIT_PUSH_BYTES);
        struct wire_extra extra = { .values = bytes, .values_len = LIMIT_PUSH_BYTES };
        Thox__Listen listen = listening(FIXTURE_NATIVE, "news");
        listen.mode = 2;
        listen.limit = LIMIT_QUEUE_EVENTS_MAX;
        uint32_t sid = listen_with(&first, listen)->sid;
        for (uint64_t i = 1; i <= LIMIT_QUEUE_BYTES / LIMIT_PUSH_BYTES; i++) {
                cr_assert_eq(push_with(FIXTURE_NATIVE, "news", "", &extra)->count, 1);
                expect_event(&first, i, 0);
        }
        cr_assert_eq(push_status(FIXTURE_NATIVE, "news", ""), STATUS_AGAIN);
        say_taken(&first, sid, 1, LIMIT_PUSH_BYTES);
        cr_assert_eq(push_with(FIXTURE_NATIVE, "news", "", &extra)->count, 1);
        cr_assert_eq(push_status(FIXTURE_NATIVE, "news", ""), STATUS_AGAIN);
        say_taken(&first, sid, 0, LIMIT_QUEUE_BYTES + 1);
        end_expect_closed(&first);
        end_deinit(&first);
        fixture_add(&f, &first, PEER_ROLE_WORKER, 11);
        free(bytes);
}

/* row 65: a flood hurts only who does not read it */
Test(queue, who_does_not_read_loses_and_stays) {
        size_t len = LIMIT_PUSH_BYTES, n_got = 0;
        uint8_t *bytes = calloc(1, len + 1);
        struct wire_extra extra = { .values = bytes, .values_len = len };
        listen_to(&first, FIXTURE_NATIVE, "news");
        for (size_t i = 0; i < 64; i++)
                n_got += push_with(FIXTURE_NATIVE, "news", "", &extra)->count;
        const struct peer *peer = router_find_peer(&f.router, 11);
        cr_assert_leq(conn_pending(&peer->conn), LIMIT_OUT_PAUSE_BYTES);
        cr_assert_lt(n_got, 64);
        for (size_t i = 0; i < n_got; i++)
                expect_event(&first, i + 1, 0);
        cr_assert_eq(push("news", ""), 1);
        expect_event(&first, 65, 64 - n_got);
        cr_assert_eq(f.n_closed, 0);
        extra.values_len = len + 1;
        cr_assert_eq(push_with(FIXTURE_NATIVE, "news", "", &extra)->status, STATUS_LIMIT);
        free(bytes);
}

/* row 65: one turn does so much of a flood and no more */
Test(queue, a_flood_is_put_off_between_turns) {
        enum {
                PUSHES = 10
        };
        Thox__Push body = THOX__PUSH__INIT;
        struct router *r = &f.router;
        for (unsigned i = 0; i < LIMIT_LISTENERS; i++)
                listen_to(&first, FIXTURE_NATIVE, "news");
        body.handle = FIXTURE_NATIVE;
        body.name = text("news");
        for (unsigned i = 0; i < PUSHES; i++) {
                WIRE_MESSAGE(m, ++pusher.next_seq, PUSH, push, &body);
                cr_assert_eq(conn_send(&pusher.conn, &m, NULL), CONN_OK);
        }
        cr_assert_eq(conn_flush(&pusher.conn), CONN_OK);
        cr_assert_eq(loop_turn(&f.loop, false), 0);
        const struct queue *q = queue_find(r->native, "news", 4);
        cr_assert_eq(q->seq, LIMIT_DELIVERIES_PER_TURN / LIMIT_LISTENERS);
        cr_assert(!list_is_empty(&r->put_off));
        for (unsigned i = 0; i < PUSHES; i++)
                cr_assert_eq(end_expect(&pusher, THOX__FRAME__BODY_REPLY)->message->reply->count,
                             LIMIT_LISTENERS);
        cr_assert_eq(q->seq, PUSHES);
        while (!list_is_empty(&r->put_off))
                cr_assert_eq(loop_turn(&f.loop, true), 0);
        end_expect_silence(&pusher);
}

/* row 65 */
Test(queue, a_pusher_that_is_gone_is_not_gone_on_with) {
        Thox__Push body = THOX__PUSH__INIT;
        for (unsigned i = 0; i < LIMIT_LISTENERS; i++)
                listen_to(&first, FIXTURE_NATIVE, "news");
        body.handle = FIXTURE_NATIVE;
        body.name = text("news");
        for (unsigned i = 0; i < 10; i++) {
                WIRE_MESSAGE(m, ++pusher.next_seq, PUSH, push, &body);
                cr_assert_eq(conn_send(&pusher.conn, &m, NULL), CONN_OK);
        }
        cr_assert_eq(conn_flush(&pusher.conn), CONN_OK);
        cr_assert_eq(loop_turn(&f.loop, false), 0);
        end_deinit(&pusher);
        while (!list_is_empty(&f.router.put_off))
                cr_assert_eq(loop_turn(&f.loop, true), 0);
        cr_assert_eq(f.closed_pid, 10);
        fixture_add(&f, &pusher, PEER_ROLE_WORKER, 10);
}

/* row 65 */
Test(queue, limits_are_named) {
        for (unsigned i = 0; i < LIMIT_LISTENERS; i++)
                listen_to(&first, FIXTURE_NATIVE, "news");
        const Thox__Reply *reply = listen_with(&first, listening(FIXTURE_NATIVE, "news"));
        cr_assert_eq(reply->status, STATUS_LIMIT);
        cr_assert(memmem(reply->message.data, reply->message.len, "LIMIT_LISTENERS", 15));
        cr_assert_eq(push("news", ""), LIMIT_LISTENERS);
        Thox__Listen listen = listening(FIXTURE_NATIVE, "other");
        listen.limit = LIMIT_QUEUE_EVENTS_MAX + 1;
        cr_assert_eq(listen_with(&second, listen)->status, STATUS_BADARGS);
        listen.limit = 0;
        listen.mode = 3;
        cr_assert_eq(listen_with(&second, listen)->status, STATUS_BADARGS);
        cr_assert_eq(listen_with(&second, listening(FIXTURE_NATIVE, "a/b"))->status,
                     STATUS_BADARGS);
        cr_assert_eq(listen_with(&second, listening(77, "a"))->status, STATUS_BADCTX);
        cr_assert_eq(push_status(FIXTURE_NATIVE, "", ""), STATUS_BADARGS);
        cr_assert_eq(push_status(FIXTURE_NATIVE, "news", "a/b"), STATUS_BADARGS);
        cr_assert_eq(push_status(77, "news", ""), STATUS_BADCTX);
}

/* A handle of the holder's for a context of the owner's. */
static uint32_t share(struct end *from, uint32_t handle, struct end *to, uint32_t rights) {
        Thox__Share body = THOX__SHARE__INIT;
        body.handle = handle;
        body.pid = to->pid;
        body.rights = rights;
        WIRE_MESSAGE(m, ++from->next_seq, SHARE, share, &body);
        cr_assert_eq(request(from, &m)->status, STATUS_OK);
        return end_expect(to, THOX__FRAME__BODY_SHARED)->message->shared->handle;
}

/* row 65 */
Test(queue, a_holder_pushes_and_listens_as_the_routing_says) {
        ProtobufCBinaryData push_patterns[] = { text("in.*") }, listen_patterns[] = { text("out") };
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = WIRE_ROUTING_TABLE;
        routing.to = FIXTURE_NATIVE;
        routing.push = push_patterns;
        routing.n_push = 1;
        routing.listen = listen_patterns;
        routing.n_listen = 1;
        uint32_t context = end_context(&first, &routing);
        uint32_t held = share(&first, context, &pusher, 0);
        cr_assert_eq(push_status(held, "other", ""), STATUS_DENIED);
        cr_assert_eq(push_with(held, "in.a", "", &seven)->count, 0);
        listen_to(&second, FIXTURE_NATIVE, "in.a");
        cr_assert_eq(push_with(held, "in.a", "", &seven)->count, 1, "it goes on to the native one");
        expect_event(&second, 1, 0);
        listen_to(&first, context, "in.a");
        cr_assert_eq(push_with(held, "in.a", "", &seven)->count, 1, "and ends at the owner");
        cr_assert_eq(expect_event(&first, 1, 0)->handle, context);
        end_expect_silence(&second);
        cr_assert_eq(listen_with(&pusher, listening(held, "in.a"))->status, STATUS_DENIED);
        cr_assert_eq(listen_with(&pusher, listening(held, "out"))->status, STATUS_OK);
        uint32_t deaf = share(&first, context, &pusher, HANDLE_RIGHT_CALL | HANDLE_RIGHT_PUSH);
        cr_assert_eq(listen_with(&pusher, listening(deaf, "out"))->status, STATUS_DENIED);
        uint32_t dumb = share(&first, context, &pusher, HANDLE_RIGHT_LISTEN);
        cr_assert_eq(push_status(dumb, "in.a", ""), STATUS_DENIED);
}

/* row 54: contexts travel in messages, a handle to each listener */
Test(queue, handles_travel_to_each_listener) {
        uint32_t context = end_context(&pusher, NULL);
        struct wire_cap cap = { .handle = context };
        struct wire_extra extra = seven;
        extra.caps = &cap;
        extra.n_caps = 1;
        listen_to(&first, FIXTURE_NATIVE, "news");
        listen_to(&second, FIXTURE_NATIVE, "news");
        cr_assert_eq(push_with(FIXTURE_NATIVE, "news", "", &extra)->count, 2);
        struct end *ends[] = { &first, &second };
        for (size_t i = 0; i < 2; i++) {
                struct wire_frame *frame = end_expect(ends[i], THOX__FRAME__BODY_PUSHED);
                cr_assert_eq(frame->extra.n_caps, 1);
                end_call(ends[i], frame->caps[0].handle, "hello", NULL);
                cr_assert_eq(end_expect(&pusher, THOX__FRAME__BODY_CALL)->call.handle, context);
        }
        cap.handle = 99;
        cr_assert_eq(push_with(FIXTURE_NATIVE, "news", "", &extra)->status, STATUS_BADCTX);
        end_expect_silence(&first);
}

Test(queue, a_push_in_several_frames_is_none) {
        Thox__Push body = THOX__PUSH__INIT;
        body.handle = FIXTURE_NATIVE;
        body.name = text("news");
        struct wire_extra more = { .more = true };
        WIRE_MESSAGE(m, ++pusher.next_seq, PUSH, push, &body);
        end_send_with(&pusher, &m, &more);
        end_expect_closed(&pusher);
        end_deinit(&pusher);
        fixture_add(&f, &pusher, PEER_ROLE_WORKER, 10);
}
