/*
 * test_service.c - the skeleton of a daemon against a peer that plays initd, in one process: the
 * peer speaks, the loop turns, the peer looks at what came.
 */
#include "libipc/service.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libipc/base/fd.h"

#define CID UINT64_C(0x700000001)

static struct loop loop;
static struct service service;
static struct conn peer;
static struct conn_scratch scratch;
static bool is_down;             /* the service, by the test itself */
static struct wire_frame *frame; /* the last one from the service */

static int n_ready, n_cancelled, n_kept;
static struct request *kept[64];
static struct buf values;

/*
 * A daemon with a few endpoints.
 */

static void serve_echo(struct request *request) {
        request_answer(request, STATUS_OK, &request->values);
}

static void serve_who(struct request *request) {
        struct buf b;
        buf_init(&b, 1000);
        value_put_integer(&b, request->pid);
        value_put_integer(&b, request->uid);
        value_put_text(&b, request->context ? (const char *)request->context : "native");
        value_put_integer(&b, request->n_caps != 0 ? request->caps[0].handle : 0);
        request_answer(request, STATUS_OK, &b);
        buf_deinit(&b);
}

static void serve_big(struct request *request) {
        struct buf b;
        void *bytes = calloc(1, 1 << 20);
        buf_init(&b, 2 << 20);
        value_put_bytes(&b, bytes, 1 << 20);
        request_answer(request, STATUS_OK, &b);
        buf_deinit(&b);
        free(bytes);
}

static void serve_usage(struct request *request) {
        request_fail_usage(request);
}

static void serve_fd(struct request *request) {
        struct wire_cap cap = { .handle = 9, .rights = 1 };
        int fd = fd_new_sealed("test", "image", 5);
        request_answer_with(request, NULL, &fd, 1, &cap, 1);
        fd_close(fd);
}

static void serve_keep(struct request *request) {
        kept[n_kept++] = request;
}

static void on_cancel(struct request *request) {
        cr_assert(request->is_cancelled);
        /* In vain, and harmless. */
        request_fail(request, STATUS_ERROR, "too late");
        n_cancelled++;
}

static void serve_cancellable(struct request *request) {
        request->on_cancel = on_cancel;
        serve_keep(request);
}

static const struct endpoint endpoints[] = {
        { "t.echo", serve_echo, "...", false },
        { "t.who", serve_who, "", false },
        { "t.big", serve_big, "", false },
        { "t.usage", serve_usage, "name -> bytes", false },
        { "t.fd", serve_fd, "", false },
        { "t.keep", serve_keep, "", false },
        { "t.cancellable", serve_cancellable, "", false },
};

static int on_ready(struct service *s) {
        cr_assert_eq(s->pid, 2);
        n_ready++;
        return 0;
}

/*
 * The peer.
 */

static int turn(void) {
        cr_assert_geq(conn_flush(&peer), 0);
        return loop_turn(&loop, false);
}

/* The next frame, whatever it is; false when both sides have nothing more to say. */
static bool receive(void) {
        for (int n_quiet = 0; n_quiet < 4; n_quiet++) {
                uint64_t before = service.conn.n_bytes_read + service.conn.n_bytes_written;
                int r = conn_next(&peer, &frame);
                if (r == CONN_OK)
                        return true;
                cr_assert_eq(r, CONN_E_AGAIN, "%s", peer.reason);
                r = turn();
                cr_assert_eq(r, 0);
                r = conn_read(&peer);
                if (r == CONN_OK ||
                    service.conn.n_bytes_read + service.conn.n_bytes_written != before)
                        n_quiet = 0;
        }
        return false;
}

static void expect(wire_kind kind) {
        cr_assert(receive(), "no frame");
        cr_assert_eq(frame->kind, kind, "kind %d", (int)frame->kind);
}

static void expect_silence(void) {
        cr_assert_not(receive(), "kind %d", (int)frame->kind);
}

