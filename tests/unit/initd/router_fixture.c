/*
 * router_fixture.c - see router_fixture.h.
 */
#include "tests/unit/initd/router_fixture.h"

#include <criterion/criterion.h>
#include <poll.h>

#include "initd/native_table.h"
#include "libipc/base/clock.h"
#include "libipc/base/fd.h"

static void on_hello(struct peer *p, const Thox__Hello *hello) {
        (void)hello;
        cr_assert(handle_give_default(p, p->router->native, HANDLE_RIGHTS_ALL) == 0);
}

static void on_exit_frame(struct peer *p, const Thox__Exit *exit_frame) {
        (void)p;
        (void)exit_frame;
}

static void on_fault(struct peer *p UNUSED, const Thox__Fault *fault UNUSED) {
}

static void on_forked(struct peer *p, const Thox__Forked *forked) {
        (void)p;
        (void)forked;
}

static void on_closed(struct peer *p) {
        struct fixture *f = p->router->userdata;
        f->n_closed++;
        f->closed_pid = p->pid;
        f->closed_reason = p->close_reason;
}

static void on_bound(struct peer *p UNUSED) {
}

static void on_written(struct router *r UNUSED) {
}

static const struct router_ops ops = {
        .on_hello = on_hello,
        .on_exit = on_exit_frame,
        .on_fault = on_fault,
        .on_forked = on_forked,
        .on_bound = on_bound,
        .on_closed = on_closed,
        .on_written = on_written,
};

void fixture_init(struct fixture *f) {
        *f = (struct fixture){ 0 };
        cr_assert(loop_init(&f->loop) == 0);
        cr_assert(router_init(&f->router, &f->loop, &ops, f) == 0);
        cr_assert(conn_scratch_init(&f->scratch) == 0);
        cr_assert(native_register(&f->router, native_alarm_endpoints, native_alarm_n_endpoints) ==
                  0);
}

void fixture_deinit(struct fixture *f) {
        router_deinit(&f->router);
        conn_scratch_deinit(&f->scratch);
        loop_deinit(&f->loop);
}

static void fixture_settle(struct fixture *f) {
        for (int i = 0; i < 3; i++)
                cr_assert(loop_turn(&f->loop, false) == 0);
}

void fixture_add(struct fixture *f, struct end *e, enum peer_role role, uint32_t pid) {
        int fds[2];
        struct peer *p;
        *e = (struct end){ .fixture = f, .pid = pid };
        cr_assert(fd_socketpair(fds) == 0);
        cr_assert(peer_new(&p, &f->router, fds[0], role, pid, pid + 1000, "test") == 0);
        e->generation = p->generation;
        cr_assert(conn_init_take(&e->conn, fds[1], &f->scratch) == 0);
        e->conn.max_frame = LIMIT_FRAME_BYTES;
        Thox__Hello hello = THOX__HELLO__INIT;
        hello.version_min = hello.version_max = WIRE_VERSION;
        WIRE_MESSAGE(m, 0, HELLO, hello, &hello);
        end_send(e, &m);
}

void end_deinit(struct end *e) {
        conn_deinit(&e->conn);
        fixture_settle(e->fixture);
}

static void end_flush(struct end *e) {
        uint64_t deadline = clock_now_us() + FIXTURE_DEADLINE_US;
        while (conn_pending(&e->conn) > 0 && clock_now_us() < deadline) {
                int r = conn_flush(&e->conn);
                cr_assert(r == CONN_OK || r == CONN_E_AGAIN || r == CONN_E_EOF, "flush: %d", r);
                if (r == CONN_E_EOF)
                        break;
                fixture_settle(e->fixture);
        }
        fixture_settle(e->fixture);
}

void end_send_with(struct end *e, const Thox__Frame *message, const struct wire_extra *extra) {
        cr_assert(conn_send(&e->conn, message, extra) == CONN_OK);
        end_flush(e);
}

void end_send(struct end *e, const Thox__Frame *message) {
        end_send_with(e, message, NULL);
}

uint64_t end_call_with(struct end *e, struct wire_call *call, const struct wire_extra *extra) {
        uint32_t seq = ++e->next_seq;
        cr_assert(conn_send_call_long(&e->conn, seq, call, extra) == CONN_OK);
        end_flush(e);
        return wire_cid(e->generation, seq);
}

