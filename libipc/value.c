/*
 * value.c - the CBOR profile of docs/PROTOCOL.md, item by item.
 *
 * The reader trusts nothing: every length is compared with what remains before it is used, and no
 * pointer is ever computed past the end. It knows where it is by `depth` and one counter per open
 * container:
 *
 *   definite array or map   items still to come; at 0 the container is left at once, so the reader
 *                           always stands in the innermost container that is not complete
 *   indefinite              one of the OPEN_* marks, until the end marker; maps tell key from value
 *
 * remaining[0], the sequence itself, is never looked at. After bad input `at` is `end` and `error`
 * is set: the reader stays there.
 */
#include "libipc/value.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <string.h>

#include "libipc/base/error.h"

enum major {
        MAJOR_UNSIGNED,
        MAJOR_NEGATIVE,
        MAJOR_BYTES,
        MAJOR_TEXT,
        MAJOR_ARRAY,
        MAJOR_MAP,
        MAJOR_TAG,
        MAJOR_SIMPLE,
};

enum initial {
        INITIAL_FALSE = 0xf4,
        INITIAL_TRUE = 0xf5,
        INITIAL_NULL = 0xf6,
        INITIAL_FLOAT16 = 0xf9,
        INITIAL_FLOAT32 = 0xfa,
        INITIAL_FLOAT64 = 0xfb,
        INITIAL_END = 0xff,
};

#define INFO_ONE_BYTE 24u
#define INFO_EIGHT_BYTES 27u
#define INFO_INDEFINITE 31u

/* The lowest bit flips with every item of a map. No count reaches these: a count is at most the
 * number of bytes in memory. */
#define OPEN_ARRAY SIZE_MAX
#define OPEN_MAP_KEY (SIZE_MAX - 3)
#define OPEN_MAP_VALUE (SIZE_MAX - 2)

static_assert((OPEN_MAP_KEY ^ 1) == OPEN_MAP_VALUE, "a map's marks differ in the lowest bit");

/*
 * Writing.
 */

static inline int ensure(struct buf *b, size_t n) {
        return b->cap - b->len >= n ? 0 : error_trace(buf_reserve(b, n));
}

static inline int put_byte(struct buf *b, unsigned int byte) {
        int r = ensure(b, 1);
        if (r < 0)
                return r;
        b->data[b->len++] = (uint8_t)byte;
        return 0;
}

/* Bytes that follow the initial byte of a head for `n`: 0, 1, 2, 4 or 8. */
static inline size_t head_extra(uint64_t n) {
        if (n < INFO_ONE_BYTE)
                return 0;
        if (n <= UINT8_MAX)
                return 1;
        if (n <= UINT16_MAX)
                return 2;
        return n <= UINT32_MAX ? 4 : 8;
}

/* Needs 1 + head_extra(n) bytes at `p`; returns the byte after the head. */
static inline uint8_t *head_write(uint8_t *p, enum major major, uint64_t n, size_t extra) {
        static const uint8_t infos[] = { [1] = 24, [2] = 25, [4] = 26, [8] = 27 };

        *p++ = (uint8_t)(major << 5 | (extra == 0 ? n : infos[extra]));
        for (size_t i = extra; i > 0; i--)
                *p++ = (uint8_t)(n >> 8 * (i - 1));
        return p;
}

static inline int put_head(struct buf *b, enum major major, uint64_t n) {
        size_t extra = head_extra(n);
        int r = ensure(b, 1 + extra);
        if (r < 0)
                return r;
        head_write(b->data + b->len, major, n, extra);
        b->len += 1 + extra;
        return 0;
}

int value_put_nil(struct buf *b) {
        return put_byte(b, INITIAL_NULL);
}

int value_put_boolean(struct buf *b, bool v) {
        return put_byte(b, v ? INITIAL_TRUE : INITIAL_FALSE);
}

int value_put_integer(struct buf *b, int64_t v) {
        return v >= 0 ? put_head(b, MAJOR_UNSIGNED, (uint64_t)v) :
                        put_head(b, MAJOR_NEGATIVE, ~(uint64_t)v);
}

int value_put_float(struct buf *b, double v) {
        uint64_t bits;
        int r = ensure(b, 1 + sizeof(bits));
        if (r < 0)
                return r;
        memcpy(&bits, &v, sizeof(bits));
        bits = htobe64(bits);
        b->data[b->len] = INITIAL_FLOAT64;
        memcpy(b->data + b->len + 1, &bits, sizeof(bits));
        b->len += 1 + sizeof(bits);
        return 0;
}

