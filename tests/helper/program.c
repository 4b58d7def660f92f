/*
 * program.c - see program.h.
 */
#include "tests/helper/program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libipc/value.h"

static void put_text(struct buf *b, const char *key, const char *text) {
        cr_assert(value_put_text(b, key) == 0 && value_put_text(b, text) == 0);
}

static int64_t first_integer(const struct wire_frame *frame) {
        struct value_reader r;
        int64_t v;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_get_integer(&r, &v));
        return v;
}

uint32_t program_run(struct raw_peer *client,
                     const char *source,
                     const struct program_options *options) {
        static const struct program_options none;
        const struct program_options *o = options ? options : &none;
        struct buf b;
        buf_init(&b, 1u << 20);
        cr_assert(value_put_map(&b, VALUE_INDEFINITE) == 0);
        put_text(&b, "code", source);
        put_text(&b, "name", o->name ? o->name : "test");
        if (o->restart)
                put_text(&b, "restart", o->restart);
        if (o->memory_bytes != 0) {
                cr_assert(value_put_text(&b, "properties") == 0 && value_put_map(&b, 1) == 0 &&
                          value_put_text(&b, "memory") == 0 &&
                          value_put_integer(&b, (int64_t)o->memory_bytes) == 0);
        }
        cr_assert(value_put_end(&b) == 0);
        uint32_t pid = (uint32_t)first_integer(raw_ask(client, "process.run", &b, STATUS_OK));
        buf_deinit(&b);
        return pid;
}

struct wire_frame *program_run_stored(struct raw_peer *client,
                                      const char *name,
                                      enum thox_status status) {
        struct buf b;
        buf_init(&b, 1024);
        cr_assert(value_put_map(&b, 1) == 0);
        put_text(&b, "program", name);
        struct wire_frame *frame = raw_ask(client, "process.run", &b, status);
        buf_deinit(&b);
        return frame;
}

struct program_end program_expect_end(struct raw_peer *client) {
        const Thox__Exited *body = raw_expect(client, THOX__FRAME__BODY_EXITED)->message->exited;
        struct program_end end = { .pid = body->pid,
                                   .status = body->status,
                                   .signal = body->signal,
                                   .reason = (enum exit_reason)body->reason };
        snprintf(end.message, sizeof(end.message), "%.*s", (int)body->message.len,
                 (const char *)body->message.data);
        return end;
}

struct program_end program_kill(struct raw_peer *client, uint32_t pid, const char *signal) {
        struct buf b;
        buf_init(&b, 1024);
        cr_assert(value_put_integer(&b, pid) == 0);
        if (signal)
                cr_assert(value_put_text(&b, signal) == 0);
        uint32_t seq = raw_call(client, "process.kill", &b);
        buf_deinit(&b);
        struct program_end end = program_expect_end(client);
        cr_assert_eq(end.pid, pid);
        cr_assert_eq(raw_expect_answer(client, seq)->answer.status, STATUS_OK);
        return end;
}
