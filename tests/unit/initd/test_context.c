/*
 * Contexts: whose calls go where, who learns of what, what happens at the end.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "initd/handle.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end owner, holder, third;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &owner, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &holder, PEER_ROLE_WORKER, 11);
        fixture_add(&f, &third, PEER_ROLE_WORKER, 12);
}

static void tear_down(void) {
        end_deinit(&owner);
        end_deinit(&holder);
        end_deinit(&third);
        fixture_deinit(&f);
}

TestSuite(context, .init = set_up, .fini = tear_down, .timeout = 10);

static uint32_t request(struct end *e, const Thox__Frame *message) {
        end_send(e, message);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply->status;
}

static uint32_t share(struct end *from, uint32_t handle, struct end *to, uint32_t rights) {
        Thox__Share share = THOX__SHARE__INIT;
        share.handle = handle;
        share.pid = to->pid;
        share.rights = rights;
        WIRE_MESSAGE(m, ++from->next_seq, SHARE, share, &share);
        cr_assert_eq(request(from, &m), STATUS_OK);
        const Thox__Shared *shared = end_expect(to, THOX__FRAME__BODY_SHARED)->message->shared;
        cr_assert_eq(shared->pid, from->pid);
        return shared->handle;
}

static uint32_t close_handle(struct end *e, uint32_t handle) {
        Thox__Close close_frame = THOX__CLOSE__INIT;
        close_frame.handle = handle;
        WIRE_MESSAGE(m, ++e->next_seq, CLOSE, close, &close_frame);
        return request(e, &m);
}

static ProtobufCBinaryData text(const char *s) {
        return wire_bytes(s, strlen(s));
}

static Thox__Routing table_routing(uint32_t to) {
        Thox__Routing routing = THOX__ROUTING__INIT;
        routing.mode = 2;
        routing.to = to;
        return routing;
}

/* row 53 */
Test(context, calls_in_a_manual_context_reach_its_owner) {
        uint32_t mine = end_context(&owner, NULL);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        uint64_t cid = end_call(&holder, theirs, "read", "x");
        struct wire_frame *frame = end_expect(&owner, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.handle, mine);
        cr_assert_eq(frame->call.pid, 11);
        end_answer(&owner, cid, STATUS_OK, "y");
        end_expect_answer(&holder, cid, STATUS_OK);
}

/* row 53 */
Test(context, numbers_of_another_process_mean_nothing) {
        uint32_t mine = end_context(&owner, NULL);
        uint64_t cid = end_call(&third, mine, "read", NULL);
        end_expect_answer(&third, cid, STATUS_BADCTX);
}

/* row 52 */
Test(context, closed_default_context_stays_closed) {
        cr_assert_eq(close_handle(&holder, FIXTURE_NATIVE), STATUS_OK);
        uint64_t cid = end_call(&holder, FIXTURE_NATIVE, "alarm", NULL);
        end_expect_answer(&holder, cid, STATUS_BADCTX);
        for (int i = 0; i < 40; i++)
                cr_assert_neq(end_context(&holder, NULL), FIXTURE_NATIVE);
        cr_assert_eq(close_handle(&holder, FIXTURE_NATIVE), STATUS_BADCTX);
}

/* row 54 */
Test(context, answer_carries_a_context_and_only_strangers_giving_it_opens) {
        uint32_t mine = end_context(&owner, NULL);
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "open"), STATUS_OK);
        uint64_t cid = end_call(&holder, FIXTURE_NATIVE, "open", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        struct wire_cap cap = { .handle = mine };
        struct wire_extra extra = { .caps = &cap, .n_caps = 1 };
        end_answer_with(&owner, cid, STATUS_OK, &extra);
        struct wire_frame *frame = end_expect_answer(&holder, cid, STATUS_OK);
        cr_assert_eq(frame->extra.n_caps, 1);
        uint32_t theirs = frame->caps[0].handle;
        end_expect_silence(&owner);
        share(&holder, theirs, &third, 0);
        const Thox__Opened *opened = end_expect(&owner, THOX__FRAME__BODY_OPENED)->message->opened;
        cr_assert_eq(opened->handle, mine);
        cr_assert_eq(opened->pid, 12);
}

static void expect_undelivered(uint32_t mine) {
        const Thox__Closed *closed = end_expect(&owner, THOX__FRAME__BODY_CLOSED)->message->closed;
        cr_assert(closed->handle == mine && closed->pid == 0);
        end_expect_silence(&owner);
}

