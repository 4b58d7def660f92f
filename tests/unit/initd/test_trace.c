/*
 * Copies of calls: who gets them, that nobody else is touched, and what bytes that lie can do.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "initd/trace.h"
#include "libipc/value.h"
#include "tests/unit/initd/router_fixture.h"

static struct fixture f;
static struct end watcher, caller, server;

static void set_up(void) {
        fixture_init(&f);
        fixture_add(&f, &watcher, PEER_ROLE_CONTROL, 10);
        fixture_add(&f, &caller, PEER_ROLE_WORKER, 11);
        fixture_add(&f, &server, PEER_ROLE_WORKER, 12);
        router_find_peer(&f.router, 10)->uid = 0;
        strcpy(router_find_peer(&f.router, 11)->name, "caller");
        strcpy(router_find_peer(&f.router, 12)->name, "server");
        cr_assert_eq(end_bind(&server, FIXTURE_NATIVE, "echo"), STATUS_OK);
}

static void tear_down(void) {
        end_deinit(&watcher);
        end_deinit(&caller);
        end_deinit(&server);
        fixture_deinit(&f);
}

TestSuite(trace, .init = set_up, .fini = tear_down, .timeout = 10);

static uint32_t listen_to(struct end *e, uint32_t handle, const char *queue, const char *match) {
        ProtobufCBinaryData pattern = wire_bytes(match, match ? strlen(match) : 0);
        Thox__Listen listen = THOX__LISTEN__INIT;
        listen.handle = handle;
        listen.name = wire_bytes(queue, strlen(queue));
        listen.match = &pattern;
        listen.n_match = match ? 1 : 0;
        WIRE_MESSAGE(m, ++e->next_seq, LISTEN, listen, &listen);
        end_send(e, &m);
        return end_expect(e, THOX__FRAME__BODY_REPLY)->message->reply->status;
}

static bool is_traced(uint32_t pid) {
        return router_find_peer(&f.router, pid)->is_traced;
}

/* The next record of the watcher: its kind, and the field `key`, both as bytes; whether it is sound. */
static bool expect_record(const char *kind, const char *key, struct value *ret) {
        const struct wire_frame *frame = end_expect(&watcher, THOX__FRAME__BODY_PUSHED);
        struct value_reader r;
        struct value name, v;
        cr_assert_eq(frame->message->pushed->pid, ROUTER_PID_INITD);
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_next(&r, &v) == VALUE_OK && v.type == VALUE_MAP);
        for (size_t n = v.size; n > 0; n--) {
                if (value_next(&r, &name) != VALUE_OK || value_next(&r, &v) != VALUE_OK)
                        return false;
                if (name.len == strlen(key) && memcmp(name.bytes, key, name.len) == 0)
                        *ret = v;
                bool is_kind = name.len == 4 && memcmp(name.bytes, "kind", 4) == 0;
                cr_assert(!is_kind || (v.len == strlen(kind) && memcmp(v.bytes, kind, v.len) == 0));
                if (value_skip(&r, &v) != VALUE_OK)
                        return false;
        }
        return value_is_done(&r);
}

static void make_a_call(const struct wire_extra *values) {
        struct wire_call call = { .handle = FIXTURE_NATIVE,
                                  .name = (const uint8_t *)"echo",
                                  .name_len = 4 };
        uint64_t cid = end_call_with(&caller, &call, values);
        const struct wire_frame *frame = end_expect(&server, THOX__FRAME__BODY_CALL);
        cr_assert_eq(frame->extra.values_len, values ? values->values_len : 0);
        end_answer(&server, cid, STATUS_OK, "back");
        end_expect_answer(&caller, cid, STATUS_OK);
}

