/*
 * Connections: contexts in which every call goes to one binding, until that ends.
 */
#include "initd/connection.h"

#include <criterion/criterion.h>
#include <string.h>

#include "initd/binding.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end server, client, friend;
static uint32_t sid;

static uint32_t bind_in(struct end *e, uint32_t handle, const char *name) {
        Thox__Bind bind = THOX__BIND__INIT;
        bind.handle = handle;
        bind.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(m, ++e->next_seq, BIND, bind, &bind);
        end_send(e, &m);
        const Thox__Reply *reply = end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply;
        cr_assert_eq(reply->status, STATUS_OK);
        return reply->sid;
}

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &server, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &client, PEER_ROLE_WORKER, 11);
        fixture_add(&f, &friend, PEER_ROLE_WORKER, 12);
        sid = bind_in(&server, FIXTURE_NATIVE, "svc");
}

static void tear_down(void) {
        end_deinit(&server);
        end_deinit(&client);
        end_deinit(&friend);
        fixture_deinit(&f);
}

TestSuite(connection, .init = set_up, .fini = tear_down, .timeout = 20);

static const Thox__Reply *connect_to(struct end *e, uint32_t handle, const char *name) {
        Thox__Connect body = THOX__CONNECT__INIT;
        body.handle = handle;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(m, ++e->next_seq, CONNECT, connect, &body);
        end_send(e, &m);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply;
}

static uint32_t connected(struct end *e, uint32_t handle) {
        const Thox__Reply *reply = connect_to(e, handle, "svc");
        cr_assert_eq(reply->status, STATUS_OK);
        return reply->handle;
}

static void close_handle(struct end *e, uint32_t handle) {
        Thox__Close close_frame = THOX__CLOSE__INIT;
        close_frame.handle = handle;
        WIRE_MESSAGE(m, ++e->next_seq, CLOSE, close, &close_frame);
        end_send(e, &m);
        cr_assert_eq(end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply->status, STATUS_OK);
}

static uint32_t share_with(struct end *from, uint32_t handle, struct end *to, uint32_t *ret) {
        Thox__Share share = THOX__SHARE__INIT;
        share.handle = handle;
        share.pid = to->pid;
        WIRE_MESSAGE(m, ++from->next_seq, SHARE, share, &share);
        end_send(from, &m);
        uint32_t status = end_expect(from, THOX__FRAME__BODY_REPLY)->message->reply->status;
        if (status == STATUS_OK)
                *ret = end_expect(to, THOX__FRAME__BODY_SHARED)->message->shared->handle;
        return status;
}

static void expect_served(struct end *e, uint32_t handle, const char *name) {
        uint64_t cid = end_call(e, handle, name, "x");
        struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.cid, cid);
        cr_assert_eq(frame->call.handle, FIXTURE_NATIVE, "the server's own number");
        cr_assert(frame->call.name_len == 3 && memcmp(frame->call.name, "svc", 3) == 0);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(e, cid, STATUS_OK);
}

static void expect_hangup(struct end *e, uint32_t handle) {
        cr_assert_eq(end_expect(e, THOX__FRAME__BODY_HANGUP)->message->hangup->handle, handle);
}

/* row 53 */
Test(connection, every_call_goes_to_the_binding_whatever_its_name) {
        uint32_t h = connected(&client, FIXTURE_NATIVE);
        expect_served(&client, h, "");
        expect_served(&client, h, "svc");
        expect_served(&client, h, "other");
        end_expect_answer(&client, end_call(&client, FIXTURE_NATIVE, "", NULL), STATUS_BADARGS);
}

