/*
 * Bad peers: each is removed, with one reason, and the others go on.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end bad, good;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &bad, PEER_ROLE_WORKER, 10);
        fixture_add(&f, &good, PEER_ROLE_WORKER, 11);
}

static void tear_down(void) {
        end_expect_answer(&good, end_call(&good, FIXTURE_NATIVE, "nobody", NULL), STATUS_NOTBOUND);
        end_deinit(&bad);
        end_deinit(&good);
        fixture_deinit(&f);
}

TestSuite(dispatch, .init = set_up, .fini = tear_down, .timeout = 20);

static void expect_removed(struct end *e) {
        end_expect_closed(e);
        cr_assert_eq(f.n_closed, 1);
        cr_assert_eq(f.closed_pid, e->pid);
        cr_assert_eq(f.closed_reason, EXIT_REASON_PROTOCOL);
        cr_assert_eq(f.router.n_violations, 1);
}

static void send_raw(struct end *e, const void *bytes, size_t len) {
        cr_assert_eq(send(e->conn.fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
        for (int i = 0; i < 3; i++)
                cr_assert(loop_turn(&f.loop, false) == 0);
}

/* row 30 */
Test(dispatch, malformed_frame) {
        send_raw(&bad, "\x04\0\0\0\0\0\0\0\xff\xff\xff\xff", 12);
        expect_removed(&bad);
}

/* row 30 */
Test(dispatch, oversized_frame) {
        send_raw(&bad, "\xff\xff\xff\x7f\0\0\0\0", 8);
        expect_removed(&bad);
}

Test(dispatch, body_that_its_role_may_not_send) {
        Thox__Forked forked = THOX__FORKED__INIT;
        forked.pid = 11;
        WIRE_MESSAGE(m, 0, FORKED, forked, &forked);
        end_send(&bad, &m);
        expect_removed(&bad);
}

Test(dispatch, body_that_only_initd_sends) {
        Thox__Terminate terminate = THOX__TERMINATE__INIT;
        WIRE_MESSAGE(m, 0, TERMINATE, terminate, &terminate);
        end_send(&bad, &m);
        expect_removed(&bad);
}

Test(dispatch, second_hello) {
        Thox__Hello hello = THOX__HELLO__INIT;
        hello.version_min = hello.version_max = WIRE_VERSION;
        WIRE_MESSAGE(m, 0, HELLO, hello, &hello);
        end_send(&bad, &m);
        expect_removed(&bad);
}

Test(dispatch, call_without_seq) {
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"x",
                                  .name_len = 1 };
        cr_assert(conn_send_call(&bad.conn, 0, &call, NULL, NULL) == 0);
        cr_assert(conn_flush(&bad.conn) == CONN_OK);
        cr_assert(loop_turn(&f.loop, false) == 0);
        expect_removed(&bad);
}

Test(dispatch, seq_of_an_open_call) {
        cr_assert_eq(end_bind(&good, FIXTURE_NATIVE, "svc"), STATUS_OK);
        end_call(&bad, FIXTURE_NATIVE, "svc", NULL);
        bad.next_seq--;
        end_call(&bad, FIXTURE_NATIVE, "svc", NULL);
        expect_removed(&bad);
        end_expect(&good, THOX__FRAME__BODY_CALL);
        end_expect(&good, THOX__FRAME__BODY_CANCEL);
}

Test(dispatch, cancel_of_a_strangers_call) {
        struct end third;
        fixture_add(&f, &third, PEER_ROLE_WORKER, 12);
        cr_assert_eq(end_bind(&third, FIXTURE_NATIVE, "svc"), STATUS_OK);
        uint64_t cid = end_call(&good, FIXTURE_NATIVE, "svc", NULL);
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = cid;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        end_send(&bad, &m);
        expect_removed(&bad);
        end_answer(&third, cid, STATUS_OK, NULL);
        end_expect_answer(&good, cid, STATUS_OK);
        end_deinit(&third);
}

Test(dispatch, nine_descriptors) {
        int fds[9];
        char control[CMSG_SPACE(sizeof(fds))] = { 0 };
        struct iovec iov = { .iov_base = (char[]){ 1 }, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(fds));
        for (size_t i = 0; i < 9; i++)
                fds[i] = 0;
        memcpy(CMSG_DATA(header), fds, sizeof(fds));
        cr_assert_eq(sendmsg(bad.conn.fd, &message, 0), 1);
        cr_assert(loop_turn(&f.loop, false) == 0);
        expect_removed(&bad);
}

Test(dispatch, half_a_frame_then_gone) {
        send_raw(&bad, "\x40\0\0\0\0\0\0\0\x0d", 9);
        cr_assert_eq(f.n_closed, 0);
        end_deinit(&bad);
        cr_assert_eq(f.n_closed, 1);
        cr_assert_eq(f.closed_reason, EXIT_REASON_KILLED);
        fixture_add(&f, &bad, PEER_ROLE_WORKER, 10);
}

Test(dispatch, peer_that_never_reads_is_paused_then_removed) {
        cr_assert_eq(end_bind(&bad, FIXTURE_NATIVE, "sink"), STATUS_OK);
        struct wire_call call = { .handle = 77, .name = (const uint8_t *)"x", .name_len = 1 };
        uint32_t seq = 100;
        while (f.n_closed == 0) {
                if (conn_pending(&bad.conn) == 0)
                        cr_assert(conn_send_call(&bad.conn, seq++, &call, NULL, NULL) == 0);
                int r = conn_flush(&bad.conn);
                cr_assert(r == CONN_OK || r == CONN_E_AGAIN || r == CONN_E_EOF);
                cr_assert(loop_turn(&f.loop, r == CONN_E_AGAIN) == 0);
        }
        cr_assert_eq(f.closed_pid, 10);
        cr_assert_eq(f.closed_reason, EXIT_REASON_HUNG);
}