/* row 28 */
Test(trace, follows_the_processes_that_somebody_names) {
        struct value v = { 0 };
        cr_assert_eq(listen_to(&caller, FIXTURE_NATIVE, "trace", NULL), STATUS_DENIED);
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", "call*"), STATUS_OK);
        cr_assert(is_traced(11) && !is_traced(12) && !is_traced(10));
        make_a_call(NULL);
        cr_assert(expect_record("call", "server", &v) && v.integer == 12);
        cr_assert(expect_record("answer", "status", &v) && v.integer == STATUS_OK);
        uint64_t cid = end_call(&server, FIXTURE_NATIVE, "nobody", NULL);
        end_expect_answer(&server, cid, STATUS_NOTBOUND);
        end_expect_silence(&watcher);
}

/* row 28: by who serves, too, and once for both */
Test(trace, tells_once_of_a_call_between_two_who_are_traced) {
        struct value v = { 0 };
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", NULL), STATUS_OK);
        make_a_call(NULL);
        cr_assert(expect_record("call", "pid", &v) && v.integer == 11);
        cr_assert(expect_record("answer", "pid", &v) && v.integer == 12);
        end_expect_silence(&watcher);
}

/* row 28 */
Test(trace, ends_with_who_listens) {
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", NULL), STATUS_OK);
        cr_assert(is_traced(11));
        end_deinit(&watcher);
        cr_assert(!is_traced(11) && !f.router.trace);
        make_a_call(NULL);
        fixture_add(&f, &watcher, PEER_ROLE_CONTROL, 10);
}

Test(trace, begins_with_a_process_that_comes_later) {
        struct value v = { 0 };
        struct end late;
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", "test"), STATUS_OK);
        fixture_add(&f, &late, PEER_ROLE_WORKER, 13);
        cr_assert(is_traced(13));
        end_deinit(&late);
        cr_assert(expect_record("exit", "pid", &v) && v.integer == 13);
}

Test(trace, is_nobodys_to_write) {
        Thox__Push push = THOX__PUSH__INIT;
        push.handle = FIXTURE_NATIVE;
        push.name = wire_bytes("trace", 5);
        WIRE_MESSAGE(m, ++caller.next_seq, PUSH, push, &push);
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", NULL), STATUS_OK);
        end_send(&caller, &m);
        cr_assert_eq(end_expect(&caller, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_DENIED);
}

/* row 60: what a process sends may spoil its record, and can forge none */
Test(trace, bytes_that_lie_spoil_their_own_record) {
        static const struct {
                const char *bytes;
                size_t len;
        } lies[] = {
                { "\xff", 1 },                 /* ends the array */
                { "\xff\x46status\x00", 9 },   /* and would go on with a field */
                { "\xff\x9f", 2 },             /* and opens another one */
                { "\x5a\x00\x00\x00\x09", 5 }, /* swallows what follows */
                { "\x9f", 1 },                 /* never ends */
                { "\xa1\x01", 2 },             /* half a map */
                { "\x1c", 1 },                 /* no value at all */
        };
        struct value v = { 0 };
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", "caller"), STATUS_OK);
        for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
                struct wire_extra extra = { .values = (const uint8_t *)lies[i].bytes,
                                            .values_len = lies[i].len };
                make_a_call(&extra);
                cr_assert(!expect_record("call", "pid", &v), "lie %zu is seen", i);
                cr_assert(expect_record("answer", "status", &v));
        }
        cr_assert_eq(f.n_closed, 0);
}

/* row 60 */
Test(trace, long_values_are_told_by_their_size) {
        static uint8_t bytes[LIMIT_TRACE_BYTES + 1];
        struct wire_extra extra = { .values = bytes, .values_len = LIMIT_TRACE_BYTES };
        struct value v = { 0 };
        cr_assert_eq(listen_to(&watcher, FIXTURE_NATIVE, "trace", "caller"), STATUS_OK);
        make_a_call(&extra);
        cr_assert(expect_record("call", "args", &v) && v.type == VALUE_ARRAY);
        cr_assert(expect_record("answer", "args", &v));
        extra.values_len++;
        make_a_call(&extra);
        cr_assert(expect_record("call", "size", &v) && v.integer == LIMIT_TRACE_BYTES + 1);
        cr_assert(expect_record("answer", "args", &v));
}