/* rows 56, 76: who gave a context away counts on hearing of its end */
Test(context, owner_learns_of_an_answer_that_reached_nobody) {
        uint32_t mine = end_context(&owner, NULL);
        struct wire_cap cap = { .handle = mine };
        struct wire_extra extra = { .caps = &cap, .n_caps = 1 };
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "open"), STATUS_OK);
        uint64_t cid = end_call(&holder, FIXTURE_NATIVE, "open", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        end_deinit(&holder);
        end_expect(&owner, THOX__FRAME__BODY_CANCEL);
        end_answer_with(&owner, cid, STATUS_OK, &extra);
        expect_undelivered(mine);
        fixture_add(&f, &holder, PEER_ROLE_WORKER, 11);
}

/* rows 56, 76 */
Test(context, owner_learns_of_an_answer_that_its_caller_had_no_place_for) {
        uint32_t mine = end_context(&owner, NULL);
        struct wire_cap cap = { .handle = mine };
        struct wire_extra extra = { .caps = &cap, .n_caps = 1 };
        uint32_t first = share(&owner, mine, &third, 0);
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "open"), STATUS_OK);
        for (unsigned i = 0; i < LIMIT_HANDLES; i++)
                (void)handle_give(router_find_peer(&f.router, 11),
                                  handle_find(router_find_peer(&f.router, 12), first)->context,
                                  HANDLE_RIGHTS_ALL, &(struct handle *){ NULL });
        uint64_t cid = end_call(&holder, FIXTURE_NATIVE, "open", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        end_answer_with(&owner, cid, STATUS_OK, &extra);
        end_expect_answer(&holder, cid, STATUS_LIMIT);
        expect_undelivered(mine);
}

/* row 54 */
Test(context, answer_with_a_closed_context_becomes_badctx) {
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "open"), STATUS_OK);
        uint64_t cid = end_call(&holder, FIXTURE_NATIVE, "open", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        struct wire_cap cap = { .handle = 55 };
        struct wire_extra extra = { .caps = &cap, .n_caps = 1 };
        end_answer_with(&owner, cid, STATUS_OK, &extra);
        end_expect_answer(&holder, cid, STATUS_BADCTX);
}

Test(context, handle_without_share_cannot_be_passed_on) {
        uint32_t mine = end_context(&owner, NULL);
        uint32_t theirs = share(&owner, mine, &holder, HANDLE_RIGHT_CALL);
        Thox__Share again = THOX__SHARE__INIT;
        again.handle = theirs;
        again.pid = 12;
        WIRE_MESSAGE(m, ++holder.next_seq, SHARE, share, &again);
        cr_assert_eq(request(&holder, &m), STATUS_DENIED);
}

/* row 56 */
Test(context, owner_learns_of_every_holder_that_leaves) {
        uint32_t mine = end_context(&owner, NULL);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        share(&owner, mine, &third, 0);
        cr_assert_eq(close_handle(&holder, theirs), STATUS_OK);
        const Thox__Closed *closed = end_expect(&owner, THOX__FRAME__BODY_CLOSED)->message->closed;
        cr_assert(closed->handle == mine && closed->pid == 11);
        cr_assert_eq(closed->reason, CLOSE_REASON_CLOSE);
        end_deinit(&third);
        closed = end_expect(&owner, THOX__FRAME__BODY_CLOSED)->message->closed;
        cr_assert(closed->handle == mine && closed->pid == 12);
        cr_assert_eq(closed->reason, CLOSE_REASON_KILLED); /* it did not say Exit */
        end_expect_silence(&owner);
        fixture_add(&f, &third, PEER_ROLE_WORKER, 12);
}

/* row 57 */
Test(context, owners_death_hangs_up_and_answers_dead) {
        uint32_t mine = end_context(&owner, NULL);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        uint64_t cid = end_call(&holder, theirs, "read", NULL);
        end_deinit(&owner);
        end_expect_answer(&holder, cid, STATUS_DEAD);
        cr_assert_eq(end_expect(&holder, THOX__FRAME__BODY_HANGUP)->message->hangup->handle,
                     theirs);
        cid = end_call(&holder, theirs, "read", NULL);
        end_expect_answer(&holder, cid, STATUS_BADCTX);
        fixture_add(&f, &owner, PEER_ROLE_WORKER, 10);
}