static void send_welcome(void) {
        Thox__Welcome welcome = THOX__WELCOME__INIT;
        welcome.version = WIRE_VERSION;
        welcome.pid = 2;
        welcome.generation = 77;
        WIRE_MESSAGE(m, 1, WELCOME, welcome, &welcome);
        cr_assert_eq(conn_send(&peer, &m, NULL), 0);
}

static void send_reply(uint32_t seq, enum thox_status status, uint32_t handle) {
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.status = status;
        reply.handle = handle;
        WIRE_MESSAGE(m, seq, REPLY, reply, &reply);
        cr_assert_eq(conn_send(&peer, &m, NULL), 0);
}

static void send_call(uint64_t cid, const char *name, const struct wire_extra *extra) {
        struct wire_call call = { .cid = cid,
                                  .handle = SERVICE_NATIVE_HANDLE,
                                  .pid = 5,
                                  .uid = 1000,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        cr_assert_eq(conn_send_call_long(&peer, (uint32_t)cid, &call, extra), 0);
}

static void send_cancel(uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = cid;
        WIRE_MESSAGE(m, 1, CANCEL, cancel, &cancel);
        cr_assert_eq(conn_send(&peer, &m, NULL), 0);
}

/* One piece of a call to t.echo. */
static void send_piece(uint64_t cid, uint32_t flags, bool more) {
        struct wire_call call = { .cid = cid,
                                  .handle = SERVICE_NATIVE_HANDLE,
                                  .flags = flags,
                                  .name = (const uint8_t *)"t.echo",
                                  .name_len = 6 };
        struct wire_extra extra = { .values = (const uint8_t *)"\x01",
                                    .values_len = 1,
                                    .more = more };
        cr_assert_eq(conn_send_call(&peer, 1, &call, &extra, NULL), 0);
}

static void expect_answer(uint64_t cid, enum thox_status status) {
        expect(THOX__FRAME__BODY_ANSWER);
        cr_assert_eq(frame->answer.cid, cid);
        cr_assert_eq(frame->answer.status, status);
}

/* All frames of one answer, into `values`. */
static void expect_long_answer(uint64_t cid) {
        buf_clear(&values);
        do {
                expect(THOX__FRAME__BODY_ANSWER);
                cr_assert_eq(frame->answer.cid, cid);
                cr_assert_eq((frame->answer.flags & WIRE_FLAG_CONTINUED) != 0, values.len != 0);
                cr_assert_eq(buf_add(&values, frame->extra.values, frame->extra.values_len), 0);
        } while (frame->extra.more);
}

static void expect_message(const char *text) {
        struct value_reader r;
        const uint8_t *bytes;
        size_t len;

        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_get_bytes(&r, &bytes, &len));
        cr_assert_eq(len, strlen(text));
        cr_assert_eq(memcmp(bytes, text, len), 0, "%.*s", (int)len, (const char *)bytes);
}

/* Up to the binds, which are unanswered. */
static void connect_service(void) {
        int fds[2];
        cr_assert_eq(fd_socketpair(fds), 0);
        cr_assert_eq(loop_init(&loop), 0);
        cr_assert_eq(conn_scratch_init(&scratch), 0);
        cr_assert_eq(conn_init_take(&peer, fds[0], &scratch), 0);
        peer.max_frame = LIMIT_FRAME_BYTES;
        cr_assert_eq(service_init_take(&service, fds[1], &loop, "tested", endpoints,
                                       ARRAY_SIZE(endpoints), NULL),
                     0);
        service.on_ready = on_ready;
        buf_init(&values, LIMIT_MESSAGE_BYTES);

        expect(THOX__FRAME__BODY_HELLO);
        cr_assert_eq(frame->message->hello->name.len, 6);
        send_welcome();
}

static void start(void) {
        connect_service();
        for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
                expect(THOX__FRAME__BODY_BIND);
                cr_assert_eq(frame->message->bind->handle, SERVICE_NATIVE_HANDLE);
                cr_assert_eq(memcmp(frame->message->bind->name.data, endpoints[i].name,
                                    frame->message->bind->name.len),
                             0);
                cr_assert_eq(n_ready, 0);
                send_reply(frame->seq, STATUS_OK, 0);
        }
        expect_silence();
}

