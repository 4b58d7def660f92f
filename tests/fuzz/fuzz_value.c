/*
 * fuzz_value.c - bytes as a sequence of values: what can be read is written again and read as the
 * same, and writing that once more changes nothing. Printing and skipping meet the same bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put(struct buf *b, const struct value *v) {
        switch (v->type) {
        case VALUE_NIL:
                return value_put_nil(b);
        case VALUE_BOOLEAN:
                return value_put_boolean(b, v->boolean);
        case VALUE_INTEGER:
                return value_put_integer(b, v->integer);
        case VALUE_FLOAT:
                return value_put_float(b, v->number);
        case VALUE_BYTES:
                return value_put_bytes(b, v->bytes, v->len);
        case VALUE_ARRAY:
                return value_put_array(b, v->size);
        case VALUE_MAP:
                return value_put_map(b, v->size);
        case VALUE_CAP:
                return value_put_cap(b, v->cap);
        case VALUE_END:
                return value_put_end(b);
        }
        abort();
}

static int copy(struct buf *out, const uint8_t *bytes, size_t len) {
        struct value_reader r;
        struct value v;
        int e;

        value_reader_init(&r, bytes, len);
        while ((e = value_next(&r, &v)) == VALUE_OK) {
                assert(r.at <= r.end && r.depth <= LIMIT_VALUE_DEPTH);
                if (put(out, &v) < 0)
                        abort();
        }
        assert((e == VALUE_E_BAD) == (r.error != NULL));
        return e;
}

static int skip_all(const uint8_t *bytes, size_t len) {
        struct value_reader r;
        struct value v;
        int e;

        value_reader_init(&r, bytes, len);
        while ((e = value_next(&r, &v)) == VALUE_OK) {
                e = value_skip(&r, &v);
                if (e != VALUE_OK)
                        return e;
                assert(r.depth == 0);
        }
        return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf first, second, text;

        buf_init(&first, SIZE_MAX / 2);
        buf_init(&second, SIZE_MAX / 2);
        buf_init(&text, SIZE_MAX / 2);
        int e = copy(&first, data, size);
        assert(skip_all(data, size) == e);
        assert(value_print(&text, data, size) == (e == VALUE_E_DONE ? 0 : VALUE_E_BAD));
        if (e == VALUE_E_DONE) {
                assert(copy(&second, first.data, first.len) == VALUE_E_DONE);
                assert(first.len == second.len);
                assert(first.len == 0 || memcmp(first.data, second.data, first.len) == 0);
                buf_clear(&second);
                assert(value_print(&second, first.data, first.len) == 0);
                assert(second.len == text.len);
                assert(text.len == 0 || memcmp(second.data, text.data, text.len) == 0);
        }
        buf_deinit(&first);
        buf_deinit(&second);
        buf_deinit(&text);
        return 0;
}
