/*
 * test_value.c - values through the writer and back, and bytes that are no values.
 */
#include "libipc/value.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(text)                                                                                \
        { (const uint8_t *)(text), sizeof(text) - 1 }

struct bytes {
        const uint8_t *data;
        size_t len;
};

static struct buf out;

static void start(void) {
        buf_init(&out, 1 << 20);
}

static void stop(void) {
        buf_deinit(&out);
}

TestSuite(value, .init = start, .fini = stop, .timeout = 10);

static struct value_reader read_out(void) {
        struct value_reader r;
        value_reader_init(&r, out.data, out.len);
        return r;
}

static struct value next(struct value_reader *r) {
        struct value v;
        cr_assert_eq(value_next(r, &v), VALUE_OK, "%s", r->error);
        return v;
}

static void expect_done(struct value_reader *r) {
        struct value v;
        cr_assert_eq(value_next(r, &v), VALUE_E_DONE, "%s", r->error);
        cr_assert(value_is_done(r));
}

/* Reads all of it from memory of exactly that size. */
static int read_all(const void *bytes, size_t len, const char **ret_error) {
        uint8_t *exact = malloc(len != 0 ? len : 1);
        struct value_reader r;
        struct value v;
        int e;

        memcpy(exact, bytes, len);
        value_reader_init(&r, exact, len);
        while ((e = value_next(&r, &v)) == VALUE_OK)
                continue;
        free(exact);
        *ret_error = r.error;
        return e;
}

/* row 34 */
Test(value, integers_keep_value_and_subtype_and_take_the_least_bytes) {
        static const struct {
                int64_t v;
                size_t size;
        } cases[] = {
                { 0, 1 },
                { 23, 1 },
                { 24, 2 },
                { 255, 2 },
                { 256, 3 },
                { 65535, 3 },
                { 65536, 5 },
                { UINT32_MAX, 5 },
                { 1LL << 32, 9 },
                { INT64_MAX, 9 },
                { -1, 1 },
                { -24, 1 },
                { -25, 2 },
                { -256, 2 },
                { -257, 3 },
                { -65536, 3 },
                { -65537, 5 },
                { -(1LL << 32), 5 },
                { -(1LL << 32) - 1, 9 },
                { INT64_MIN, 9 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                buf_clear(&out);
                cr_assert_eq(value_put_integer(&out, cases[i].v), 0);
                cr_assert_eq(out.len, cases[i].size);
                struct value_reader r = read_out();
                struct value v = next(&r);
                cr_assert_eq(v.type, VALUE_INTEGER);
                cr_assert_eq(v.integer, cases[i].v);
                expect_done(&r);
        }
}

/* row 34 */
Test(value, floats_keep_every_bit_and_stay_floats) {
        const double cases[] = { 0.0, -0.0, 1.0, 2.5, -1e300, 5e-324, INFINITY, -INFINITY, NAN };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                buf_clear(&out);
                cr_assert_eq(value_put_float(&out, cases[i]), 0);
                cr_assert_eq(out.len, 9);
                struct value_reader r = read_out();
                struct value v = next(&r);
                cr_assert_eq(v.type, VALUE_FLOAT);
                cr_assert_eq(memcmp(&v.number, &cases[i], sizeof(double)), 0);
        }
}

/* row 34 */
Test(value, strings_keep_nul_bytes_and_lengths) {
        static const size_t lengths[] = { 0, 1, 23, 24, 255, 256, 65535, 65536, 100000 };
        uint8_t *bytes = calloc(1, 100000);

        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                buf_clear(&out);
                cr_assert_eq(value_put_bytes(&out, bytes, lengths[i]), 0);
                struct value_reader r = read_out();
                struct value v = next(&r);
                cr_assert_eq(v.type, VALUE_BYTES);
                cr_assert_eq(v.len, lengths[i]);
                cr_assert_eq(memcmp(v.bytes, bytes, v.len), 0);
                expect_done(&r);
        }
        free(bytes);
}

static void put_nested(size_t depth) {
        for (size_t i = 0; i < depth; i++)
                value_put_array(&out, i % 2 != 0 ? VALUE_INDEFINITE : 1);
        value_put_integer(&out, 7);
        for (size_t i = depth; i > 0; i--) {
                if ((i - 1) % 2 != 0)
                        value_put_end(&out);
        }
}

