/*
 * peer.c - see peer.h.
 */
#include "tests/helper/peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libipc/base/clock.h"

#define RAW_TURNS_MAX 100u

void raw_init_take(struct raw_peer *p, int fd) {
        *p = (struct raw_peer){ 0 };
        cr_assert(conn_scratch_init(&p->scratch) == 0);
        cr_assert(conn_init_take(&p->conn, fd, &p->scratch) == 0);
        p->conn.max_frame = LIMIT_FRAME_BYTES;
}

void raw_connect(struct raw_peer *p, const char *socket_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert(fd >= 0);
        cr_assert(strlen(socket_path) < sizeof(address.sun_path));
        strcpy(address.sun_path, socket_path);
        cr_assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect %s: %s",
                  socket_path, strerror(errno));
        raw_init_take(p, fd);
        raw_hello(p, "raw");
        raw_expect_welcome(p);
}

void raw_deinit(struct raw_peer *p) {
        conn_deinit(&p->conn);
        conn_scratch_deinit(&p->scratch);
}

static uint64_t raw_deadline(struct raw_peer *p) {
        p->n_turns = 0;
        return clock_now_us() + RAW_DEADLINE_US;
}

/* Lets the other side run; false when the deadline has passed. */
static bool raw_wait(struct raw_peer *p, short events, uint64_t deadline_us) {
        if (p->turn) {
                p->turn(p->userdata);
                return ++p->n_turns < RAW_TURNS_MAX;
        }
        uint64_t now_us = clock_now_us();
        if (now_us >= deadline_us)
                return false;
        struct pollfd fd = { .fd = p->conn.fd, .events = events };
        poll(&fd, 1, (int)((deadline_us - now_us) / 1000 + 1));
        return true;
}

static void raw_flush(struct raw_peer *p) {
        uint64_t deadline_us = raw_deadline(p);
        for (;;) {
                int r = conn_flush(&p->conn);
                if (r == CONN_OK || r == CONN_E_EOF)
                        break;
                cr_assert(r == CONN_E_AGAIN, "flush: %d", r);
                cr_assert(raw_wait(p, POLLOUT, deadline_us), "nobody reads");
        }
        if (p->turn)
                p->turn(p->userdata);
}

void raw_send(struct raw_peer *p, const Thox__Frame *message, const struct wire_extra *extra) {
        cr_assert(conn_send(&p->conn, message, extra) == CONN_OK);
        raw_flush(p);
}

void raw_send_bytes(struct raw_peer *p, const void *bytes, size_t len) {
        cr_assert(send(p->conn.fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
        if (p->turn)
                p->turn(p->userdata);
}

void raw_hello(struct raw_peer *p, const char *name) {
        Thox__Hello body = THOX__HELLO__INIT;
        body.version_min = body.version_max = WIRE_VERSION;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, 0, HELLO, hello, &body);
        raw_send(p, &message, NULL);
}

void raw_expect_welcome(struct raw_peer *p) {
        const Thox__Welcome *body = raw_expect(p, THOX__FRAME__BODY_WELCOME)->message->welcome;
        p->pid = body->pid;
        p->uid = body->uid;
        p->generation = body->generation;
}

static int raw_next(struct raw_peer *p, struct wire_frame **ret) {
        int r = conn_next(&p->conn, ret);
        if (r != CONN_E_AGAIN)
                return r;
        r = conn_read(&p->conn);
        return r == CONN_OK ? conn_next(&p->conn, ret) : r;
}

struct wire_frame *raw_expect(struct raw_peer *p, wire_kind kind) {
        uint64_t deadline_us = raw_deadline(p);
        for (;;) {
                struct wire_frame *frame;
                int r = raw_next(p, &frame);
                if (r == CONN_OK && frame->kind == kind)
                        return frame;
                cr_assert(r == CONN_OK || r == CONN_E_AGAIN,
                          "expected frame kind %d, but the connection ended (code %d)", (int)kind,
                          r);
                if (r == CONN_E_AGAIN)
                        cr_assert(raw_wait(p, POLLIN, deadline_us),
                                  "expected frame kind %d, nothing came", (int)kind);
        }
}

bool raw_is_closed(struct raw_peer *p) {
        struct wire_frame *frame;
        int r;
        do {
                r = raw_next(p, &frame);
        } while (r == CONN_OK);
        return r == CONN_E_EOF;
}

void raw_expect_closed(struct raw_peer *p) {
        uint64_t deadline_us = raw_deadline(p);
        while (!raw_is_closed(p))
                cr_assert(raw_wait(p, POLLIN, deadline_us), "the connection was not closed");
}

uint32_t raw_call(struct raw_peer *p, const char *name, const struct buf *values) {
        struct wire_call call = { .handle = RAW_NATIVE,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        struct wire_extra extra = { 0 };
        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        uint32_t seq = ++p->next_seq;
        cr_assert(conn_send_call_long(&p->conn, seq, &call, &extra) == CONN_OK);
        raw_flush(p);
        return seq;
}

struct wire_frame *raw_expect_answer(struct raw_peer *p, uint32_t seq) {
        struct wire_frame *frame;
        do {
                frame = raw_expect(p, THOX__FRAME__BODY_ANSWER);
        } while (frame->seq != seq);
        return frame;
}

struct wire_frame *raw_ask(struct raw_peer *p,
                           const char *name,
                           const struct buf *values,
                           enum thox_status status) {
        struct wire_frame *frame = raw_expect_answer(p, raw_call(p, name, values));
        cr_assert_eq(frame->answer.status, status, "%s: expected %s, got %s: %.*s", name,
                     status_name(status), status_name(frame->answer.status),
                     (int)frame->extra.values_len, (const char *)frame->extra.values);
        return frame;
}

void raw_answer(struct raw_peer *p,
                uint64_t cid,
                enum thox_status status,
                const struct wire_extra *extra) {
        struct wire_answer answer = { .cid = cid, .status = status };
        cr_assert(conn_send_answer_long(&p->conn, 0, &answer, extra) == CONN_OK);
        raw_flush(p);
}

void raw_bind(struct raw_peer *p, const char *name) {
        Thox__Bind body = THOX__BIND__INIT;
        body.handle = RAW_NATIVE;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, ++p->next_seq, BIND, bind, &body);
        raw_send(p, &message, NULL);
        cr_assert_eq(raw_expect(p, THOX__FRAME__BODY_REPLY)->message->reply->status, STATUS_OK);
}

uint32_t raw_context(struct raw_peer *p) {
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;
        WIRE_MESSAGE(message, ++p->next_seq, CONTEXT_NEW, context_new, &body);
        raw_send(p, &message, NULL);
        const Thox__Reply *reply = raw_expect(p, THOX__FRAME__BODY_REPLY)->message->reply;
        cr_assert_eq(reply->status, STATUS_OK);
        return reply->handle;
}