Test(context, owners_close_revokes) {
        uint32_t mine = end_context(&owner, NULL);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        uint64_t cid = end_call(&holder, theirs, "read", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        Thox__Close revoke = THOX__CLOSE__INIT;
        revoke.handle = mine;
        WIRE_MESSAGE(m, ++owner.next_seq, CLOSE, close, &revoke);
        end_send(&owner, &m);
        cr_assert_eq(end_expect(&owner, THOX__FRAME__BODY_CANCEL)->message->cancel->cid, cid);
        end_expect(&owner, THOX__FRAME__BODY_REPLY);
        end_expect_answer(&holder, cid, STATUS_DEAD);
        end_expect(&holder, THOX__FRAME__BODY_HANGUP);
}

/* row 58 */
Test(context, allow_list_denies_the_rest_and_deny_wins) {
        ProtobufCBinaryData allow[] = { text("log.*"), text("alarm") };
        ProtobufCBinaryData deny[] = { text("log.secret") };
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.allow = allow;
        routing.n_allow = 2;
        routing.deny = deny;
        routing.n_deny = 1;
        cr_assert_eq(end_bind(&third, FIXTURE_NATIVE, "log.x"), STATUS_OK);
        cr_assert_eq(end_bind(&third, FIXTURE_NATIVE, "log.secret"), STATUS_OK);
        uint32_t theirs = share(&owner, end_context(&owner, &routing), &holder, 0);
        uint64_t cid = end_call(&holder, theirs, "log.x", NULL);
        end_expect(&third, THOX__FRAME__BODY_CALL);
        end_answer(&third, cid, STATUS_OK, NULL);
        end_expect_answer(&holder, cid, STATUS_OK);
        end_expect_answer(&holder, end_call(&holder, theirs, "log.secret", NULL), STATUS_DENIED);
        end_expect_answer(&holder, end_call(&holder, theirs, "fs.open", NULL), STATUS_DENIED);
        end_expect_answer(&holder, end_call(&holder, theirs, "log.none", NULL), STATUS_NOTBOUND);
        end_expect_silence(&owner);
}

/* row 58 */
Test(context, default_forward_lets_unmentioned_names_through) {
        ProtobufCBinaryData deny[] = { text("alarm") };
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.default_forward = true;
        routing.deny = deny;
        routing.n_deny = 1;
        uint32_t theirs = share(&owner, end_context(&owner, &routing), &holder, 0);
        end_expect_answer(&holder, end_call(&holder, theirs, "alarm", NULL), STATUS_DENIED);
        end_expect_answer(&holder, end_call(&holder, theirs, "other", NULL), STATUS_NOTBOUND);
}

Test(context, owner_binds_in_its_own_context_and_covers_names_below) {
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.default_forward = true;
        uint32_t mine = end_context(&owner, &routing);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        cr_assert_eq(end_bind(&owner, mine, "alarm"), STATUS_OK);
        uint64_t cid = end_call(&holder, theirs, "alarm", NULL);
        cr_assert_eq(end_expect(&owner, THOX__FRAME__BODY_CALL)->call.cid, cid);
        end_answer(&owner, cid, STATUS_OK, "my own clock");
        end_expect_answer(&holder, cid, STATUS_OK);
}

/* row 51, the context's half */
Test(context, holder_binds_only_what_the_patterns_grant) {
        ProtobufCBinaryData bind[] = { text("bot.*") };
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.bind = bind;
        routing.n_bind = 1;
        uint32_t theirs = share(&owner, end_context(&owner, &routing), &holder, 0);
        cr_assert_eq(end_bind(&holder, theirs, "bot.say"), STATUS_OK);
        cr_assert_eq(end_bind(&holder, theirs, "other"), STATUS_DENIED);
        uint64_t cid = end_call(&third, FIXTURE_NATIVE, "bot.say", NULL);
        struct wire_frame *frame = end_expect(&holder, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.handle, theirs);
        end_answer(&holder, cid, STATUS_OK, NULL);
        end_expect_answer(&third, cid, STATUS_OK);
}

Test(context, bound_name_exists_and_initds_own_are_not_for_programs) {
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "svc"), STATUS_OK);
        cr_assert_eq(end_bind(&holder, FIXTURE_NATIVE, "svc"), STATUS_EXISTS);
        cr_assert_eq(end_bind(&holder, FIXTURE_NATIVE, "alarm"), STATUS_DENIED);
        end_deinit(&owner);
        cr_assert_eq(end_bind(&holder, FIXTURE_NATIVE, "svc"), STATUS_OK);
        fixture_add(&f, &owner, PEER_ROLE_WORKER, 10);
}

