/*
 * test_key.c - keys and their values in order, each object's apart, and the order in which they expire.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"
#include "storaged/expiry.h"
#include "storaged/key.h"
#include "tests/unit/storaged/store_fixture.h"

#define ID 7u

static struct buf value;

static void set_up(void) {
        store_fixture_set_up_writing();
        buf_init(&value, 64);
        cr_assert_eq(value_put_text(&value, "value"), 0);
}

static void tear_down(void) {
        buf_deinit(&value);
        store_fixture_tear_down();
}

TestSuite(key, .init = set_up, .fini = tear_down);

static struct disk_bytes text(const char *key) {
        return (struct disk_bytes){ key, strlen(key) };
}

static void put(uint64_t id, const char *key, uint64_t revision, uint64_t expires_us) {
        struct key_row old, row = { .revision = revision,
                                    .expires_us = expires_us,
                                    .value = { value.data, value.len } };
        bool is_there = key_find(fixture.disk, id, text(key), &old) == DISK_OK;
        cr_assert_eq(key_put(fixture.disk, id, text(key), is_there ? &old : NULL, &row), DISK_OK);
}

static uint64_t revision_of(uint64_t id, const char *key) {
        struct key_row row;
        int r = key_find(fixture.disk, id, text(key), &row);
        cr_assert(r == DISK_OK || r == DISK_E_NOTFOUND);
        if (r == DISK_E_NOTFOUND)
                return 0;
        cr_assert_eq(row.value.len, value.len);
        cr_assert(memcmp(row.value.data, value.data, value.len) == 0);
        return row.revision;
}

/* row 77 */
Test(key, a_key_has_the_value_of_its_last_change) {
        cr_assert_eq(revision_of(ID, "a"), 0);
        put(ID, "a", 1, 0);
        put(ID, "a", 9, 0);
        put(ID + 1, "a", 5, 0);
        cr_assert_eq(disk_commit(fixture.disk), DISK_OK);
        store_fixture_reopen();
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);
        cr_assert_eq(revision_of(ID, "a"), 9);
        cr_assert_eq(revision_of(ID + 1, "a"), 5);
}

/* row 77 */
Test(key, keys_come_in_order_and_of_one_object) {
        static const char *const keys[] = { "", "a", "a.b", "b", "\xff" };
        struct disk_bytes at = { NULL, 0 };
        struct key_row row;

        put(ID - 1, "z", 1, 0);
        put(ID + 1, "a", 1, 0);
        for (size_t i = ARRAY_SIZE(keys); i-- > 1;)
                put(ID, keys[i], i, 0);
        for (size_t i = 1; i < ARRAY_SIZE(keys); i++) {
                cr_assert_eq(key_after(fixture.disk, ID, at, &at, &row), DISK_OK);
                cr_assert_eq(at.len, strlen(keys[i]));
                cr_assert(memcmp(at.data, keys[i], at.len) == 0);
                cr_assert_eq(row.revision, i);
        }
        cr_assert_eq(key_after(fixture.disk, ID, at, &at, &row), DISK_E_NOTFOUND);
}

/* row 77 */
Test(key, the_order_of_expiries_follows_the_keys) {
        struct expiry first;
        struct key_row row;

        put(ID, "a", 1, 300);
        put(ID, "b", 2, 200);
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_OK);
        cr_assert_eq(first.time_us, 200);
        put(ID, "b", 3, 0);
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_OK);
        cr_assert_eq(first.time_us, 300);

        cr_assert_eq(key_find(fixture.disk, ID, text("a"), &row), DISK_OK);
        cr_assert(key_is_alive(&row, 299));
        cr_assert_not(key_is_alive(&row, 300));
        cr_assert_eq(key_remove(fixture.disk, ID, text("a"), &row), DISK_OK);
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_E_NOTFOUND);
        cr_assert_eq(revision_of(ID, "a"), 0);
}

Test(key, nothing_is_left_of_an_object_that_goes) {
        struct disk_bytes none = { NULL, 0 }, at;
        struct expiry first;
        struct key_row row;
        char key[8];

        for (int i = 0; i < 100; i++) {
                snprintf(key, sizeof(key), "%d", i);
                put(ID, key, 1, i % 2 ? 100 : 0);
                put(ID + 1, key, 1, 0);
        }
        cr_assert_eq(key_remove_all(fixture.disk, ID), DISK_OK);
        cr_assert_eq(key_after(fixture.disk, ID, none, &at, &row), DISK_E_NOTFOUND);
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_E_NOTFOUND);
        cr_assert_eq(key_after(fixture.disk, ID + 1, none, &at, &row), DISK_OK);
}