static void stop(void) {
        if (!is_down)
                service_deinit(&service);
        conn_deinit(&peer);
        conn_scratch_deinit(&scratch);
        loop_deinit(&loop);
        buf_deinit(&values);
}

TestSuite(service, .init = start, .fini = stop, .timeout = 20);
TestSuite(service_start, .init = connect_service, .fini = stop, .timeout = 20);

/*
 * Start and end.
 */

Test(service, it_is_ready_once_after_all_binds) {
        cr_assert_eq(n_ready, 1);
        cr_assert_eq(service.generation, 77);
}

Test(service_start, a_refused_bind_ends_the_loop) {
        expect(THOX__FRAME__BODY_BIND);
        send_reply(frame->seq, STATUS_EXISTS, 0);
        cr_assert_eq(turn(), -EPROTO);
        cr_assert_eq(n_ready, 0);
}

Test(service, losing_initd_is_an_orderly_end) {
        shutdown(peer.fd, SHUT_RDWR);
        cr_assert_eq(loop_run(&loop), 0);
}

Test(service, malformed_input_ends_the_loop) {
        cr_assert_eq(write(peer.fd, "\xff\xff\xff\xff\0\0\0\0", 8), 8);
        cr_assert_eq(loop_run(&loop), -EPROTO);
}

/*
 * Serving.
 */

Test(service, a_call_reaches_its_handler_with_the_callers_identity) {
        struct wire_cap cap = { .handle = 12, .rights = 1 };
        struct wire_extra extra = { .caps = &cap, .n_caps = 1 };
        struct value_reader r;
        int64_t number;
        const uint8_t *bytes;
        size_t len;

        send_call(CID, "t.who", &extra);
        expect_answer(CID, STATUS_OK);
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_get_integer(&r, &number) && number == 5);
        cr_assert(value_get_integer(&r, &number) && number == 1000);
        cr_assert(value_get_bytes(&r, &bytes, &len) && len == 6);
        cr_assert(value_get_integer(&r, &number) && number == 12);
}

Test(service, an_unknown_name_is_not_bound) {
        send_call(CID, "t.nothing", NULL);
        expect_answer(CID, STATUS_NOTBOUND);
        expect_message("nobody serves this name here");
}

Test(service, usage_tells_how_to_call) {
        send_call(CID, "t.usage", NULL);
        expect_answer(CID, STATUS_BADARGS);
        expect_message("usage: t.usage name -> bytes");
}

Test(service, long_arguments_and_answers_are_put_together) {
        struct buf args;
        size_t len = 5 * LIMIT_FRAGMENT_BYTES + 17;
        uint8_t *bytes = malloc(len);

        memset(bytes, 'x', len);
        buf_init(&args, LIMIT_MESSAGE_BYTES);
        value_put_bytes(&args, bytes, len);
        struct wire_extra extra = { .values = args.data, .values_len = args.len };
        send_call(CID, "t.echo", &extra);
        send_call(CID + 1, "t.echo", NULL);
        expect_long_answer(CID);
        cr_assert_eq(values.len, args.len);
        cr_assert_eq(memcmp(values.data, args.data, args.len), 0);
        expect_answer(CID + 1, STATUS_OK);
        buf_deinit(&args);
        free(bytes);
}