/* row 62 */
Test(context, nested_sandbox_is_the_intersection) {
        ProtobufCBinaryData outer_allow[] = { text("a"), text("b") };
        ProtobufCBinaryData inner_allow[] = { text("b"), text("c") };
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.allow = outer_allow;
        routing.n_allow = 2;
        uint32_t outer = share(&owner, end_context(&owner, &routing), &holder, 0);
        routing = table_routing(outer);
        routing.allow = inner_allow;
        routing.n_allow = 2;
        uint32_t inner = share(&holder, end_context(&holder, &routing), &third, 0);
        end_expect_answer(&third, end_call(&third, inner, "a", NULL), STATUS_DENIED);
        end_expect_answer(&third, end_call(&third, inner, "b", NULL), STATUS_NOTBOUND);
        end_expect_answer(&third, end_call(&third, inner, "c", NULL), STATUS_DENIED);
}

Test(context, limits_are_answered_with_their_name) {
        Thox__ContextNew new = THOX__CONTEXT_NEW__INIT;
        WIRE_MESSAGE(m, ++owner.next_seq, CONTEXT_NEW, context_new, &new);
        for (unsigned i = 0; i < LIMIT_CONTEXTS_OWNED; i++)
                end_context(&owner, NULL);
        m.seq = ++owner.next_seq;
        end_send(&owner, &m);
        const Thox__Reply *reply = end_expect(&owner, THOX__FRAME__BODY_REPLY)->message->reply;
        cr_assert_eq(reply->status, STATUS_LIMIT);
        cr_assert(memmem(reply->message.data, reply->message.len, "LIMIT_CONTEXTS_OWNED", 20));
}

/* A call with these caps to "serve" of the owner, and its answer. */
static void call_refused(const struct wire_cap *caps, size_t n_caps, uint32_t status) {
        struct wire_cap copy[2];
        memcpy(copy, caps, n_caps * sizeof(*caps));
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"serve",
                                  .name_len = 5 };
        struct wire_extra extra = { .caps = copy, .n_caps = n_caps };
        end_expect_answer(&holder, end_call_with(&holder, &call, &extra), status);
}

Test(context, a_refused_call_leaves_no_handle_behind) {
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "serve"), STATUS_OK);
        const struct wire_cap caps[] = { { .handle = end_context(&holder, NULL) },
                                         { .handle = 55 } };
        const struct peer *server = router_find_peer(&f.router, 10);
        size_t before = server->handles.n_used;
        call_refused(caps, 2, STATUS_BADCTX);
        cr_assert_eq(server->handles.n_used, before);
        end_expect_silence(&holder);
}

Test(context, what_others_push_leaves_half_of_the_table) {
        cr_assert_eq(end_bind(&owner, FIXTURE_NATIVE, "serve"), STATUS_OK);
        uint32_t theirs = end_context(&holder, NULL);
        for (unsigned i = 1; i < LIMIT_HANDLES_PUSHED; i++)
                share(&holder, theirs, &owner, 0);
        Thox__Share more = THOX__SHARE__INIT;
        more.handle = theirs;
        more.pid = 10;
        WIRE_MESSAGE(m, ++holder.next_seq, SHARE, share, &more);
        cr_assert_eq(request(&holder, &m), STATUS_LIMIT);
        call_refused(&(struct wire_cap){ .handle = theirs }, 1, STATUS_LIMIT);
        end_context(&owner, NULL);
}

Test(context, the_trees_own_processes_take_none) {
        struct end daemon;
        fixture_add(&f, &daemon, PEER_ROLE_DAEMON, 2);
        cr_assert_eq(end_bind(&daemon, FIXTURE_NATIVE, "serve"), STATUS_OK);
        uint32_t theirs = end_context(&holder, NULL);
        Thox__Share more = THOX__SHARE__INIT;
        more.handle = theirs;
        more.pid = 2;
        WIRE_MESSAGE(m, ++holder.next_seq, SHARE, share, &more);
        cr_assert_eq(request(&holder, &m), STATUS_DENIED);
        call_refused(&(struct wire_cap){ .handle = theirs }, 1, STATUS_BADARGS);
        end_expect_silence(&daemon);
        end_deinit(&daemon);
}

Test(context, chain_longer_than_the_hop_limit_is_refused) {
        uint32_t to = FIXTURE_NATIVE;
        for (unsigned i = 1; i < LIMIT_CALL_HOPS; i++) {
                Thox__Routing routing = table_routing(to);
                to = end_context(&owner, &routing);
        }
        Thox__Routing routing = table_routing(to);
        Thox__ContextNew new = THOX__CONTEXT_NEW__INIT;
        new.routing = &routing;
        WIRE_MESSAGE(m, ++owner.next_seq, CONTEXT_NEW, context_new, &new);
        cr_assert_eq(request(&owner, &m), STATUS_LIMIT);
}