/* row 34 */
Test(value, depth_64_is_read_and_65_refused) {
        const char *error;

        put_nested(64);
        cr_assert_eq(read_all(out.data, out.len, &error), VALUE_E_DONE);
        buf_clear(&out);
        put_nested(65);
        cr_assert_eq(read_all(out.data, out.len, &error), VALUE_E_BAD);
        cr_assert_str_eq(error, "tables are nested deeper than 64");
}

Test(value, a_reader_leaves_a_table_with_its_last_item) {
        value_put_array(&out, 1);
        value_put_map(&out, 1);
        value_put_text(&out, "k");
        value_put_array(&out, 0);
        value_put_integer(&out, 9);

        struct value_reader r = read_out();
        cr_assert_eq(next(&r).type, VALUE_ARRAY);
        cr_assert_eq(r.depth, 1);
        cr_assert_eq(next(&r).type, VALUE_MAP);
        cr_assert_eq(r.depth, 2);
        next(&r);
        cr_assert_eq(next(&r).size, 0);
        cr_assert_eq(r.depth, 0);
        cr_assert_eq(next(&r).integer, 9);
        expect_done(&r);
}

Test(value, indefinite_tables_end_at_their_marker) {
        value_put_map(&out, VALUE_INDEFINITE);
        value_put_text(&out, "k");
        value_put_array(&out, VALUE_INDEFINITE);
        value_put_nil(&out);
        value_put_end(&out);
        value_put_end(&out);

        static const enum value_type expected[] = { VALUE_MAP, VALUE_BYTES, VALUE_ARRAY,
                                                    VALUE_NIL, VALUE_END,   VALUE_END };
        struct value_reader r = read_out();
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
                struct value v = next(&r);
                cr_assert_eq(v.type, expected[i], "item %zu", i);
                if (v.type == VALUE_MAP || v.type == VALUE_ARRAY)
                        cr_assert_eq(v.size, VALUE_INDEFINITE);
        }
        expect_done(&r);
}

Test(value, other_encodings_of_the_same_values_are_accepted) {
        static const uint8_t bytes[] = {
                0x62, 'h',  'i',              /* text */
                0xf9, 0x3c, 0x00,             /* half 1.0 */
                0xf9, 0x80, 0x01,             /* half, the smallest below zero */
                0xf9, 0xfc, 0x00,             /* half -inf */
                0xf9, 0x7e, 0x00,             /* half NaN */
                0xfa, 0xc0, 0x20, 0x00, 0x00, /* single -2.5 */
                0x1b, 0,    0,    0,    0,    0,    0,    0,    5, /* 5, longer than needed */
                0xdb, 0,    0,    0,    0,    0x74, 0x68, 0x6f, 0x78, 0x18, 0xff, /* handle 255 */
        };
        struct value_reader r;

        value_reader_init(&r, bytes, sizeof(bytes));
        cr_assert_eq(next(&r).type, VALUE_BYTES);
        cr_assert_eq(next(&r).number, 1.0);
        cr_assert_eq(next(&r).number, -0x1p-24);
        cr_assert_eq(next(&r).number, -INFINITY);
        cr_assert(isnan(next(&r).number));
        cr_assert_eq(next(&r).number, -2.5);
        cr_assert_eq(next(&r).integer, 5);
        cr_assert_eq(next(&r).cap, 255);
        expect_done(&r);
}

