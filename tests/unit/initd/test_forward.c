/*
 * Forwarding: the call changes hands once, authority does not grow, and nothing a forwarder sends ends
 * anybody but itself.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end client, desk, expert;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &client, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &desk, PEER_ROLE_WORKER, 11);
        fixture_add(&f, &expert, PEER_ROLE_WORKER, 12);
        cr_assert_eq(end_bind(&desk, FIXTURE_NATIVE, "desk"), STATUS_OK);
        cr_assert_eq(end_bind(&expert, FIXTURE_NATIVE, "expert"), STATUS_OK);
}

static void tear_down(void) {
        end_deinit(&client);
        end_deinit(&desk);
        end_deinit(&expert);
        cr_assert_eq(f.router.calls.n_used, 0, "no call may outlive its ends");
        fixture_deinit(&f);
}

TestSuite(forward, .init = set_up, .fini = tear_down, .timeout = 10);

static void forward_part(struct end *e, uint64_t cid, const char *name, uint32_t flags, bool more) {
        struct wire_call call = { .cid = cid,
                                  .handle = FIXTURE_NATIVE,
                                  .flags = WIRE_FLAG_FORWARD | flags,
                                  .pid = 1,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        struct wire_extra extra = { .values = (const uint8_t *)"\x41x",
                                    .values_len = 2,
                                    .more = more };
        cr_assert_eq(conn_send_call(&e->conn, 0, &call, &extra, NULL), 0);
        cr_assert_eq(conn_flush(&e->conn), CONN_OK);
        for (int i = 0; i < 3; i++)
                cr_assert_eq(loop_turn(&f.loop, false), 0);
}

static void forward_call(struct end *e, uint64_t cid, const char *name) {
        forward_part(e, cid, name, 0, false);
}

static uint64_t call_at_desk(void) {
        uint64_t cid = end_call(&client, FIXTURE_NATIVE, "desk", NULL);
        end_expect(&desk, THOX__FRAME__BODY_CALL);
        return cid;
}

/* row 41, row 145 */
Test(forward, new_server_sees_the_caller_and_answers_it) {
        uint64_t cid = call_at_desk();
        forward_call(&desk, cid, "expert");
        struct wire_frame *frame = end_expect(&expert, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.cid, cid);
        cr_assert_eq(frame->call.pid, 10);
        cr_assert_eq(frame->call.uid, 1011, "the uid of a forwarder that is not 0");
        cr_assert_eq(frame->call.flags & WIRE_FLAG_FORWARD, 0);
        end_answer(&expert, cid, STATUS_OK, "known");
        frame = end_expect_answer(&client, cid, STATUS_OK);
        cr_assert_eq(frame->answer.pid, 12);
}

/* row 41 */
Test(forward, forwarder_may_end) {
        uint64_t cid = call_at_desk();
        forward_call(&desk, cid, "expert");
        end_deinit(&desk);
        end_expect(&expert, THOX__FRAME__BODY_CALL);
        end_answer(&expert, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

/* row 42, row 44 */
Test(forward, cancel_and_the_callers_death_reach_the_new_server) {
        uint64_t cid = call_at_desk();
        forward_call(&desk, cid, "expert");
        end_expect(&expert, THOX__FRAME__BODY_CALL);
        end_deinit(&client);
        cr_assert_eq(end_expect(&expert, THOX__FRAME__BODY_CANCEL)->message->cancel->cid, cid);
        end_expect_silence(&desk);
}

/* row 43 */
Test(forward, death_in_the_middle_of_a_long_forward_answers_dead) {
        uint64_t cid = call_at_desk();
        forward_part(&desk, cid, "expert", 0, true);
        end_expect(&expert, THOX__FRAME__BODY_CALL);
        end_deinit(&desk);
        end_expect_answer(&client, cid, STATUS_DEAD);
        end_expect(&expert, THOX__FRAME__BODY_CANCEL);
}

/* row 41 */
Test(forward, long_values_arrive_whole) {
        uint64_t cid = call_at_desk();
        forward_part(&desk, cid, "expert", 0, true);
        forward_part(&desk, cid, "expert", WIRE_FLAG_CONTINUED, false);
        cr_assert(end_expect(&expert, THOX__FRAME__BODY_CALL)->extra.more);
        struct wire_frame *frame = end_expect(&expert, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.flags, WIRE_FLAG_CONTINUED);
        cr_assert_eq(frame->call.pid, 10);
        end_answer(&expert, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
}

/* row 41 */
Test(forward, refusal_of_the_target_is_the_answer) {
        uint64_t cid = call_at_desk();
        forward_call(&desk, cid, "nobody");
        end_expect_answer(&client, cid, STATUS_NOTBOUND);
        cid = call_at_desk();
        for (unsigned i = 0; i <= LIMIT_CALL_HOPS; i++)
                forward_call(&desk, cid, "desk");
        end_expect_answer(&client, cid, STATUS_DENIED);
        cr_assert_eq(f.n_closed, 0);
}

/* row 41 */
Test(forward, late_one_is_dropped) {
        uint64_t cid = call_at_desk();
        end_answer(&desk, cid, STATUS_OK, NULL);
        forward_part(&desk, cid, "expert", 0, true);
        forward_part(&desk, cid, "expert", WIRE_FLAG_CONTINUED, false);
        end_expect_answer(&client, cid, STATUS_OK);
        end_expect_silence(&expert);
        cr_assert_eq(f.n_closed, 0);
}

/* row 145 */
Test(forward, of_a_call_that_it_was_not_given_removes_the_stranger) {
        uint64_t cid = call_at_desk();
        forward_call(&expert, cid, "expert");
        end_expect_closed(&expert);
        end_answer(&desk, cid, STATUS_OK, NULL);
        end_expect_answer(&client, cid, STATUS_OK);
        forward_call(&desk, wire_cid(9999, 1), "desk");
        end_expect_closed(&desk);
}

/* row 145 */
Test(forward, continued_without_a_beginning_removes_its_sender) {
        uint64_t cid = call_at_desk();
        forward_part(&desk, cid, "expert", WIRE_FLAG_CONTINUED, false);
        end_expect_closed(&desk);
        end_expect_answer(&client, cid, STATUS_DEAD);
        end_expect_silence(&expert);
}

/* row 145 */
Test(forward, of_a_call_that_is_not_complete_removes_its_sender) {
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"desk",
                                  .name_len = 4 };
        struct wire_extra part = { .more = true };
        uint64_t cid = end_call_with(&client, &call, &part);
        end_expect(&desk, THOX__FRAME__BODY_CALL);
        forward_call(&desk, cid, "expert");
        end_expect_closed(&desk);
        end_expect_answer(&client, cid, STATUS_DEAD);
}
