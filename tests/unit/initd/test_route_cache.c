/*
 * test_route_cache.c - a route that was found before is taken again only while nothing has changed.
 * Each story calls twice the same way, changes one thing, and looks where the third call goes.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "libipc/status.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture fixture;
static struct end owner, server, other, caller;

static void set_up(void) {
        fixture_init(&fixture);
        fixture_add(&fixture, &owner, PEER_ROLE_WORKER, 10);
        fixture_add(&fixture, &server, PEER_ROLE_WORKER, 11);
        fixture_add(&fixture, &other, PEER_ROLE_WORKER, 12);
        fixture_add(&fixture, &caller, PEER_ROLE_WORKER, 13);
}

static void tear_down(void) {
        end_deinit(&owner);
        end_deinit(&server);
        end_deinit(&other);
        end_deinit(&caller);
        fixture_deinit(&fixture);
}

TestSuite(route_cache, .init = set_up, .fini = tear_down, .timeout = 10);

static void expect_served_by(struct end *by, uint32_t handle) {
        uint64_t cid = end_call(&caller, handle, "name", NULL);
        cr_assert_eq(end_expect(by, THOX__FRAME__BODY_CALL)->call.cid, cid);
        end_answer(by, cid, STATUS_OK, NULL);
        end_expect_answer(&caller, cid, STATUS_OK);
}

static void expect_refused(uint32_t handle, uint32_t status) {
        end_expect_answer(&caller, end_call(&caller, handle, "name", NULL), status);
}

/* Of the caller: what it calls in it goes on to the native context. */
static uint32_t derived_context(struct end *of) {
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = 2;
        routing.to = FIXTURE_NATIVE;
        routing.default_forward = true;
        return end_context(of, &routing);
}

Test(route_cache, a_name_bound_nearer_covers_the_one_that_was_found) {
        uint32_t mine = derived_context(&caller);
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "name"), STATUS_OK);
        expect_served_by(&server, mine);
        expect_served_by(&server, mine);
        cr_assert_eq(end_bind(&caller, mine, "name"), STATUS_OK);
        expect_served_by(&caller, mine);
        expect_served_by(&server, FIXTURE_NATIVE);
}

Test(route_cache, who_binds_a_name_after_anothers_death_gets_the_calls) {
        uint32_t mine = derived_context(&caller);
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "name"), STATUS_OK);
        expect_served_by(&server, mine);
        expect_served_by(&server, mine);
        end_deinit(&server);
        expect_refused(mine, STATUS_NOTBOUND);
        cr_assert_eq(end_bind(&other, FIXTURE_NATIVE, "name"), STATUS_OK);
        expect_served_by(&other, mine);
}

/* row 62 */
Test(route_cache, a_new_routing_holds_for_names_that_were_found) {
        uint32_t mine = derived_context(&caller);
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "name"), STATUS_OK);
        expect_served_by(&server, mine);
        expect_served_by(&server, mine);
        Thox__Routing closed = THOX__ROUTING__INIT;
        closed.mode = 2;
        closed.to = FIXTURE_NATIVE;
        Thox__ContextRoute route = THOX__CONTEXT_ROUTE__INIT;
        route.handle = mine;
        route.routing = &closed;
        WIRE_MESSAGE(m, ++caller.next_seq, CONTEXT_ROUTE, context_route, &route);
        end_send(&caller, &m);
        cr_assert_eq(end_expect(&caller, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_OK);
        expect_refused(mine, STATUS_DENIED);
        expect_served_by(&server, FIXTURE_NATIVE);
}

Test(route_cache, a_context_that_is_gone_routes_nothing_it_routed) {
        uint32_t mine = derived_context(&caller);
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "name"), STATUS_OK);
        expect_served_by(&server, mine);
        expect_served_by(&server, mine);
        Thox__Close close_frame = THOX__CLOSE__INIT;
        close_frame.handle = mine;
        WIRE_MESSAGE(m, ++caller.next_seq, CLOSE, close, &close_frame);
        end_send(&caller, &m);
        cr_assert_eq(end_expect(&caller, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_OK);
        expect_refused(mine, STATUS_BADCTX);
        /* Its memory may be this one's. */
        Thox__Routing none = THOX__ROUTING__INIT;
        none.mode = 2;
        expect_refused(end_context(&caller, &none), STATUS_NOTBOUND);
}

/* row 35: names that share a place in the cache displace each other and nothing else. */
Test(route_cache, names_beyond_its_size_are_each_found) {
        enum {
                N_SERVERS = 3,
                N_NAMES = 250
        };
        struct end *servers[N_SERVERS] = { &server, &other, &owner };
        char name[32];
        for (int i = 0; i < N_SERVERS * N_NAMES; i++) {
                snprintf(name, sizeof(name), "a.rather.long.name.%d", i);
                cr_assert_eq(end_bind(servers[i % N_SERVERS], FIXTURE_NATIVE, name), STATUS_OK);
        }
        for (int i = 0; i < 2 * N_SERVERS * N_NAMES; i++) {
                int which = i % (N_SERVERS * N_NAMES);
                snprintf(name, sizeof(name), "a.rather.long.name.%d", which);
                uint64_t cid = end_call(&caller, FIXTURE_NATIVE, name, NULL);
                struct end *by = servers[which % N_SERVERS];
                cr_assert_eq(end_expect(by, THOX__FRAME__BODY_CALL)->call.cid, cid);
                end_answer(by, cid, STATUS_OK, NULL);
                end_expect_answer(&caller, cid, STATUS_OK);
        }
}
