/*
 * test_expiry.c - keys that end by themselves come in the order of their end.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "storaged/expiry.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(expiry, .init = store_fixture_set_up_writing, .fini = store_fixture_tear_down);

static struct expiry at(uint64_t time_us, uint64_t id, const char *key) {
        return (struct expiry){ .time_us = time_us, .id = id, .key = { key, strlen(key) } };
}

static void add(struct expiry expiry) {
        cr_assert_eq(expiry_add(fixture.disk, &expiry), DISK_OK);
}

static void expect_first(struct expiry wanted) {
        struct expiry first;

        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_OK);
        cr_assert_eq(first.time_us, wanted.time_us);
        cr_assert_eq(first.id, wanted.id);
        cr_assert_eq(first.key.len, wanted.key.len);
        cr_assert(memcmp(first.key.data, wanted.key.data, wanted.key.len) == 0);
}

static void remove_first(void) {
        struct expiry first;

        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_OK);
        cr_assert_eq(expiry_remove(fixture.disk, &first), DISK_OK);
}

/* row 77 */
Test(expiry, the_earliest_comes_first_whatever_object_it_is_of) {
        struct expiry first;
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_E_NOTFOUND);

        add(at(300, 1, "late"));
        add(at(1, 9, "first"));
        add(at(256, 2, ""));
        add(at(255, 2, "second"));
        expect_first(at(1, 9, "first"));
        remove_first();
        expect_first(at(255, 2, "second"));
        remove_first();
        expect_first(at(256, 2, ""));
        remove_first();
        expect_first(at(300, 1, "late"));
        remove_first();
        cr_assert_eq(expiry_first(fixture.disk, &first), DISK_E_NOTFOUND);
}

Test(expiry, the_longest_key_has_room) {
        char key[LIMIT_KEY_BYTES + 1];

        memset(key, 'k', LIMIT_KEY_BYTES);
        key[LIMIT_KEY_BYTES] = '\0';
        add(at(UINT64_MAX, UINT64_MAX, key));
        expect_first(at(UINT64_MAX, UINT64_MAX, key));
}

Test(expiry, removing_what_is_not_there_is_told) {
        struct expiry expiry = at(5, 5, "key");

        cr_assert_eq(expiry_remove(fixture.disk, &expiry), DISK_E_NOTFOUND);
        add(expiry);
        expiry.time_us = 6;
        cr_assert_eq(expiry_remove(fixture.disk, &expiry), DISK_E_NOTFOUND);
}
