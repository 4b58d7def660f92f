/*
 * test_values.c - what a program writes and reads: libthox's writer and reader, one into the other
 * and against bytes of any kind.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"
#include "libthox/reader.h"
#include "libthox/writer.h"

static struct thox_writer *writer;
static struct buf imported;

static void start(void) {
        writer = thox_writer_new();
        buf_init(&imported, READER_BYTES_MAX);
}

static void stop(void) {
        thox_writer_free(writer);
        buf_deinit(&imported);
}

TestSuite(values, .init = start, .fini = stop, .timeout = 20);

static int import(const void *bytes, size_t len, struct thox_reader *ret) {
        struct wire_cap caps[] = { { .handle = 8 } };
        struct client_event e = { .values = bytes, .values_len = len, .caps = caps, .n_caps = 1 };
        int r = reader_import(&imported, &e);
        *ret = reader_of(&imported);
        return r;
}

/* What was written, as it arrives. */
static struct thox_reader arrived(void) {
        struct thox_reader r;
        cr_assert_eq(writer_check(writer), 0);
        cr_assert_eq(import(writer->values.data, writer->values.len, &r), READER_OK);
        return r;
}

static struct thox_value expect(struct thox_reader *r, enum thox_type type) {
        struct thox_value v;
        cr_assert(thox_read(r, type, &v), "no value of type %d", (int)type);
        cr_assert_eq(v.type, type);
        return v;
}

Test(values, every_kind_arrives_as_it_was_written) {
        thox_write_nil(writer);
        thox_write_boolean(writer, true);
        thox_write_integer(writer, INT64_MIN);
        thox_write_integer(writer, 3);
        thox_write_float(writer, 3.0);
        thox_write_string(writer, "text");
        thox_write_bytes(writer, "a\0b", 3);
        thox_write_bytes(writer, NULL, 0);
        thox_write_context(writer, 7);

        struct thox_reader r = arrived();
        expect(&r, THOX_NIL);
        cr_assert(expect(&r, THOX_BOOLEAN).boolean);
        cr_assert_eq(expect(&r, THOX_INTEGER).integer, INT64_MIN);
        struct thox_value three = expect(&r, THOX_INTEGER);
        cr_assert(three.integer == 3 && three.number == 3.0);
        cr_assert_eq(expect(&r, THOX_FLOAT).number, 3.0);
        cr_assert_str_eq(expect(&r, THOX_STRING).string, "text");
        struct thox_value bytes = expect(&r, THOX_STRING);
        cr_assert(bytes.len == 3 && memcmp(bytes.string, "a\0b\0", 4) == 0);
        struct thox_value empty = expect(&r, THOX_STRING);
        cr_assert(empty.len == 0 && empty.string[0] == '\0');
        cr_assert_eq(expect(&r, THOX_CONTEXT).context, 7);
        cr_assert(!thox_read(&r, THOX_ANY, NULL), "and nothing more");
}

Test(values, tables_hold_tables_and_reading_on_passes_them) {
        thox_write_array(writer);
        thox_write_integer(writer, 1);
        thox_write_map(writer);
        thox_write_string(writer, "x");
        thox_write_array(writer);
        thox_write_end(writer);
        thox_write_end(writer);
        thox_write_end(writer);
        thox_write_string(writer, "after");

        struct thox_reader r = arrived();
        struct thox_value array = expect(&r, THOX_ARRAY);
        cr_assert_str_eq(expect(&r, THOX_STRING).string, "after");
        cr_assert_eq(expect(&array.items, THOX_INTEGER).integer, 1);
        struct thox_value map = expect(&array.items, THOX_MAP);
        cr_assert(!thox_read(&array.items, THOX_ANY, NULL));
        cr_assert_str_eq(expect(&map.items, THOX_STRING).string, "x");
        struct thox_value inner = expect(&map.items, THOX_ARRAY);
        cr_assert(!thox_read(&inner.items, THOX_ANY, NULL));
        cr_assert_eq(inner.items.at, inner.items.end, "no end marker is among the items");
        cr_assert(!thox_read(&map.items, THOX_ANY, NULL));
}

Test(values, a_value_of_another_type_stays_where_it_is) {
        thox_write_integer(writer, 5);
        struct thox_reader r = arrived(), copy = r;
        struct thox_value v = { .integer = 77 };

        cr_assert(!thox_read(&r, THOX_STRING | THOX_TABLE, &v));
        cr_assert_eq(v.integer, 77);
        cr_assert(thox_read(&r, THOX_NUMBER, &v));
        cr_assert(!thox_read(&r, THOX_NUMBER, &v));
        cr_assert(thox_read(&copy, THOX_NIL | THOX_INTEGER, &v), "a copy reads for itself");
}

