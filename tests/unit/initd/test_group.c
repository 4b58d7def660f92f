/*
 * Several that serve one name: who gets a call, and what happens when one of them goes.
 */
#include "initd/group.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/initd/router_fixture.h"

#define N_SERVERS 3u

static struct fixture f;
static struct end servers[N_SERVERS], caller;
static uint32_t sids[N_SERVERS];

static void set_up(void) {
        fixture_init(&f);
        for (uint32_t i = 0; i < N_SERVERS; i++)
                fixture_add(&f, &servers[i], PEER_ROLE_WORKER, 10 + i);
        fixture_add(&f, &caller, PEER_ROLE_WORKER, 20);
}

static void tear_down(void) {
        for (uint32_t i = 0; i < N_SERVERS; i++)
                end_deinit(&servers[i]);
        end_deinit(&caller);
        fixture_deinit(&f);
}

TestSuite(group, .init = set_up, .fini = tear_down, .timeout = 20);

static uint32_t bind_as(struct end *e, const Thox__Bind *request, uint32_t *ret_sid) {
        Thox__Bind bind = *request;
        bind.handle = FIXTURE_NATIVE;
        WIRE_MESSAGE(m, ++e->next_seq, BIND, bind, &bind);
        end_send(e, &m);
        const Thox__Reply *reply = end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply;
        if (reply->status == STATUS_OK)
                *ret_sid = reply->sid;
        return reply->status;
}

static uint32_t join(uint32_t i, enum binding_conflict conflict) {
        Thox__Bind bind = THOX__BIND__INIT;
        bind.name = wire_bytes("svc", 3);
        bind.conflict = conflict;
        return bind_as(&servers[i], &bind, &sids[i]);
}

static void join_all(enum binding_conflict conflict) {
        for (uint32_t i = 0; i < N_SERVERS; i++)
                cr_assert_eq(join(i, conflict), STATUS_OK);
}

