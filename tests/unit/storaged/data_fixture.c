/*
 * data_fixture.c - see data_fixture.h.
 */
#include "tests/unit/storaged/data_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libipc/value.h"

struct data_fixture df;

static void start(void) {
        cr_assert_eq(loop_init(&df.loop), 0);
        writer_init(&df.writer, &df.loop);
        cr_assert_eq(data_init(&df.data, &df.loop, &df.writer, fixture.disk), DATA_OK);
}

static void stop(void) {
        fake_loop_settle(&df.loop);
        data_deinit(&df.data);
        writer_deinit(&df.writer);
        loop_deinit(&df.loop);
}

void data_fixture_set_up(void) {
        store_fixture_set_up();
        start();
}

void data_fixture_tear_down(void) {
        stop();
        store_fixture_tear_down();
}

void data_fixture_restart(void) {
        stop();
        store_fixture_reopen();
        start();
}

struct disk_bytes bytes_of(const char *text) {
        return (struct disk_bytes){ text, strlen(text) };
}

struct object *object_open(const char *name, enum data_kind kind) {
        struct object *o;
        cr_assert_eq(data_open(&df.data, name, strlen(name), kind, &o), DATA_OK);
        return o;
}

/* Strings of values are kept for the whole test: they are few. */
static struct disk_bytes value_of(const char *text) {
        static uint8_t all[1u << 16];
        static size_t n_used;
        struct buf b = { .data = all + n_used, .cap = sizeof(all) - n_used, .max = 256 };

        cr_assert(n_used + 256 < sizeof(all));
        cr_assert_eq(value_put_text(&b, text), 0);
        n_used += b.len;
        return (struct disk_bytes){ b.data, b.len };
}

struct data_op op_set(const char *key, const char *value) {
        return (struct data_op){ .type = DATA_OP_SET,
                                 .key = bytes_of(key),
                                 .value = value_of(value) };
}

struct data_op op_number(enum data_op_type type, const char *key, int64_t n) {
        return (struct data_op){ .type = type,
                                 .key = bytes_of(key),
                                 .by = n,
                                 .at = (uint64_t)n,
                                 .ttl_us = (uint64_t)n };
}

struct data_op op_key(enum data_op_type type, const char *key) {
        return (struct data_op){ .type = type, .key = bytes_of(key) };
}

static void outcome_on_done(struct data_txn *txn) {
        struct outcome *out = container_of(txn, struct outcome, txn);

        cr_assert_eq(out->result, OUTCOME_NONE, "done twice");
        out->result = txn->result;
}

void outcome_submit(struct outcome *out, struct object *o, const struct data_op *ops, size_t n) {
        out->result = OUTCOME_NONE;
        out->txn.object = o;
        out->txn.then = (struct data_list){ ops, n };
        out->txn.done = outcome_on_done;
        data_submit(&out->txn);
}

void outcome_close(struct outcome *out) {
        data_withdraw(&out->txn);
}

int change(struct object *o, const struct data_op *ops, size_t n) {
        struct outcome out = { .result = 0 };

        outcome_submit(&out, o, ops, n);
        fake_loop_settle(&df.loop);
        outcome_close(&out);
        return out.result;
}

int change_one(struct object *o, struct data_op op) {
        return change(o, &op, 1);
}

const char *value_at(struct object *o, const char *key) {
        static char text[256];
        struct key_row row;
        struct buf out;
        int r = data_begin(o);

        cr_assert_eq(r, DATA_OK);
        r = data_get(o, bytes_of(key), &row);
        buf_init(&out, sizeof(text) - 1);
        if (r == DATA_OK)
                cr_assert_eq(value_print(&out, row.value.data, row.value.len), 0);
        else
                cr_assert_eq(r, DATA_E_NOTFOUND);
        snprintf(text, sizeof(text), "%.*s", (int)out.len, out.data ? (char *)out.data : "");
        buf_deinit(&out);
        data_end(o);
        return r == DATA_OK ? text : NULL;
}

struct record record_of(struct object *o) {
        struct record record;

        cr_assert_eq(data_begin(o), DATA_OK);
        record = o->reading;
        data_end(o);
        return record;
}