int value_put_bytes(struct buf *b, const void *bytes, size_t len) {
        size_t extra = head_extra(len);
        int r = ensure(b, 1 + extra + len);
        if (r < 0)
                return r;
        uint8_t *p = head_write(b->data + b->len, MAJOR_BYTES, len, extra);
        if (len != 0)
                memcpy(p, bytes, len);
        b->len += 1 + extra + len;
        return 0;
}

int value_put_bytes_head(struct buf *b, size_t len) {
        return put_head(b, MAJOR_BYTES, len);
}

int value_put_text(struct buf *b, const char *text) {
        return value_put_bytes(b, text, strlen(text));
}

static int put_container(struct buf *b, enum major major, size_t n) {
        if (n == VALUE_INDEFINITE)
                return put_byte(b, (unsigned int)major << 5 | INFO_INDEFINITE);
        return put_head(b, major, n);
}

int value_put_array(struct buf *b, size_t n) {
        return put_container(b, MAJOR_ARRAY, n);
}

int value_put_map(struct buf *b, size_t n_pairs) {
        return put_container(b, MAJOR_MAP, n_pairs);
}

int value_put_end(struct buf *b) {
        return put_byte(b, INITIAL_END);
}

int value_put_cap(struct buf *b, uint32_t index) {
        size_t before = b->len;
        int r = put_head(b, MAJOR_TAG, VALUE_TAG_CAP);
        if (r == 0)
                r = put_head(b, MAJOR_UNSIGNED, index);
        if (r < 0)
                b->len = before;
        return r;
}

/*
 * Reading.
 */

void value_reader_init(struct value_reader *r, const void *bytes, size_t len) {
        r->at = bytes;
        /* An empty buffer has no address to add to. */
        r->end = len != 0 ? r->at + len : r->at;
        r->depth = 0;
        r->error = NULL;
}

static inline size_t left(const struct value_reader *r) {
        return (size_t)(r->end - r->at);
}

static __attribute__((cold, noinline)) int bad(struct value_reader *r, const char *why) {
        r->at = r->end;
        r->error = why;
        return VALUE_E_BAD;
}

static int bad_end(struct value_reader *r) {
        if (r->error)
                return VALUE_E_BAD;
        return r->depth == 0 ? VALUE_E_DONE : bad(r, "a table is cut short");
}

/* n: 1, 2, 4 or 8 */
static inline uint64_t big_endian(const uint8_t *p, size_t n) {
        uint64_t u64;
        uint32_t u32;

        if (n == 8) {
                memcpy(&u64, p, sizeof(u64));
                return be64toh(u64);
        }
        if (n == 4) {
                memcpy(&u32, p, sizeof(u32));
                return be32toh(u32);
        }
        return n == 1 ? p[0] : (uint64_t)p[0] << 8 | p[1];
}

/* The number in a head, whose initial byte has been passed. */
static inline bool head_read(struct value_reader *r, unsigned int info, uint64_t *ret) {
        if (info < INFO_ONE_BYTE) {
                *ret = info;
                return true;
        }
        if (info > INFO_EIGHT_BYTES) {
                bad(r, "a reserved or indefinite length");
                return false;
        }

        size_t n = (size_t)1 << (info - INFO_ONE_BYTE);
        if (left(r) < n) {
                bad(r, "a number is cut short");
                return false;
        }

        *ret = big_endian(r->at, n);
        r->at += n;
        return true;
}

/* Counts an item that just began at the current level; containers that it completes are left. */
static inline void count_item(struct value_reader *r) {
        size_t *n = &r->remaining[r->depth];
        if (*n == OPEN_ARRAY)
                return;
        if (*n >= OPEN_MAP_KEY)
                *n ^= 1;
        else
                --*n;
}

static inline void leave_complete(struct value_reader *r) {
        while (r->depth > 0 && r->remaining[r->depth] == 0)
                r->depth--;
}

static inline int accept(struct value_reader *r) {
        if (r->depth > 0) {
                count_item(r);
                leave_complete(r);
        }
        return VALUE_OK;
}

static int enter(struct value_reader *r, size_t n_items) {
        if (r->depth == LIMIT_VALUE_DEPTH)
                return bad(r, "tables are nested deeper than 64");
        if (r->depth > 0)
                count_item(r);
        r->remaining[++r->depth] = n_items;
        leave_complete(r);
        return VALUE_OK;
}

static inline int read_integer(struct value_reader *r, unsigned int initial, struct value *ret) {
        uint64_t n;
        if (!head_read(r, initial & 31, &n))
                return VALUE_E_BAD;
        if (n > INT64_MAX)
                return bad(r, "an integer does not fit in 64 bits");
        ret->type = VALUE_INTEGER;
        ret->integer = initial >> 5 == MAJOR_UNSIGNED ? (int64_t)n : -1 - (int64_t)n;
        return accept(r);
}