Test(value, what_is_not_in_the_profile_is_refused) {
        static const struct {
                struct bytes bytes;
                const char *error;
        } cases[] = {
                { BYTES("\x18"), "a number is cut short" },
                { BYTES("\x1b\0\0\0\0\0\0\0"), "a number is cut short" },
                { BYTES("\x1c"), "a reserved or indefinite length" },
                { BYTES("\x1f"), "a reserved or indefinite length" },
                { BYTES("\x1b\x80\0\0\0\0\0\0\0"), "an integer does not fit in 64 bits" },
                { BYTES("\x3b\x80\0\0\0\0\0\0\0"), "an integer does not fit in 64 bits" },
                { BYTES("\x42"
                        "a"),
                  "a string is cut short" },
                { BYTES("\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), "a string is cut short" },
                { BYTES("\x5f\x41"
                        "a\xff"),
                  "a reserved or indefinite length" },
                { BYTES("\x82\x01"), "a table claims more items than there are bytes" },
                { BYTES("\xa2\x01\x02\x03"), "a table claims more items than there are bytes" },
                { BYTES("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"),
                  "a table claims more items than there are bytes" },
                { BYTES("\xbb\x80\0\0\0\0\0\0\0\0"),
                  "a table claims more items than there are bytes" },
                { BYTES("\x82\x81\x01"), "a table is cut short" },
                { BYTES("\x9f\x01"), "a table is cut short" },
                { BYTES("\xff"), "an end marker where nothing can end" },
                { BYTES("\x81\xff"), "an end marker where nothing can end" },
                { BYTES("\xbf\x01\xff"), "an end marker where nothing can end" },
                { BYTES("\xc1\x01"), "an unknown tag" },
                { BYTES("\xda\x74\x68\x6f\x78"), "a handle without an index" },
                { BYTES("\xda\x74\x68\x6f\x78\x20"), "a handle without an index" },
                { BYTES("\xda\x74\x68\x6f\x78\x1b\0\0\0\x01\0\0\0\0"),
                  "a handle's index is out of range" },
                { BYTES("\xf7"), "a simple value that is none of ours" },
                { BYTES("\xf8\x20"), "a simple value that is none of ours" },
                { BYTES("\xfc"), "a simple value that is none of ours" },
                { BYTES("\xfb\0\0\0\0\0\0\0"), "a number is cut short" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *error;
                int e = read_all(cases[i].bytes.data, cases[i].bytes.len, &error);
                cr_assert_eq(e, VALUE_E_BAD, "case %zu was accepted", i);
                cr_assert_str_eq(error, cases[i].error, "case %zu: %s", i, error);
        }
}

static void put_one_of_each(void) {
        value_put_nil(&out);
        value_put_boolean(&out, true);
        value_put_integer(&out, -70000);
        value_put_float(&out, 1.5);
        value_put_text(&out, "text");
        value_put_map(&out, 2);
        value_put_text(&out, "list");
        value_put_array(&out, 2);
        value_put_integer(&out, 1);
        value_put_cap(&out, 300);
        value_put_boolean(&out, false);
        value_put_map(&out, VALUE_INDEFINITE);
        value_put_end(&out);
}

Test(value, every_cut_ends_the_reading_without_a_read_beyond) {
        const char *error;
        size_t n_complete = 0;

        put_one_of_each();
        for (size_t len = 0; len < out.len; len++)
                n_complete += read_all(out.data, len, &error) == VALUE_E_DONE;
        /* Before each of the first six values the sequence is complete. */
        cr_assert_eq(n_complete, 6);
        cr_assert_eq(read_all(out.data, out.len, &error), VALUE_E_DONE);
}

Test(value, a_bad_reader_stays_bad) {
        struct value_reader r;
        struct value v;
        int64_t integer = 1;

        value_reader_init(&r, "\xff\x01", 2);
        cr_assert_eq(value_next(&r, &v), VALUE_E_BAD);
        cr_assert_eq(value_next(&r, &v), VALUE_E_BAD);
        cr_assert_not(value_get_integer_opt(&r, &integer));
        cr_assert_not(value_is_done(&r));
}

Test(value, skip_passes_the_rest_of_a_table) {
        put_one_of_each();
        struct value_reader r = read_out();
        for (size_t i = 0; i < 5; i++) {
                struct value v = next(&r);
                cr_assert_eq(value_skip(&r, &v), VALUE_OK);
        }
        struct value map = next(&r);
        next(&r);
        cr_assert_eq(value_skip(&r, &map), VALUE_OK);
        expect_done(&r);
}

Test(value, typed_steps_take_what_fits_and_leave_the_rest) {
        const uint8_t *bytes = NULL;
        size_t len = 0, n_pairs = 0;
        int64_t integer = 0;
        double number = 0;
        bool boolean = false;
        uint32_t cap = 0;

        value_put_text(&out, "name");
        value_put_integer(&out, 4);
        value_put_integer(&out, 5);
        value_put_float(&out, 0.5);
        value_put_boolean(&out, true);
        value_put_cap(&out, 3);
        value_put_map(&out, 0);

        struct value_reader r = read_out();
        cr_assert_not(value_get_integer(&r, &integer));
        cr_assert(value_get_bytes(&r, &bytes, &len));
        cr_assert_eq(len, 4);
        cr_assert_not(value_get_bytes_opt(&r, &bytes, &len));
        cr_assert(value_get_integer(&r, &integer));
        cr_assert_eq(integer, 4);
        cr_assert(value_get_number(&r, &number));
        cr_assert_eq(number, 5.0);
        cr_assert_not(value_get_integer(&r, &integer));
        cr_assert(value_get_number(&r, &number));
        cr_assert_eq(number, 0.5);
        cr_assert(value_get_boolean(&r, &boolean));
        cr_assert(boolean);
        cr_assert(value_get_cap(&r, &cap));
        cr_assert_eq(cap, 3);
        cr_assert(value_get_map(&r, &n_pairs));
        cr_assert_eq(n_pairs, 0);
        cr_assert(value_is_done(&r));
        cr_assert_not(value_get_integer(&r, &integer));
}

Test(value, optional_steps_keep_the_default_on_nil_and_at_an_end) {
        int64_t integer = 42;
        bool boolean = true;

        value_put_nil(&out);
        value_put_map(&out, VALUE_INDEFINITE);
        value_put_end(&out);

        struct value_reader r = read_out();
        cr_assert(value_get_integer_opt(&r, &integer));
        cr_assert_eq(next(&r).type, VALUE_MAP);
        cr_assert(value_get_integer_opt(&r, &integer));
        cr_assert_eq(next(&r).type, VALUE_END);
        cr_assert(value_get_integer_opt(&r, &integer));
        cr_assert(value_get_boolean_opt(&r, &boolean));
        cr_assert_eq(integer, 42);
        cr_assert(boolean);
        expect_done(&r);
}

Test(value, a_full_buffer_is_left_as_it_was) {
        struct buf small;

        buf_init(&small, 5);
        cr_assert_eq(value_put_integer(&small, 1), 0);
        cr_assert_lt(value_put_text(&small, "four"), 0);
        cr_assert_lt(value_put_float(&small, 1), 0);
        cr_assert_lt(value_put_cap(&small, 0), 0);
        cr_assert_eq(small.len, 1);
        cr_assert_eq(value_put_text(&small, "the"), 0);
        cr_assert_eq(small.len, 5);
        buf_deinit(&small);
}

static void expect_printed(const char *expected) {
        struct buf text;

        buf_init(&text, 1 << 16);
        cr_assert_eq(value_print(&text, out.data, out.len), 0);
        cr_assert_eq(text.len, strlen(expected));
        cr_assert_eq(memcmp(text.data, expected, text.len), 0, "%.*s", (int)text.len,
                     (const char *)text.data);
        buf_deinit(&text);
}

Test(value, text_for_people_looks_like_lua) {
        put_one_of_each();
        value_put_integer(&out, 1);
        expect_printed("nil, true, -70000, 1.5, 'text', {list = {1, <handle 300>}, "
                       "[false] = {}}, 1");
}

Test(value, text_for_people_shows_subtypes_and_hides_control_bytes) {
        value_put_float(&out, 2);
        value_put_float(&out, -0.0);
        value_put_float(&out, -INFINITY);
        value_put_float(&out, 1e100);
        value_put_bytes(&out, "a\0'\\\n\x1b\xc3\xa4\xc2\x9b\xff", 11);
        value_put_map(&out, 2);
        value_put_text(&out, "not a name");
        value_put_map(&out, 1);
        value_put_integer(&out, 1);
        value_put_text(&out, "1st");
        value_put_text(&out, "1st");
        value_put_nil(&out);
        expect_printed("2.0, -0.0, -inf, 1e+100, 'a\\x00\\'\\\\\\n\\x1b\xc3\xa4\\xc2\\x9b\\xff', "
                       "{['not a name'] = {[1] = '1st'}, ['1st'] = nil}");
}

Test(value, bad_bytes_print_what_could_be_read) {
        struct buf text;

        buf_init(&text, 1 << 16);
        cr_assert_eq(value_print(&text, "\x01\xff", 2), VALUE_E_BAD);
        cr_assert_eq(text.len, 1);
        buf_deinit(&text);
}