static void leave(uint32_t i) {
        Thox__Unbind unbind = THOX__UNBIND__INIT;
        unbind.sid = sids[i];
        WIRE_MESSAGE(m, ++servers[i].next_seq, UNBIND, unbind, &unbind);
        end_send(&servers[i], &m);
        cr_assert_eq(end_expect(&servers[i], THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_OK);
}

/* It reaches this server, and no other, who answers with `status`. */
static void expect_at(uint64_t cid, uint32_t i, enum thox_status status) {
        cr_assert_eq(end_expect(&servers[i], THOX__FRAME__BODY_CALL)->call.cid, cid);
        end_answer(&servers[i], cid, status, "an answer");
}

static void expect_served_by(uint32_t i) {
        uint64_t cid = end_call(&caller, FIXTURE_NATIVE, "svc", "x");
        expect_at(cid, i, STATUS_OK);
        end_expect_answer(&caller, cid, STATUS_OK);
}

/* row 50 */
Test(group, the_newest_alternative_serves_and_the_one_before_is_restored) {
        join_all(BINDING_CONFLICT_ALTERNATIVE);
        expect_served_by(2);
        leave(1);
        expect_served_by(2);
        leave(2);
        expect_served_by(0);
        cr_assert_eq(join(1, BINDING_CONFLICT_ALTERNATIVE), STATUS_OK);
        expect_served_by(1);
        leave(0);
        expect_served_by(1);
        leave(1);
        end_expect_answer(&caller, end_call(&caller, FIXTURE_NATIVE, "svc", NULL), STATUS_NOTBOUND);
}

/* row 50 */
Test(group, balanced_ones_take_turns_whoever_leaves) {
        join_all(BINDING_CONFLICT_BALANCE);
        expect_served_by(0);
        expect_served_by(1);
        expect_served_by(2);
        leave(0);
        expect_served_by(1);
        expect_served_by(2);
        leave(2);
        expect_served_by(1);
        expect_served_by(1);
}

/* row 50 */
Test(group, the_oldest_serves_and_what_it_refuses_goes_on) {
        join_all(BINDING_CONFLICT_FALLBACK);
        expect_served_by(0);
        uint64_t cid = end_call(&caller, FIXTURE_NATIVE, "svc", "the arguments");
        expect_at(cid, 0, STATUS_UNAVAIL);
        struct wire_frame *frame = end_expect(&servers[1], THOX__FRAME__BODY_CALL);
        cr_assert(frame->call.name_len == 3 && memcmp(frame->call.name, "svc", 3) == 0);
        cr_assert_eq(frame->call.pid, caller.pid);
        cr_assert(memmem(frame->extra.values, frame->extra.values_len, "the arguments", 13));
        end_answer(&servers[1], cid, STATUS_NOTBOUND, NULL);
        expect_at(cid, 2, STATUS_UNAVAIL);
        end_expect_answer(&caller, cid, STATUS_UNAVAIL);
        end_expect_silence(&servers[0]);
        cr_assert_eq(router_find_peer(&f.router, caller.pid)->n_native_bytes, 0);
}

/* row 50 */
Test(group, who_has_joined_or_left_meanwhile_counts_as_of_now) {
        cr_assert_eq(join(0, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        cr_assert_eq(join(1, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        uint64_t cid = end_call(&caller, FIXTURE_NATIVE, "svc", "x");
        end_expect(&servers[0], THOX__FRAME__BODY_CALL);
        leave(1);
        cr_assert_eq(join(2, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        leave(0);
        end_answer(&servers[0], cid, STATUS_NOTBOUND, NULL);
        expect_at(cid, 2, STATUS_OK);
        end_expect_answer(&caller, cid, STATUS_OK);
}

/* rows 42, 43, 50 */
Test(group, a_call_that_changed_hands_ends_with_its_new_server) {
        cr_assert_eq(join(0, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        cr_assert_eq(join(1, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        uint64_t cid = end_call(&caller, FIXTURE_NATIVE, "svc", "x");
        expect_at(cid, 0, STATUS_UNAVAIL);
        end_expect(&servers[1], THOX__FRAME__BODY_CALL);
        end_deinit(&servers[1]);
        end_expect_answer(&caller, cid, STATUS_DEAD);
        end_expect_silence(&servers[0]);
        fixture_add(&f, &servers[1], PEER_ROLE_WORKER, 11);
}

Test(group, a_single_server_keeps_no_copy_and_a_refusal_counts) {
        cr_assert_eq(join(0, BINDING_CONFLICT_FALLBACK), STATUS_OK);
        uint64_t cid = end_call(&caller, FIXTURE_NATIVE, "svc", "x");
        cr_assert_eq(router_find_peer(&f.router, caller.pid)->n_native_bytes, 0);
        expect_at(cid, 0, STATUS_UNAVAIL);
        end_expect_answer(&caller, cid, STATUS_UNAVAIL);
}

/* row 50 */
Test(group, all_must_agree_on_one_policy) {
        static const enum binding_conflict all[] = {
                BINDING_CONFLICT_FAIL,
                BINDING_CONFLICT_ALTERNATIVE,
                BINDING_CONFLICT_FALLBACK,
                BINDING_CONFLICT_BALANCE,
        };
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                cr_assert_eq(join(0, all[i]), STATUS_OK);
                for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
                        bool may_join = k == i && all[i] != BINDING_CONFLICT_FAIL;
                        cr_expect_eq(join(1, all[k]), may_join ? STATUS_OK : STATUS_EXISTS);
                        if (may_join)
                                leave(1);
                }
                cr_expect_eq(join(0, all[i]), STATUS_EXISTS, "twice the same");
                leave(0);
        }
        cr_expect_eq(join(0, _BINDING_CONFLICT_N), STATUS_BADARGS);
}

Test(group, a_usage_is_one_line) {
        Thox__Bind bind = THOX__BIND__INIT;
        char longest[LIMIT_USAGE_BYTES + 1];
        uint32_t sid;
        memset(longest, 'u', sizeof(longest));
        bind.name = wire_bytes("svc", 3);
        bind.usage = wire_bytes("two\nlines", 9);
        cr_expect_eq(bind_as(&servers[0], &bind, &sid), STATUS_BADARGS);
        bind.usage = wire_bytes(longest, sizeof(longest));
        cr_expect_eq(bind_as(&servers[0], &bind, &sid), STATUS_BADARGS);
        bind.usage = wire_bytes(longest, sizeof(longest) - 1);
        cr_assert_eq(bind_as(&servers[0], &bind, &sid), STATUS_OK);
        const struct binding *b = binding_find(f.router.native, "svc", 3);
        cr_assert_eq(strlen(b->usage), LIMIT_USAGE_BYTES);
        cr_assert_eq(strncmp(b->usage, longest, LIMIT_USAGE_BYTES), 0);
}

Test(group, a_context_that_ends_takes_all_of_them_along) {
        static const char *const names[] = { "a", "b", "c", "d", "e" };
        Thox__Routing routing = THOX__ROUTING__INIT;
        ProtobufCBinaryData any = wire_bytes("*", 1);
        routing.mode = WIRE_ROUTING_TABLE;
        routing.bind = &any;
        routing.n_bind = 1;
        uint32_t mine = end_context(&caller, &routing), theirs[N_SERVERS];
        for (uint32_t i = 0; i < N_SERVERS; i++) {
                Thox__Share share = THOX__SHARE__INIT;
                share.handle = mine;
                share.pid = servers[i].pid;
                WIRE_MESSAGE(m, ++caller.next_seq, SHARE, share, &share);
                end_send(&caller, &m);
                end_expect(&caller, THOX__FRAME__BODY_REPLY);
                theirs[i] =
                        end_expect(&servers[i], THOX__FRAME__BODY_SHARED)->message->shared->handle;
                for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
                        Thox__Bind bind = THOX__BIND__INIT;
                        bind.handle = theirs[i];
                        bind.name = wire_bytes(names[k], 1);
                        bind.conflict = BINDING_CONFLICT_ALTERNATIVE;
                        WIRE_MESSAGE(b, ++servers[i].next_seq, BIND, bind, &bind);
                        end_send(&servers[i], &b);
                        cr_assert_eq(end_expect(&servers[i], THOX__FRAME__BODY_REPLY)
                                             ->message->reply->status,
                                     STATUS_OK);
                }
        }
        end_deinit(&caller);
        for (uint32_t i = 0; i < N_SERVERS; i++) {
                const struct peer *p = router_find_peer(&f.router, servers[i].pid);
                end_expect(&servers[i], THOX__FRAME__BODY_HANGUP);
                cr_assert_eq(p->n_bindings, 0);
                cr_assert_eq(p->sids.n_used, 0);
        }
        fixture_add(&f, &caller, PEER_ROLE_WORKER, 20);
}

Test(group, no_more_than_the_limit_share_a_name) {
        struct end more[LIMIT_BINDING_GROUP + 1];
        Thox__Bind bind = THOX__BIND__INIT;
        uint32_t sid;
        bind.name = wire_bytes("svc", 3);
        bind.conflict = BINDING_CONFLICT_BALANCE;
        for (uint32_t i = 0; i < ARRAY_SIZE(more); i++) {
                fixture_add(&f, &more[i], PEER_ROLE_WORKER, 100 + i);
                cr_assert_eq(bind_as(&more[i], &bind, &sid),
                             i < LIMIT_BINDING_GROUP ? STATUS_OK : STATUS_LIMIT);
        }
        for (uint32_t i = 0; i < ARRAY_SIZE(more); i++)
                end_deinit(&more[i]);
        end_expect_answer(&caller, end_call(&caller, FIXTURE_NATIVE, "svc", NULL), STATUS_NOTBOUND);
}
