/*
 * scalar.c - see scalar.h.
 */
#include "storaged/scalar.h"

#include <string.h>

#include "libipc/value.h"

static bool scalar_parse(struct disk_bytes item, struct value *ret) {
        struct value_reader r;

        value_reader_init(&r, item.data, item.len);
        return value_next(&r, ret) == VALUE_OK && ret->type <= VALUE_BYTES && value_is_done(&r);
}

bool scalar_is_one(struct disk_bytes item) {
        struct value v;
        return scalar_parse(item, &v);
}

bool scalar_is_nil(struct disk_bytes item) {
        struct value v;
        return scalar_parse(item, &v) && v.type == VALUE_NIL;
}

/* Exactly: not every integer is a float. */
static bool is_same_number(int64_t integer, double number) {
        return number >= -0x1p63 && number < 0x1p63 && (double)(int64_t)number == number &&
               (int64_t)number == integer;
}

static bool value_is_equal(const struct value *a, const struct value *b) {
        if (a->type == VALUE_INTEGER && b->type == VALUE_FLOAT)
                return is_same_number(a->integer, b->number);
        if (a->type == VALUE_FLOAT && b->type == VALUE_INTEGER)
                return is_same_number(b->integer, a->number);
        if (a->type != b->type)
                return false;
        switch (a->type) {
        case VALUE_BOOLEAN:
                return a->boolean == b->boolean;
        case VALUE_INTEGER:
                return a->integer == b->integer;
        case VALUE_FLOAT:
                return a->number == b->number;
        case VALUE_BYTES:
                return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
        default:
                return true; /* nil */
        }
}

bool scalar_is_equal(struct disk_bytes a, struct disk_bytes b) {
        struct value x, y;
        return scalar_parse(a, &x) && scalar_parse(b, &y) && value_is_equal(&x, &y);
}

bool scalar_get_integer(struct disk_bytes item, int64_t *ret) {
        struct value v;

        if (!scalar_parse(item, &v) || v.type != VALUE_INTEGER)
                return false;
        *ret = v.integer;
        return true;
}