Test(values, keys_are_found_whatever_else_is_there) {
        static const uint8_t DEFINITE[] = "\xa3\x01\x02\x43key\xf5\x43kex\xf6";
        struct thox_reader r;
        struct thox_value map, v;

        cr_assert_eq(import(DEFINITE, sizeof(DEFINITE) - 1, &r), READER_OK);
        map = expect(&r, THOX_MAP);
        cr_assert(thox_find(&map.items, "key", THOX_BOOLEAN, &v) && v.boolean);
        cr_assert(thox_find(&map.items, "kex", THOX_ANY, &v) && v.type == THOX_NIL);
        cr_assert(!thox_find(&map.items, "key", THOX_INTEGER, &v), "of another type");
        cr_assert(!thox_find(&map.items, "ke", THOX_ANY, NULL));
        cr_assert(!thox_find(&map.items, "", THOX_ANY, NULL));
}

static int check_after(void (*write)(void)) {
        write();
        return writer_check(writer);
}

static void write_unclosed(void) {
        thox_write_array(writer);
}
static void write_unpaired(void) {
        thox_write_map(writer);
        thox_write_string(writer, "key");
        thox_write_end(writer);
}
static void write_end_too_many(void) {
        thox_write_end(writer);
}
static void write_deep(void) {
        for (int i = 0; i < 65; i++)
                thox_write_array(writer);
        for (int i = 0; i < 65; i++)
                thox_write_end(writer);
}
static void write_much(void) {
        void *bytes = calloc(1, 40 << 20);
        thox_write_bytes(writer, bytes, 40 << 20);
        thox_write_bytes(writer, bytes, 40 << 20);
        thox_write_nil(writer);
        free(bytes);
}
static void write_impossible(void) {
        thox_write_bytes(writer, "", SIZE_MAX);
}
static void write_contexts(void) {
        for (uint32_t i = 0; i < 257; i++)
                thox_write_context(writer, i);
}

Test(values, what_was_written_wrongly_is_told_when_it_is_sent) {
        static const struct {
                void (*write)(void);
                int want;
        } CASES[] = {
                { write_unclosed, -EINVAL },     { write_unpaired, -EINVAL },
                { write_end_too_many, -EINVAL }, { write_deep, -EINVAL },
                { write_much, -EMSGSIZE },       { write_impossible, -EMSGSIZE },
                { write_contexts, -EMSGSIZE },
        };
        for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
                thox_writer_free(writer);
                writer = thox_writer_new();
                cr_assert_eq(check_after(CASES[i].write), CASES[i].want, "case %zu", i);
        }
        cr_assert_eq(writer_check(NULL), 0, "no values are no mistake");
}

Test(values, malformed_values_are_refused_before_anybody_reads_them) {
        static const char *const BAD[] = {
                ("\x45"
                 "abc"),                    /* a string cut short */
                "\x82\x01",                 /* an array */
                "\xbf\x01\xff",             /* a map without a value */
                "\xc1\x01",                 /* an unknown tag */
                "\xda\x74\x68\x6f\x78\x01", /* a handle of which there is no cap */
                "\xff",
        };
        struct thox_reader r;
        for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
                cr_assert_eq(import(BAD[i], strlen(BAD[i]), &r), READER_E_BAD, "case %zu", i);
}

static size_t walk(struct thox_reader r) {
        struct thox_value v;
        size_t n = 0;

        while (thox_read(&r, THOX_ANY, &v)) {
                n += 1 + walk(v.items);
                if (v.type == THOX_STRING)
                        cr_assert_eq(v.string[v.len], '\0');
        }
        cr_assert_eq(r.at, r.end, "what was imported can be read to its end");
        return n;
}

Test(values, any_bytes_are_refused_or_can_be_read_to_the_end) {
        size_t n_accepted = 0;

        srandom(5);
        for (int round = 0; round < 200000; round++) {
                /* Mostly small heads, so that some of it is well-formed. */
                uint8_t bytes[24];
                size_t len = (size_t)random() % sizeof(bytes);
                for (size_t i = 0; i < len; i++)
                        bytes[i] = (uint8_t)(random() % 3 == 0 ?
                                                     random() :
                                                     random() & (random() % 2 == 0 ? 0xe3 : 0xff));
                struct thox_reader r;
                uint8_t *exact = malloc(len);
                memcpy(exact, bytes, len);
                if (import(exact, len, &r) == READER_OK)
                        n_accepted += walk(r) > 0;
                free(exact);
        }
        cr_assert_gt(n_accepted, 1000);
}
