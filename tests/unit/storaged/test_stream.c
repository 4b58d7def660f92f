/*
 * test_stream.c - streams against what they should be: plain bytes in memory, changed in the same ways.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "storaged/stream.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(stream, .init = store_fixture_set_up, .fini = store_fixture_tear_down);

#define ID 7u
#define MODEL_BYTES (512u << 10)

static uint8_t model[MODEL_BYTES]; /* all zeroes behind `size` */
static size_t size;

static void begin(void) {
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);
}

static void commit(void) {
        cr_assert_eq(disk_commit(fixture.disk), DISK_OK);
}

static void write_at(size_t from, const void *bytes, size_t len) {
        memcpy(model + from, bytes, len);
        if (from + len > size)
                size = from + len;
        cr_assert_eq(stream_write(fixture.disk, ID, from, (struct disk_bytes){ bytes, len }),
                     DISK_OK);
}

static void truncate_to(size_t len) {
        if (len < size)
                memset(model + len, 0, size - len);
        size = len;
        cr_assert_eq(stream_truncate(fixture.disk, ID, len), DISK_OK);
}

static void expect_same(size_t from, size_t len) {
        struct buf out;

        buf_init(&out, MODEL_BYTES);
        cr_assert_eq(stream_read(fixture.disk, ID, from, len, &out), DISK_OK);
        cr_assert_eq(out.len, len);
        cr_assert(len == 0 || memcmp(out.data, model + from, len) == 0, "%zu bytes from %zu differ",
                  len, from);
        buf_deinit(&out);
}

static size_t below(size_t n) {
        return n > 0 ? (size_t)random() % n : 0;
}

/* row 75 */
Test(stream, any_sequence_of_writes_and_truncations_reads_back) {
        static uint8_t noise[200000];

        srandom(75);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)random();
        for (size_t round = 0; round < 200; round++) {
                size_t len = below(round % 3 == 0 ? 64 : sizeof(noise));

                begin();
                if (round % 5 == 4)
                        truncate_to(below(MODEL_BYTES));
                else
                        write_at(below(MODEL_BYTES - len), noise + below(sizeof(noise) - len), len);
                expect_same(0, MODEL_BYTES);
                commit();
        }
        store_fixture_reopen();
        begin();
        expect_same(0, MODEL_BYTES);
        expect_same(65519, 3);
        expect_same(size, 0);
}

Test(stream, a_hole_reads_as_zeroes) {
        begin();
        write_at(300000, "end", 3);
        expect_same(0, 300003);
        truncate_to(300001);
        truncate_to(400000);
        expect_same(0, 400000);
}

Test(stream, streams_of_other_objects_are_left_alone) {
        struct buf out;

        begin();
        for (uint64_t id = ID - 1; id <= ID + 1; id++)
                cr_assert_eq(stream_write(fixture.disk, id, 0, (struct disk_bytes){ "mine", 4 }),
                             DISK_OK);
        cr_assert_eq(stream_truncate(fixture.disk, ID, 0), DISK_OK);
        buf_init(&out, 64);
        for (uint64_t id = ID - 1; id <= ID + 1; id++)
                cr_assert_eq(stream_read(fixture.disk, id, 0, 4, &out), DISK_OK);
        cr_assert(memcmp(out.data, "mine\0\0\0\0mine", 12) == 0);
        buf_deinit(&out);
}

Test(stream, what_was_not_committed_was_not_written) {
        begin();
        write_at(0, "old", 3);
        commit();
        begin();
        cr_assert_eq(stream_write(fixture.disk, ID, 1, (struct disk_bytes){ "new", 3 }), DISK_OK);
        cr_assert_eq(stream_truncate(fixture.disk, ID, 2), DISK_OK);
        disk_end(fixture.disk);
        begin();
        expect_same(0, 100);
}