static struct wire_extra text_extra(struct buf *b, const char *text) {
        buf_init(b, 4096);
        if (text)
                cr_assert(value_put_text(b, text) == 0);
        return (struct wire_extra){ .values = b->data, .values_len = b->len };
}

uint64_t end_call(struct end *e, uint32_t handle, const char *name, const char *value) {
        struct buf b;
        struct wire_extra extra = text_extra(&b, value);
        struct wire_call call = { .handle = handle,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        uint64_t cid = end_call_with(e, &call, &extra);
        buf_deinit(&b);
        return cid;
}

void end_answer_with(struct end *e, uint64_t cid, uint32_t status, const struct wire_extra *extra) {
        struct wire_answer answer = { .cid = cid, .status = status };
        cr_assert(conn_send_answer_long(&e->conn, 0, &answer, extra) == CONN_OK);
        end_flush(e);
}

void end_answer(struct end *e, uint64_t cid, uint32_t status, const char *value) {
        struct buf b;
        struct wire_extra extra = text_extra(&b, value);
        end_answer_with(e, cid, status, &extra);
        buf_deinit(&b);
}

uint32_t end_bind(struct end *e, uint32_t handle, const char *name) {
        Thox__Bind bind = THOX__BIND__INIT;
        bind.handle = handle;
        bind.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(m, ++e->next_seq, BIND, bind, &bind);
        end_send(e, &m);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply->status;
}

uint32_t end_context(struct end *e, const Thox__Routing *routing) {
        Thox__ContextNew new = THOX__CONTEXT_NEW__INIT;
        new.routing = (Thox__Routing *)(uintptr_t)routing;
        WIRE_MESSAGE(m, ++e->next_seq, CONTEXT_NEW, context_new, &new);
        end_send(e, &m);
        const Thox__Reply *reply = end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply;
        cr_assert_eq(reply->status, STATUS_OK);
        return reply->handle;
}

/* CONN_OK with a frame, or what conn_read said. */
static int end_next(struct end *e, struct wire_frame **ret) {
        int r = conn_next(&e->conn, ret);
        if (r != CONN_E_AGAIN)
                return r;
        r = conn_read(&e->conn);
        return r == CONN_OK ? conn_next(&e->conn, ret) : r;
}

struct wire_frame *end_expect(struct end *e, wire_kind kind) {
        struct wire_frame *frame = NULL;
        uint64_t deadline = clock_now_us() + FIXTURE_DEADLINE_US;
        int r;
        while ((r = end_next(e, &frame)) == CONN_E_AGAIN && clock_now_us() < deadline)
                cr_assert(loop_turn(&e->fixture->loop, false) == 0);
        cr_assert(r == CONN_OK, "expected frame kind %d, got nothing (code %d)", (int)kind, r);
        cr_assert(frame->kind == kind, "expected frame kind %d, got %d", (int)kind,
                  (int)frame->kind);
        return frame;
}

struct wire_frame *end_expect_answer(struct end *e, uint64_t cid, uint32_t status) {
        struct wire_frame *frame = end_expect(e, THOX__FRAME__BODY_ANSWER);
        cr_assert_eq(frame->answer.cid, cid);
        cr_assert_eq(frame->seq, wire_cid_seq(cid));
        cr_assert_eq(frame->answer.status, status, "expected %s, got %s", status_name(status),
                     status_name(frame->answer.status));
        return frame;
}

void end_expect_silence(struct end *e) {
        struct wire_frame *frame;
        fixture_settle(e->fixture);
        int r = end_next(e, &frame);
        cr_assert(r == CONN_E_AGAIN, "expected silence, got code %d kind %d", r,
                  r == CONN_OK ? (int)frame->kind : 0);
}

void end_expect_closed(struct end *e) {
        struct wire_frame *frame;
        int r;
        fixture_settle(e->fixture);
        while ((r = end_next(e, &frame)) == CONN_OK)
                ;
        cr_assert(r == CONN_E_EOF, "expected the end to be closed, got code %d", r);
}