Test(service, arguments_past_the_limit_are_refused_once_they_are_all_here) {
        uint8_t *bytes = calloc(1, LIMIT_FRAME_VALUES_BYTES);
        struct wire_call call = { .cid = CID,
                                  .handle = SERVICE_NATIVE_HANDLE,
                                  .name = (const uint8_t *)"t.echo",
                                  .name_len = 6 };
        struct wire_extra extra = { .values = bytes,
                                    .values_len = LIMIT_FRAME_VALUES_BYTES,
                                    .more = true };
        for (size_t sent = 0; sent <= LIMIT_MESSAGE_BYTES; sent += extra.values_len) {
                extra.more = sent < LIMIT_MESSAGE_BYTES;
                cr_assert_eq(conn_send_call(&peer, 1, &call, &extra, NULL), 0);
                call.flags = WIRE_FLAG_CONTINUED;
                while (conn_pending(&peer) > LIMIT_FRAME_VALUES_BYTES)
                        cr_assert_eq(turn(), 0);
        }
        expect_answer(CID, STATUS_LIMIT);
        cr_assert(list_is_empty(&service.running));
        free(bytes);
}

Test(service, interleaved_long_calls_do_not_mix) {
        send_piece(CID, 0, true);
        send_piece(CID + 1, 0, true);
        send_piece(CID, WIRE_FLAG_CONTINUED, true);
        send_piece(CID + 1, WIRE_FLAG_CONTINUED, false);
        send_piece(CID, WIRE_FLAG_CONTINUED, false);
        expect_answer(CID + 1, STATUS_OK);
        cr_assert_eq(frame->extra.values_len, 2);
        expect_answer(CID, STATUS_OK);
        cr_assert_eq(frame->extra.values_len, 3);
}

Test(service, the_rest_of_a_call_that_was_cancelled_is_dropped) {
        send_piece(CID, 0, true);
        send_cancel(CID);
        send_piece(CID, WIRE_FLAG_CONTINUED, false);
        expect_silence();
        cr_assert(list_is_empty(&service.assembling));
}

Test(service, descriptors_and_handles_go_with_an_answer) {
        char text[6] = "";

        send_call(CID, "t.fd", NULL);
        expect_answer(CID, STATUS_OK);
        cr_assert_eq(frame->extra.n_fds, 1);
        cr_assert_eq(frame->extra.n_caps, 1);
        cr_assert_eq(frame->extra.caps[0].handle, 9);
        cr_assert_eq(pread(frame->extra.fds[0], text, 5, 0), 5);
        cr_assert_str_eq(text, "image");
}

Test(service, a_one_way_call_gets_no_answer) {
        struct wire_call call = { .cid = CID,
                                  .handle = SERVICE_NATIVE_HANDLE,
                                  .flags = WIRE_FLAG_ONEWAY,
                                  .name = (const uint8_t *)"t.echo",
                                  .name_len = 6 };
        cr_assert_eq(conn_send_call(&peer, 1, &call, NULL, NULL), 0);
        call.name_len = 5;
        cr_assert_eq(conn_send_call(&peer, 1, &call, NULL, NULL), 0);
        expect_silence();
        cr_assert(list_is_empty(&service.running));
}

Test(service, a_kept_request_is_answered_later) {
        send_call(CID, "t.keep", NULL);
        expect_silence();
        request_fail(kept[0], STATUS_NOTFOUND, "no program \"%s\"", "x");
        expect_answer(CID, STATUS_NOTFOUND);
        expect_message("no program \"x\"");
}

Test(service, cancelling_runs_the_callback_and_ends_the_request) {
        send_call(CID, "t.cancellable", NULL);
        send_cancel(CID);
        send_cancel(CID);
        expect_silence();
        cr_assert_eq(n_cancelled, 1);
        cr_assert(list_is_empty(&service.running));
}

Test(service, without_a_callback_a_cancelled_request_is_answered_in_vain) {
        send_call(CID, "t.keep", NULL);
        send_cancel(CID);
        expect_silence();
        cr_assert(kept[0]->is_cancelled);
        request_answer(kept[0], STATUS_OK, NULL);
        expect_silence();
        cr_assert(list_is_empty(&service.running));
}