/* row 53 */
Test(connection, every_frame_of_a_long_call_has_the_servers_name) {
        uint32_t h = connected(&client, FIXTURE_NATIVE);
        struct wire_call call = { .handle = h, .name = (const uint8_t *)"" };
        struct wire_extra extra = { .values = (const uint8_t *)"\x61x",
                                    .values_len = 2,
                                    .more = true };
        uint64_t cid = end_call_with(&client, &call, &extra);
        call.flags = WIRE_FLAG_CONTINUED;
        extra.more = false;
        client.next_seq--;
        end_call_with(&client, &call, &extra);
        for (int i = 0; i < 2; i++) {
                struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
                cr_assert(frame->call.name_len == 3 && memcmp(frame->call.name, "svc", 3) == 0);
        }
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

/* row 57 */
Test(connection, holders_are_told_when_the_server_unbinds) {
        uint32_t h = connected(&client, FIXTURE_NATIVE), theirs = 0;
        cr_assert_eq(share_with(&client, h, &friend, &theirs), STATUS_OK);
        expect_served(&friend, theirs, "");
        Thox__Unbind unbind = THOX__UNBIND__INIT;
        unbind.sid = sid;
        WIRE_MESSAGE(m, ++server.next_seq, UNBIND, unbind, &unbind);
        end_send(&server, &m);
        expect_hangup(&client, h);
        expect_hangup(&friend, theirs);
        end_expect_answer(&client, end_call(&client, h, "", NULL), STATUS_BADCTX);
        cr_assert_eq(router_find_peer(&f.router, server.pid)->n_connections, 0);
        sid = bind_in(&server, FIXTURE_NATIVE, "svc");
        end_expect_answer(&client, end_call(&client, h, "", NULL), STATUS_BADCTX);
}

/* rows 43, 57 */
Test(connection, a_server_that_dies_hangs_up_and_its_calls_are_dead) {
        uint32_t h = connected(&client, FIXTURE_NATIVE);
        uint64_t cid = end_call(&client, h, "", NULL);
        end_deinit(&server);
        expect_hangup(&client, h);
        end_expect_answer(&client, cid, STATUS_DEAD);
        fixture_add(&f, &server, PEER_ROLE_WORKER, 10);
}

/* row 62 */
Test(connection, closing_a_context_on_the_way_takes_it_back) {
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = WIRE_ROUTING_TABLE;
        routing.to = FIXTURE_NATIVE;
        routing.default_forward = true;
        uint32_t outer = end_context(&friend, &routing), theirs = 0;
        cr_assert_eq(share_with(&friend, outer, &client, &theirs), STATUS_OK);
        routing.to = theirs;
        uint32_t inner = end_context(&client, &routing);
        uint32_t h = connected(&client, inner);
        expect_served(&client, h, "");
        close_handle(&friend, outer);
        end_expect(&client, THOX__FRAME__BODY_HANGUP);
        end_expect_answer(&client, end_call(&client, h, "", NULL), STATUS_DEAD);
}

/* row 62 */
Test(connection, it_grants_no_more_than_the_handle_it_was_made_through) {
        uint32_t narrow = 0, h, theirs = 0;
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = WIRE_ROUTING_TABLE;
        routing.to = FIXTURE_NATIVE;
        routing.default_forward = true;
        Thox__Share share = THOX__SHARE__INIT;
        share.handle = end_context(&friend, &routing);
        share.pid = client.pid;
        share.rights = HANDLE_RIGHT_CALL;
        WIRE_MESSAGE(m, ++friend.next_seq, SHARE, share, &share);
        end_send(&friend, &m);
        end_expect(&friend, THOX__FRAME__BODY_REPLY);
        narrow = end_expect(&client, THOX__FRAME__BODY_SHARED)->message->shared->handle;
        h = connected(&client, narrow);
        cr_assert_eq(share_with(&client, h, &friend, &theirs), STATUS_DENIED);
        cr_assert_eq(end_bind(&client, h, "x"), STATUS_DENIED);
        expect_served(&client, h, "");
}

Test(connection, what_is_not_bound_cannot_be_connected) {
        uint32_t manual = end_context(&client, NULL);
        cr_assert_eq(connect_to(&client, FIXTURE_NATIVE, "nobody")->status, STATUS_NOTBOUND);
        cr_assert_eq(connect_to(&client, FIXTURE_NATIVE, "")->status, STATUS_BADARGS);
        cr_assert_eq(connect_to(&client, 77, "svc")->status, STATUS_BADCTX);
        const Thox__Reply *reply = connect_to(&client, manual, "svc");
        cr_assert_eq(reply->status, STATUS_NOTBOUND);
        cr_assert(memmem(reply->message.data, reply->message.len, "by hand", 7));
}

Test(connection, closing_it_is_nobody_elses_business) {
        const struct peer *p = router_find_peer(&f.router, server.pid);
        for (int i = 0; i < 3000; i++)
                close_handle(&client, connected(&client, FIXTURE_NATIVE));
        cr_assert_eq(p->n_connections, 0);
        end_expect_silence(&server);
        uint32_t h = connected(&client, FIXTURE_NATIVE);
        cr_assert_eq(p->n_connections, 1);
        uint64_t cid = end_call(&client, h, "", NULL);
        end_expect(&server, THOX__FRAME__BODY_CALL);
        close_handle(&client, h);
        cr_assert_eq(p->n_connections, 0);
        end_answer(&server, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

Test(connection, a_server_has_so_many_and_a_process_holds_so_many) {
        struct end more[LIMIT_CONNECTIONS / 512];
        unsigned n = 0;
        for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
                fixture_add(&f, &more[i], PEER_ROLE_WORKER, 100 + (uint32_t)i);
                for (unsigned k = 0; k < 512; k++, n++)
                        connected(&more[i], FIXTURE_NATIVE);
        }
        cr_assert_eq(n, LIMIT_CONNECTIONS);
        const Thox__Reply *reply = connect_to(&client, FIXTURE_NATIVE, "svc");
        cr_assert_eq(reply->status, STATUS_LIMIT);
        cr_assert(memmem(reply->message.data, reply->message.len, "LIMIT_CONNECTIONS", 17));
        for (size_t i = 0; i < ARRAY_SIZE(more); i++)
                end_deinit(&more[i]);
        uint32_t status = STATUS_OK;
        for (n = 0; n <= LIMIT_HANDLES && status == STATUS_OK; n++)
                status = connect_to(&client, FIXTURE_NATIVE, "svc")->status;
        cr_assert_eq(status, STATUS_LIMIT);
        cr_assert_eq(router_find_peer(&f.router, server.pid)->n_connections, n - 1);
}

Test(connection, it_may_be_made_through_a_connection_and_lead_a_chain) {
        uint32_t h = connected(&client, FIXTURE_NATIVE);
        uint32_t second = connected(&client, h);
        close_handle(&client, h);
        expect_served(&client, second, "");
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = WIRE_ROUTING_TABLE;
        routing.to = second;
        ProtobufCBinaryData allow = wire_bytes("a", 1);
        routing.allow = &allow;
        routing.n_allow = 1;
        uint32_t derived = end_context(&client, &routing);
        expect_served(&client, derived, "a");
        end_expect_answer(&client, end_call(&client, derived, "b", NULL), STATUS_DENIED);
        routing.bind = &allow;
        routing.n_bind = 1;
        Thox__ContextNew new = THOX__CONTEXT_NEW__INIT;
        new.routing = &routing;
        WIRE_MESSAGE(m, ++client.next_seq, CONTEXT_NEW, context_new, &new);
        end_send(&client, &m);
        cr_assert_eq(end_expect(&client, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_BADCTX);
}
