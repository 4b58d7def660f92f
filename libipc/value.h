/*
 * value.h - Lua values as a CBOR sequence (RFC 8742): a streaming writer and a pull reader. No
 * tree, no recursion.
 *
 *   nil null | boolean | integer int | float float64 | string byte string | table {1..n} array
 *   other table map | handle tag 0x74686F78 around its index in the frame's caps
 *
 * Integers and floats keep their subtype. Nesting is at most LIMIT_VALUE_DEPTH.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/limits.h"

#define VALUE_TAG_CAP 0x74686F78u
#define VALUE_INDEFINITE SIZE_MAX

enum value_type {
        VALUE_NIL,
        VALUE_BOOLEAN,
        VALUE_INTEGER,
        VALUE_FLOAT,
        VALUE_BYTES,
        VALUE_ARRAY, /* `size` items follow, or items until VALUE_END when VALUE_INDEFINITE */
        VALUE_MAP,   /* the same with pairs */
        VALUE_CAP,
        VALUE_END, /* of an indefinite array or map */
};

/* Writers append one item: 0, or -errno of the buffer, which is unchanged then. */
int value_put_nil(struct buf *b);
int value_put_boolean(struct buf *b, bool v);
int value_put_integer(struct buf *b, int64_t v);
int value_put_float(struct buf *b, double v);
int value_put_bytes(struct buf *b, const void *bytes, size_t len);
/* Only what precedes them: exactly `len` bytes must follow. */
int value_put_bytes_head(struct buf *b, size_t len);
int value_put_text(struct buf *b, const char *text); /* a byte string as well */
int value_put_array(struct buf *b, size_t n);
int value_put_map(struct buf *b, size_t n_pairs); /* or VALUE_INDEFINITE, ended by value_put_end */
int value_put_end(struct buf *b);
int value_put_cap(struct buf *b, uint32_t index);

struct value {
        enum value_type type;
        union {
                bool boolean;
                int64_t integer;
                double number;
                struct {
                        const uint8_t *bytes; /* into the input */
                        size_t len;
                };
                size_t size;
                uint32_t cap;
        };
};

struct value_reader {
        const uint8_t *at, *end;
        size_t depth;      /* containers open; one is left as soon as its last item has been read */
        const char *error; /* set when value_next returned VALUE_E_BAD */
        /* private: what remains in each open container; see value.c */
        size_t remaining[LIMIT_VALUE_DEPTH + 1];
};

enum value_error {
        VALUE_OK = 0,
        VALUE_E_DONE = 1, /* the sequence is over, and complete */
        VALUE_E_BAD = 2,  /* not CBOR, not in our profile, or too deep */
};

void value_reader_init(struct value_reader *r, const void *bytes, size_t len);
/* The next item in document order. Text strings are accepted as byte strings, float16/32 as
 * floats, definite and indefinite maps and arrays. Once bad, a reader stays bad. */
int value_next(struct value_reader *r, struct value *ret);
/* Skips the rest of the item just returned (no effect on scalars). */
int value_skip(struct value_reader *r, const struct value *v);

/* Typed steps for endpoints: true and the result, or false without moving past the item. At the end
 * of the sequence, at the end marker of a container, or on nil (which is passed), the _opt forms
 * leave *ret as it was and return true. */
bool value_get_bytes(struct value_reader *r, const uint8_t **ret, size_t *ret_len);
bool value_get_integer(struct value_reader *r, int64_t *ret);
bool value_get_number(struct value_reader *r, double *ret); /* integer or float */
bool value_get_boolean(struct value_reader *r, bool *ret);
bool value_get_cap(struct value_reader *r, uint32_t *ret_index);
bool value_get_map(struct value_reader *r, size_t *ret_n_pairs); /* pairs, or VALUE_INDEFINITE */
bool value_get_bytes_opt(struct value_reader *r, const uint8_t **ret, size_t *ret_len);
bool value_get_integer_opt(struct value_reader *r, int64_t *ret);
bool value_get_boolean_opt(struct value_reader *r, bool *ret);
/* Everything has been read, and none of it was bad. */
bool value_is_done(const struct value_reader *r);

/* The whole sequence as text for people: "1, 'a', {x = 2, y = {3}}" (Lua-like); appends to `out`.
 * 0; VALUE_E_BAD after what could be read; -errno of the buffer. */
int value_print(struct buf *out, const void *bytes, size_t len);