Test(service, callers_of_large_answers_wait_while_the_output_is_not_read) {
        for (uint64_t i = 0; i < 200; i++)
                send_call(CID + i, "t.big", NULL);
        while (conn_flush(&peer) == CONN_E_AGAIN || !list_is_empty(&loop.later))
                cr_assert_eq(loop_turn(&loop, false), 0);
        for (int i = 0; i < 10; i++)
                cr_assert_eq(loop_turn(&loop, false), 0);
        cr_assert_leq(conn_pending(&service.conn), LIMIT_OUT_PAUSE_BYTES + (2u << 20));
        cr_assert_not(list_is_empty(&service.backlog));

        for (uint64_t i = 0; i < 200; i++) {
                expect_long_answer(CID + i);
                cr_assert_gt(values.len, 1u << 20);
        }
        expect_silence();
        cr_assert(service.io.wants_read);
        cr_assert_not(service.io.wants_write);
}

/*
 * Calling.
 */

struct outcome {
        int n;
        enum thox_status status;
        size_t len;
};

static void on_done(struct service *s,
                    void *userdata,
                    enum thox_status status,
                    struct value_reader *r) {
        struct outcome *outcome = userdata;
        cr_assert_eq(s, &service);
        outcome->n++;
        outcome->status = status;
        outcome->len = (size_t)(r->end - r->at);
}

Test(service, an_own_call_is_done_with_its_answer) {
        struct outcome first = { 0 }, second = { 0 };

        value_put_text(&values, "init");
        cr_assert_eq(service_call(&service, "program.get", &values, on_done, &first), 0);
        cr_assert_eq(service_call(&service, "program.list", NULL, on_done, &second), 0);
        cr_assert_eq(first.n, 0);

        expect(THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->call.handle, SERVICE_NATIVE_HANDLE);
        cr_assert_eq(frame->extra.values_len, values.len);
        uint32_t first_seq = frame->seq;
        expect(THOX__FRAME__BODY_CALL);
        struct wire_answer answer = { .status = STATUS_NOTFOUND };
        struct wire_extra extra = { .values = values.data, .values_len = values.len };
        cr_assert_eq(conn_send_answer(&peer, frame->seq, &answer, &extra, NULL), 0);
        answer.status = STATUS_OK;
        extra.more = true;
        cr_assert_eq(conn_send_answer(&peer, first_seq, &answer, &extra, NULL), 0);
        answer.flags = WIRE_FLAG_CONTINUED;
        extra.more = false;
        cr_assert_eq(conn_send_answer(&peer, first_seq, &answer, &extra, NULL), 0);
        /* A second answer finds nobody. */
        cr_assert_eq(conn_send_answer(&peer, first_seq, &answer, &extra, NULL), 0);
        expect_silence();
        cr_assert(first.n == 1 && first.status == STATUS_OK);
        cr_assert_eq(first.len, 2 * values.len);
        cr_assert(second.n == 1 && second.status == STATUS_NOTFOUND);
        cr_assert_eq(second.len, values.len);
}

Test(service_start, the_end_finishes_what_is_open) {
        static struct outcome outcome;

        cr_assert_eq(service_call(&service, "program.get", NULL, on_done, &outcome), 0);
        send_call(CID, "t.keep", NULL);
        send_call(CID + 1, "t.cancellable", NULL);
        while (receive())
                continue;
        cr_assert_eq(n_kept, 2);
        service_deinit(&service);
        is_down = true;
        cr_assert(outcome.n == 1 && outcome.status == STATUS_DEAD);
        cr_assert_eq(n_cancelled, 1);
}

/*
 * Contexts.
 */

static uint32_t context_handle;
static uint32_t opened_pid, closed_pid;

static void on_context(struct service *s, void *context, uint32_t handle) {
        cr_assert_eq(s, &service);
        cr_assert_str_eq(context, "mine");
        context_handle = handle;
}

static void on_opened(struct service *s, void *context, uint32_t pid) {
        cr_assert_eq(s, &service);
        cr_assert_str_eq(context, "mine");
        opened_pid = pid;
}

static void on_closed(struct service *s, void *context, uint32_t pid) {
        cr_assert_eq(s, &service);
        cr_assert_str_eq(context, "mine");
        closed_pid = pid;
}

