/*
 * record.c - see record.h.
 */
#include "initd/record.h"

#include <string.h>

#include "initd/native.h"

void record_init(struct record *r) {
        r->error = 0;
        buf_init(&r->values, LIMIT_MESSAGE_BYTES);
}

static void record_note(struct record *r, int error) {
        if (r->error == 0)
                r->error = error;
}

void record_array(struct record *r, size_t n) {
        record_note(r, value_put_array(&r->values, n));
}

void record_map(struct record *r) {
        record_note(r, value_put_map(&r->values, VALUE_INDEFINITE));
}

void record_end(struct record *r) {
        record_note(r, value_put_end(&r->values));
}

void record_item(struct record *r, const void *bytes, size_t len) {
        record_note(r, value_put_bytes(&r->values, bytes, len));
}

void record_pairs(struct record *r, size_t n) {
        record_note(r, value_put_map(&r->values, n));
}

void record_sequence(struct record *r, const void *values, size_t len) {
        record_note(r, value_put_array(&r->values, VALUE_INDEFINITE));
        record_note(r, len > 0 ? buf_add(&r->values, values, len) : 0);
        record_end(r);
}

void record_key(struct record *r, const char *key) {
        record_note(r, value_put_text(&r->values, key));
}

void record_bytes(struct record *r, const char *key, const void *bytes, size_t len) {
        record_key(r, key);
        record_note(r, value_put_bytes(&r->values, bytes, len));
}

void record_text(struct record *r, const char *key, const char *text) {
        record_bytes(r, key, text, strlen(text));
}

void record_integer(struct record *r, const char *key, uint64_t v) {
        record_key(r, key);
        record_note(r, value_put_integer(&r->values, (int64_t)v));
}

void record_boolean(struct record *r, const char *key, bool v) {
        record_key(r, key);
        record_note(r, value_put_boolean(&r->values, v));
}

void record_float(struct record *r, const char *key, double v) {
        record_key(r, key);
        record_note(r, value_put_float(&r->values, v));
}

void record_count(struct record *r, uint64_t n) {
        record_note(r, value_put_integer(&r->values, (int64_t)n));
}

void record_append(struct record *r, const struct record *other) {
        record_note(r, other->error);
        record_note(r, buf_add(&r->values, other->values.data, other->values.len));
}

void record_answer(struct record *r, struct call *call) {
        if (r->error < 0)
                native_refuse(call, STATUS_ERROR, "initd is out of memory");
        else
                native_answer(call, &r->values);
        buf_deinit(&r->values);
}
