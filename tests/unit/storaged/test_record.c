/*
 * test_record.c - objects by name and by number, and what never comes back: numbers and revisions.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storaged/record.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(record, .init = store_fixture_set_up_writing, .fini = store_fixture_tear_down);

static struct record add(const char *name) {
        struct record record = { .name_len = strlen(name), .max_keys = 5, .max_bytes = 6 };

        memcpy(record.name, name, record.name_len);
        cr_assert_eq(record_add(fixture.disk, &record), DISK_OK);
        return record;
}

static uint64_t count(void) {
        uint64_t n;
        cr_assert_eq(record_count(fixture.disk, &n), DISK_OK);
        return n;
}

/* row 75 */
Test(record, what_is_known_of_an_object_is_kept) {
        struct record record = add("program:a"), found;

        record.revision = 42;
        record.n_keys = 3;
        record.stream_bytes = 1u << 20;
        record.history.n_events = 7;
        cr_assert_eq(record_put(fixture.disk, &record), DISK_OK);
        cr_assert_eq(disk_commit(fixture.disk), DISK_OK);
        store_fixture_reopen();
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);

        cr_assert_eq(record_find(fixture.disk, "program:a", 9, &found), DISK_OK);
        cr_assert_eq(found.id, record.id);
        cr_assert_eq(found.revision, 42);
        cr_assert_eq(found.n_keys, 3);
        cr_assert_eq(found.stream_bytes, 1u << 20);
        cr_assert_eq(found.max_keys, 5);
        cr_assert_eq(found.max_bytes, 6);
        cr_assert_eq(found.history.n_events, 7);
        cr_assert_eq(record_get(fixture.disk, record.id, &found), DISK_OK);
        cr_assert(found.name_len == 9 && memcmp(found.name, "program:a", 9) == 0);
        cr_assert_eq(record_find(fixture.disk, "program:b", 9, &found), DISK_E_NOTFOUND);
}

Test(record, objects_are_listed_in_the_order_of_their_names) {
        struct record at = { .name_len = 0 };

        add("b");
        add("a");
        add("c");
        cr_assert_eq(count(), 3);
        for (char name = 'a'; name <= 'c'; name++) {
                cr_assert_eq(record_after(fixture.disk, at.name, at.name_len, &at), DISK_OK);
                cr_assert(at.name_len == 1 && at.name[0] == name);
        }
        cr_assert_eq(record_after(fixture.disk, at.name, at.name_len, &at), DISK_E_NOTFOUND);
}

/* row 77: a watcher of the old one is not told that nothing has changed */
Test(record, a_new_object_goes_on_behind_the_revisions_of_the_old) {
        struct record old = add("a"), found;

        old.revision = 100;
        cr_assert_eq(record_put(fixture.disk, &old), DISK_OK);
        cr_assert_eq(record_remove(fixture.disk, &old), DISK_OK);
        cr_assert_eq(record_find(fixture.disk, "a", 1, &found), DISK_E_NOTFOUND);
        cr_assert_eq(count(), 0);

        struct record new = add("a");
        cr_assert_gt(new.id, old.id);
        cr_assert_gt(new.revision, old.revision);
        cr_assert_not(history_reaches(&new.history, old.revision - 1));
}