static void make_context(enum thox_status status) {
        static char mine[] = "mine";

        context_handle = UINT32_MAX;
        cr_assert_eq(service_context_new(&service, NULL, mine, on_context), 0);
        expect(THOX__FRAME__BODY_CONTEXT_NEW);
        cr_assert_null(frame->message->context_new->routing);
        send_reply(frame->seq, status, 33);
        expect_silence();
}

static void call_context(uint64_t cid) {
        struct wire_call call = {
                .cid = cid, .handle = 33, .name = (const uint8_t *)"t.who", .name_len = 5
        };
        cr_assert_eq(conn_send_call(&peer, 1, &call, NULL, NULL), 0);
}

Test(service, calls_through_an_own_context_carry_its_object) {
        make_context(STATUS_OK);
        cr_assert_eq(context_handle, 33);
        call_context(CID);
        expect_answer(CID, STATUS_OK);
        cr_assert_not_null(memmem(frame->extra.values, frame->extra.values_len, "mine", 4));
}

Test(service, a_closed_context_is_gone) {
        make_context(STATUS_OK);
        service_context_close(&service, 33);
        expect(THOX__FRAME__BODY_CLOSE);
        cr_assert_eq(frame->message->close->handle, 33);
        send_reply(frame->seq, STATUS_OK, 0);
        call_context(CID);
        expect_answer(CID, STATUS_BADCTX);
}

Test(service, a_oneway_call_of_a_closed_context_is_answered_by_nothing) {
        struct wire_call call = { .cid = CID,
                                  .handle = 33,
                                  .flags = WIRE_FLAG_ONEWAY,
                                  .name = (const uint8_t *)"t.who",
                                  .name_len = 5 };

        cr_assert_eq(conn_send_call(&peer, 1, &call, NULL, NULL), 0);
        expect_silence();
}

static void answer_seven(struct request *request) {
        struct buf answer;

        buf_init(&answer, 16);
        cr_assert_eq(value_put_integer(&answer, 7), 0);
        request_answer(request, STATUS_OK, &answer);
        buf_deinit(&answer);
}

Test(service, a_context_may_have_endpoints_of_its_own) {
        static const struct endpoint own[] = { { "seven", answer_seven, "-> 7", false } };
        static const struct endpoint_table table = { own, 1 };
        static char mine[] = "mine";
        struct wire_call call = {
                .cid = CID, .handle = 33, .name = (const uint8_t *)"seven", .name_len = 5
        };

        cr_assert_eq(service_context_new(&service, &table, mine, on_context), 0);
        expect(THOX__FRAME__BODY_CONTEXT_NEW);
        send_reply(frame->seq, STATUS_OK, 33);
        expect_silence();
        cr_assert_eq(conn_send_call(&peer, 1, &call, NULL, NULL), 0);
        expect_answer(CID, STATUS_OK);
        call_context(CID + 1); /* a name of the service's */
        expect_answer(CID + 1, STATUS_NOTBOUND);
}

Test(service, a_refused_context_has_handle_0) {
        make_context(STATUS_LIMIT);
        cr_assert_eq(context_handle, 0);
}

Test(service, the_owner_hears_who_comes_and_goes) {
        Thox__Opened opened = THOX__OPENED__INIT;
        Thox__Closed closed = THOX__CLOSED__INIT;

        service.on_opened = on_opened;
        service.on_closed = on_closed;
        make_context(STATUS_OK);
        opened.handle = closed.handle = 33;
        opened.pid = 8;
        closed.pid = 9;
        WIRE_MESSAGE(first, 0, OPENED, opened, &opened);
        WIRE_MESSAGE(second, 0, CLOSED, closed, &closed);
        cr_assert_eq(conn_send(&peer, &first, NULL), 0);
        cr_assert_eq(conn_send(&peer, &second, NULL), 0);
        expect_silence();
        cr_assert_eq(opened_pid, 8);
        cr_assert_eq(closed_pid, 9);
}