static inline int read_bytes(struct value_reader *r, unsigned int info, struct value *ret) {
        uint64_t n;
        if (!head_read(r, info, &n))
                return VALUE_E_BAD;
        if (n > left(r))
                return bad(r, "a string is cut short");
        ret->type = VALUE_BYTES;
        ret->bytes = r->at;
        ret->len = (size_t)n;
        r->at += n;
        return accept(r);
}

static int read_container(struct value_reader *r, unsigned int initial, struct value *ret) {
        bool is_map = initial >> 5 == MAJOR_MAP;
        uint64_t n = VALUE_INDEFINITE;
        size_t n_items = is_map ? OPEN_MAP_KEY : OPEN_ARRAY;

        if ((initial & 31) != INFO_INDEFINITE) {
                if (!head_read(r, initial & 31, &n))
                        return VALUE_E_BAD;
                if (n > (is_map ? left(r) / 2 : left(r)))
                        return bad(r, "a table claims more items than there are bytes");
                n_items = (size_t)n << is_map;
        }

        int e = enter(r, n_items);
        if (e != VALUE_OK)
                return e;
        ret->type = is_map ? VALUE_MAP : VALUE_ARRAY;
        ret->size = (size_t)n;
        return VALUE_OK;
}

static int read_cap(struct value_reader *r, unsigned int info, struct value *ret) {
        uint64_t n;
        if (!head_read(r, info, &n))
                return VALUE_E_BAD;
        if (n != VALUE_TAG_CAP)
                return bad(r, "an unknown tag");
        if (left(r) == 0 || *r->at >> 5 != MAJOR_UNSIGNED)
                return bad(r, "a handle without an index");
        unsigned int initial = *r->at++;
        if (!head_read(r, initial & 31, &n))
                return VALUE_E_BAD;
        if (n > UINT32_MAX)
                return bad(r, "a handle's index is out of range");
        ret->type = VALUE_CAP;
        ret->cap = (uint32_t)n;
        return accept(r);
}

static double float_from_half(unsigned int half) {
        unsigned int exponent = half >> 10 & 31, fraction = half & 1023;
        double v;

        if (exponent == 0)
                v = ldexp(fraction, -24);
        else if (exponent < 31)
                v = ldexp(fraction + 1024, (int)exponent - 25);
        else
                v = fraction == 0 ? INFINITY : NAN;
        return (half & 0x8000) != 0 ? -v : v;
}

static double float_from_single(uint32_t bits) {
        float v;
        memcpy(&v, &bits, sizeof(v));
        return v;
}

static inline int read_float(struct value_reader *r, unsigned int initial, struct value *ret) {
        uint64_t bits;
        if (!head_read(r, initial & 31, &bits))
                return VALUE_E_BAD;
        ret->type = VALUE_FLOAT;
        if (initial == INITIAL_FLOAT64)
                memcpy(&ret->number, &bits, sizeof(bits));
        else if (initial == INITIAL_FLOAT32)
                ret->number = float_from_single((uint32_t)bits);
        else
                ret->number = float_from_half((unsigned int)bits);
        return accept(r);
}

static int read_end(struct value_reader *r, struct value *ret) {
        size_t open = r->depth > 0 ? r->remaining[r->depth] : 0;
        if (open != OPEN_ARRAY && open != OPEN_MAP_KEY)
                return bad(r, "an end marker where nothing can end");
        r->depth--;
        leave_complete(r);
        ret->type = VALUE_END;
        return VALUE_OK;
}

static inline int read_simple(struct value_reader *r, unsigned int initial, struct value *ret) {
        switch (initial) {
        case INITIAL_FALSE:
        case INITIAL_TRUE:
                ret->type = VALUE_BOOLEAN;
                ret->boolean = initial == INITIAL_TRUE;
                return accept(r);
        case INITIAL_NULL:
                ret->type = VALUE_NIL;
                return accept(r);
        case INITIAL_FLOAT16:
        case INITIAL_FLOAT32:
        case INITIAL_FLOAT64:
                return read_float(r, initial, ret);
        case INITIAL_END:
                return read_end(r, ret);
        default:
                return bad(r, "a simple value that is none of ours");
        }
}

