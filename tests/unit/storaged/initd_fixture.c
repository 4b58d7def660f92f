/*
 * initd_fixture.c - see initd_fixture.h.
 */
#include "tests/unit/storaged/initd_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/fd.h"
#include "storaged/endpoints.h"

#define CALLER_GENERATION 7u
#define FIRST_HANDLE 100u

struct initd initd;

static void send_message(const Thox__Frame *message) {
        cr_assert_eq(conn_send(&initd.conn, message, NULL), 0);
}

static void on_hello(void) {
        Thox__Welcome welcome = THOX__WELCOME__INIT;

        welcome.version = WIRE_VERSION;
        welcome.pid = 2;
        WIRE_MESSAGE(message, 0, WELCOME, welcome, &welcome);
        send_message(&message);
}

static void send_reply(uint32_t seq, enum thox_status status, uint32_t handle) {
        Thox__Reply reply = THOX__REPLY__INIT;

        reply.status = status;
        reply.handle = handle;
        WIRE_MESSAGE(message, seq, REPLY, reply, &reply);
        send_message(&message);
}

/* runtimed: code.check kind, name, source. */
static void answer_check(uint32_t seq, const char *error) {
        struct wire_answer answer = { .status = error ? STATUS_BADCODE : initd.check };
        struct wire_extra extra = { 0 };
        struct buf values;

        buf_init(&values, 1000);
        if (error)
                cr_assert_eq(value_put_text(&values, error), 0);
        extra.values = values.data;
        extra.values_len = values.len;
        cr_assert_eq(conn_send_answer(&initd.conn, seq, &answer, &extra, NULL), 0);
        buf_deinit(&values);
}

static void on_check(const struct wire_frame *frame) {
        struct value_reader r;
        const uint8_t *bytes;
        size_t len;

        if (frame->extra.more)
                return;
        initd.n_checks++;
        if (initd.holds_checks) {
                initd.held[initd.n_held++] = frame->seq;
                return;
        }
        /* Of a long one only the tail is here; such are never wrong in these tests. */
        if ((frame->call.flags & WIRE_FLAG_CONTINUED) == 0) {
                value_reader_init(&r, frame->extra.values, frame->extra.values_len);
                cr_assert(value_get_bytes(&r, &bytes, &len) &&
                          store_kind_parse((const char *)bytes, len) >= 0);
                cr_assert(value_get_bytes(&r, &bytes, &len));
                cr_assert(value_get_bytes(&r, &bytes, &len));
                if (len == 12 && memcmp(bytes, "syntax error", len) == 0) {
                        answer_check(frame->seq, "p:1: syntax error");
                        return;
                }
        }
        answer_check(frame->seq, NULL);
}

static void on_answer(const struct wire_frame *frame) {
        uint32_t call = wire_cid_seq(frame->answer.cid);
        struct answer *a = &initd.answers[call];

        cr_assert(call < initd.n_calls && !a->has_arrived, "call %u answered twice", call);
        cr_assert_eq(buf_add(&a->values, frame->extra.values, frame->extra.values_len), 0);
        a->status = frame->answer.status;
        a->handle = frame->extra.n_caps > 0 ? frame->extra.caps[0].handle : 0;
        a->has_arrived = !frame->extra.more;
}

static void on_frame(const struct wire_frame *frame) {
        if (frame->kind == THOX__FRAME__BODY_HELLO) {
                on_hello();
        } else if (frame->kind == THOX__FRAME__BODY_BIND) {
                initd.n_bound++;
                send_reply(frame->seq, STATUS_OK, 0);
        } else if (frame->kind == THOX__FRAME__BODY_CONTEXT_NEW) {
                if (initd.refuses_contexts)
                        send_reply(frame->seq, STATUS_LIMIT, 0);
                else
                        send_reply(frame->seq, STATUS_OK, FIRST_HANDLE + initd.n_contexts++);
        } else if (frame->kind == THOX__FRAME__BODY_CLOSE) {
                initd.n_closed++;
                send_reply(frame->seq, STATUS_OK, 0);
        } else if (frame->kind == THOX__FRAME__BODY_CALL) {
                cr_assert_eq(frame->call.name_len, 10);
                cr_assert_eq(memcmp(frame->call.name, "code.check", 10), 0);
                on_check(frame);
        } else if (frame->kind == THOX__FRAME__BODY_ANSWER) {
                on_answer(frame);
        } else {
                cr_assert_fail("storaged sent a body of kind %d", (int)frame->kind);
        }
}

static bool initd_step(void) {
        struct wire_frame *frame;
        bool has_moved = false;

        cr_assert_geq(loop_turn(&initd.storaged->loop, false), 0);
        cr_assert_geq(conn_flush(&initd.conn), 0);
        while (conn_read(&initd.conn) == CONN_OK) {
                has_moved = true;
                while (conn_next(&initd.conn, &frame) == CONN_OK)
                        on_frame(frame);
        }
        return has_moved || conn_pending(&initd.conn) > 0;
}

void initd_turn(void) {
        /* storaged reads a full socket in several turns before it says anything. */
        for (unsigned int n_quiet = 0; n_quiet < 16;)
                n_quiet = initd_step() ? 0 : n_quiet + 1;
}