static uint32_t reroute(struct end *e, uint32_t handle, const Thox__Routing *routing) {
        Thox__ContextRoute body = THOX__CONTEXT_ROUTE__INIT;
        body.handle = handle;
        body.routing = (Thox__Routing *)(uintptr_t)routing;
        WIRE_MESSAGE(m, ++e->next_seq, CONTEXT_ROUTE, context_route, &body);
        return request(e, &m);
}

/* row 61 */
Test(context, a_server_sees_the_new_name_in_every_frame_of_a_call) {
        Thox__Renaming renaming = THOX__RENAMING__INIT, *map[] = { &renaming };
        renaming.from = text("old");
        renaming.to = text("new");
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        routing.default_forward = true;
        routing.map = map;
        routing.n_map = 1;
        uint32_t theirs = share(&owner, end_context(&owner, &routing), &holder, 0);
        cr_assert_eq(end_bind(&third, FIXTURE_NATIVE, "new"), STATUS_OK);
        struct wire_call call = { .handle = theirs, .name = (const uint8_t *)"old", .name_len = 3 };
        struct wire_extra extra = { .values = (const uint8_t *)"\x61x",
                                    .values_len = 2,
                                    .more = true };
        uint64_t cid = end_call_with(&holder, &call, &extra);
        for (int i = 0; i < 2; i++) {
                struct wire_frame *frame = end_expect(&third, THOX__FRAME__BODY_CALL);
                cr_assert(frame->call.name_len == 3 && memcmp(frame->call.name, "new", 3) == 0);
                call.flags = WIRE_FLAG_CONTINUED;
                extra.more = false;
                holder.next_seq--;
                if (i == 0)
                        end_call_with(&holder, &call, &extra);
        }
        end_answer(&third, cid, STATUS_OK, NULL);
        end_expect_answer(&holder, cid, STATUS_OK);
}

/* row 62 */
Test(context, a_new_routing_holds_from_the_next_call_on) {
        Thox__Routing routing = table_routing(FIXTURE_NATIVE);
        uint32_t mine = end_context(&owner, &routing);
        uint32_t theirs = share(&owner, mine, &holder, 0);
        end_expect_answer(&holder, end_call(&holder, theirs, "alarm", NULL), STATUS_DENIED);
        routing.default_forward = true;
        cr_assert_eq(reroute(&holder, theirs, &routing), STATUS_DENIED);
        cr_assert_eq(reroute(&owner, 99, &routing), STATUS_BADCTX);
        cr_assert_eq(reroute(&owner, mine, &routing), STATUS_OK);
        end_expect_answer(&holder, end_call(&holder, theirs, "nobody", NULL), STATUS_NOTBOUND);
        cr_assert_eq(reroute(&owner, mine, NULL), STATUS_OK);
        uint64_t cid = end_call(&holder, theirs, "nobody", NULL);
        end_expect(&owner, THOX__FRAME__BODY_CALL);
        cr_assert_eq(reroute(&owner, mine, &routing), STATUS_OK);
        end_answer(&owner, cid, STATUS_OK, NULL);
        end_expect_answer(&holder, cid, STATUS_OK);
}

/* row 62 */
Test(context, a_refused_routing_leaves_the_old_in_force) {
        Thox__Routing good = table_routing(FIXTURE_NATIVE), bad;
        Thox__Renaming renaming = THOX__RENAMING__INIT, *map[] = { &renaming };
        ProtobufCBinaryData patterns[] = { text("fine"), text("#") };
        good.default_forward = true;
        uint32_t mine = end_context(&owner, &good);
        bad = table_routing(mine);
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS, "a circle");
        bad = table_routing(end_context(&owner, &bad));
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS, "a longer circle");
        bad = table_routing(77);
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADCTX);
        bad = table_routing(FIXTURE_NATIVE);
        bad.bind = patterns;
        bad.n_bind = 2;
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS, "no pattern");
        bad = table_routing(FIXTURE_NATIVE);
        bad.map = map;
        bad.n_map = 1;
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS, "an empty renaming");
        renaming.from = text("prefix*");
        renaming.to = text("name");
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS, "a prefix into a name");
        bad.mode = 3;
        cr_expect_eq(reroute(&owner, mine, &bad), STATUS_BADARGS);
        end_expect_answer(&owner, end_call(&owner, mine, "nobody", NULL), STATUS_NOTBOUND);
}