int value_next(struct value_reader *r, struct value *ret) {
        if (r->at == r->end)
                return bad_end(r);

        unsigned int initial = *r->at++;
        switch ((enum major)(initial >> 5)) {
        case MAJOR_UNSIGNED:
        case MAJOR_NEGATIVE:
                return read_integer(r, initial, ret);
        case MAJOR_BYTES:
        case MAJOR_TEXT:
                return read_bytes(r, initial & 31, ret);
        case MAJOR_ARRAY:
        case MAJOR_MAP:
                return read_container(r, initial, ret);
        case MAJOR_TAG:
                return read_cap(r, initial & 31, ret);
        case MAJOR_SIMPLE:
                break;
        }
        return read_simple(r, initial, ret);
}

int value_skip(struct value_reader *r, const struct value *v) {
        if ((v->type != VALUE_ARRAY && v->type != VALUE_MAP) || v->size == 0)
                return VALUE_OK;

        struct value inner;
        for (size_t outer = r->depth - 1; r->depth > outer;) {
                int e = value_next(r, &inner);
                if (e != VALUE_OK)
                        return e;
        }
        return VALUE_OK;
}

/*
 * Typed steps. They look at the first byte alone to decide, so that a refusal moves nothing.
 */

static inline bool next_is(const struct value_reader *r, enum value_type type) {
        if (r->at == r->end)
                return false;
        unsigned int major = *r->at >> 5;
        switch (type) {
        case VALUE_INTEGER:
                return major == MAJOR_UNSIGNED || major == MAJOR_NEGATIVE;
        case VALUE_BYTES:
                return major == MAJOR_BYTES || major == MAJOR_TEXT;
        case VALUE_FLOAT:
                return *r->at >= INITIAL_FLOAT16 && *r->at <= INITIAL_FLOAT64;
        case VALUE_BOOLEAN:
                return *r->at == INITIAL_FALSE || *r->at == INITIAL_TRUE;
        case VALUE_NIL:
                return *r->at == INITIAL_NULL;
        case VALUE_ARRAY:
                return major == MAJOR_ARRAY;
        case VALUE_MAP:
                return major == MAJOR_MAP;
        case VALUE_CAP:
                return major == MAJOR_TAG;
        case VALUE_END:
                return *r->at == INITIAL_END;
        }
        return false;
}

static inline bool get(struct value_reader *r, enum value_type type, struct value *ret) {
        return next_is(r, type) && value_next(r, ret) == VALUE_OK;
}

bool value_get_bytes(struct value_reader *r, const uint8_t **ret, size_t *ret_len) {
        struct value v;
        if (!get(r, VALUE_BYTES, &v))
                return false;
        *ret = v.bytes;
        *ret_len = v.len;
        return true;
}

bool value_get_integer(struct value_reader *r, int64_t *ret) {
        struct value v;
        if (!get(r, VALUE_INTEGER, &v))
                return false;
        *ret = v.integer;
        return true;
}

bool value_get_number(struct value_reader *r, double *ret) {
        struct value v;
        if (get(r, VALUE_FLOAT, &v))
                *ret = v.number;
        else if (get(r, VALUE_INTEGER, &v))
                *ret = (double)v.integer;
        else
                return false;
        return true;
}

bool value_get_boolean(struct value_reader *r, bool *ret) {
        struct value v;
        if (!get(r, VALUE_BOOLEAN, &v))
                return false;
        *ret = v.boolean;
        return true;
}

bool value_get_cap(struct value_reader *r, uint32_t *ret_index) {
        struct value v;
        if (!get(r, VALUE_CAP, &v))
                return false;
        *ret_index = v.cap;
        return true;
}

bool value_get_map(struct value_reader *r, size_t *ret_n_pairs) {
        struct value v;
        if (!get(r, VALUE_MAP, &v))
                return false;
        *ret_n_pairs = v.size;
        return true;
}

/* Nothing is there: the sequence or an indefinite container is over, or the item is nil, which is
 * passed. */
static bool get_absent(struct value_reader *r) {
        struct value v;
        if (r->at == r->end)
                return r->depth == 0 && !r->error;
        return next_is(r, VALUE_END) || get(r, VALUE_NIL, &v);
}

bool value_get_bytes_opt(struct value_reader *r, const uint8_t **ret, size_t *ret_len) {
        return value_get_bytes(r, ret, ret_len) || get_absent(r);
}

bool value_get_integer_opt(struct value_reader *r, int64_t *ret) {
        return value_get_integer(r, ret) || get_absent(r);
}

bool value_get_boolean_opt(struct value_reader *r, bool *ret) {
        return value_get_boolean(r, ret) || get_absent(r);
}

bool value_is_done(const struct value_reader *r) {
        return r->at == r->end && r->depth == 0 && !r->error;
}