static void initd_connect(void) {
        char *reason = NULL;
        int fds[2];

        cr_assert_eq(fd_socketpair(fds), 0);
        cr_assert_eq(conn_scratch_init(&initd.scratch), 0);
        cr_assert_eq(conn_init_take(&initd.conn, fds[0], &initd.scratch), 0);
        initd.conn.max_frame = LIMIT_FRAME_BYTES;
        cr_assert_eq(storaged_new_take(&initd.storaged, fds[1], fixture.store_dir, fixture.boot_dir,
                                       &reason),
                     STORAGED_OK);
        initd.n_bound = 0;
        initd_turn();
        cr_assert_eq(initd.n_bound, n_endpoints);
}

static void initd_disconnect(void) {
        initd.storaged = storaged_free(initd.storaged);
        conn_deinit(&initd.conn);
        conn_scratch_deinit(&initd.scratch);
}

void initd_set_up(void) {
        store_fixture_set_up();
        fixture.disk = disk_close(fixture.disk);
        initd_connect();
}

void initd_tear_down(void) {
        initd_disconnect();
        for (size_t i = 0; i < ARRAY_SIZE(initd.answers); i++)
                buf_deinit(&initd.answers[i].values);
        store_fixture_tear_down();
}

void initd_restart(void) {
        initd_disconnect();
        initd_connect();
}

uint32_t send_call(uint32_t handle, const char *name, const struct buf *values) {
        uint32_t call = initd.n_calls++;
        struct wire_call body = {
                .cid = wire_cid(CALLER_GENERATION, call),
                .handle = handle,
                .pid = 10,
                .name = (const uint8_t *)name,
                .name_len = strlen(name),
        };
        struct wire_extra extra = { .values = values->data, .values_len = values->len };

        cr_assert_lt(call, ARRAY_SIZE(initd.answers));
        buf_init(&initd.answers[call].values, LIMIT_MESSAGE_BYTES);
        cr_assert_eq(conn_send_call_long(&initd.conn, 0, &body, &extra), 0);
        return call;
}

void send_cancel(uint32_t call) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;

        cancel.cid = wire_cid(CALLER_GENERATION, call);
        WIRE_MESSAGE(message, 0, CANCEL, cancel, &cancel);
        send_message(&message);
}

void send_closed(uint32_t handle, uint32_t pid) {
        Thox__Closed closed = THOX__CLOSED__INIT;

        closed.handle = handle;
        closed.pid = pid;
        WIRE_MESSAGE(message, 0, CLOSED, closed, &closed);
        send_message(&message);
}

void send_opened(uint32_t handle, uint32_t pid) {
        Thox__Opened opened = THOX__OPENED__INIT;

        opened.handle = handle;
        opened.pid = pid;
        WIRE_MESSAGE(message, 0, OPENED, opened, &opened);
        send_message(&message);
}

void release_checks(void) {
        for (uint32_t i = 0; i < initd.n_held; i++)
                answer_check(initd.held[i], NULL);
        initd.n_held = 0;
}

uint32_t send_set(uint32_t handle,
                  const char *endpoint,
                  const char *name,
                  const char *content,
                  int64_t expect,
                  const char *note) {
        struct buf values;
        uint32_t call;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        cr_assert_eq(value_put_text(&values, name), 0);
        cr_assert_eq(content ? value_put_text(&values, content) : value_put_nil(&values), 0);
        if (expect != NONE || note)
                cr_assert_eq(expect == NONE ? value_put_nil(&values) :
                                              value_put_integer(&values, expect),
                             0);
        if (note)
                cr_assert_eq(value_put_text(&values, note), 0);
        call = send_call(handle, endpoint, &values);
        buf_deinit(&values);
        return call;
}

uint32_t send_name(uint32_t handle, const char *endpoint, const char *name, int64_t version) {
        struct buf values;
        uint32_t call;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        if (name)
                cr_assert_eq(value_put_text(&values, name), 0);
        if (version != NONE)
                cr_assert_eq(value_put_integer(&values, version), 0);
        call = send_call(handle, endpoint, &values);
        buf_deinit(&values);
        return call;
}

static char *printed(const struct answer *a) {
        struct buf text;

        buf_init(&text, LIMIT_MESSAGE_BYTES);
        cr_assert_eq(value_print(&text, a->values.data, a->values.len), 0);
        cr_assert_eq(buf_add(&text, "", 1), 0);
        return (char *)text.data;
}

static void expect_status(const struct answer *a, enum thox_status status, const char *text) {
        cr_assert(a->has_arrived, "no answer");
        cr_assert_eq(a->status, (uint32_t)status, "%s instead of %s: %s", status_name(a->status),
                     status_name(status), text);
}

void expect_answer(uint32_t call, enum thox_status status, const char *text) {
        const struct answer *a = &initd.answers[call];
        char *got = printed(a);

        expect_status(a, status, got);
        if (text)
                cr_assert_str_eq(got, text);
        free(got);
}

void expect_failure(uint32_t call, enum thox_status status, const char *part) {
        const struct answer *a = &initd.answers[call];
        char *got = printed(a);

        expect_status(a, status, got);
        cr_assert(strstr(got, part), "%s does not say \"%s\"", got, part);
        free(got);
}
