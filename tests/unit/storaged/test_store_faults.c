/*
 * test_store_faults.c - the store over a disk that fails: every operation in turn. Whatever happens, a
 * change either is there and reported so, or has left no trace.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/fake/fake_disk.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(store_faults, .init = store_fixture_set_up, .fini = store_fixture_tear_down);

#define ANY STORE_VERSION_ANY

Test(store_faults, every_operation_of_a_set_may_fail) {
        for (size_t f = 0; f < n_store_failures; f++) {
                uint64_t before = set("p", "old", ANY, NULL) == STORE_OK ? current_of("p") : 0;
                size_t start = fake_disk_operations(), n, i;

                cr_assert_eq(set("q", "count", ANY, NULL), STORE_OK);
                n = fake_disk_operations() - start;
                for (i = 1; i <= n; i++) {
                        fake_disk_fail_at(i, store_failures[f].from_disk);
                        int r = set("p", "new", ANY, NULL);
                        cr_expect(r == store_failures[f].from_store || r == -EIO,
                                  "operation %zu of %zu: %d", i, n, r);
                        cr_expect_eq(current_of("p"), before);
                        cr_expect(content_is("p", ANY, "old"));
                }
        }
}

Test(store_faults, an_enlarged_map_starts_the_transaction_over_once) {
        uint64_t version = 0;
        size_t start = fake_disk_operations(), n;

        cr_assert_eq(set("q", "count", ANY, NULL), STORE_OK);
        n = fake_disk_operations() - start;
        for (size_t i = 1; i <= n; i++) {
                uint64_t before = current_of("q");

                fake_disk_fail_at(i, DISK_E_AGAIN);
                if (set("q", "more", ANY, &version) == STORE_OK)
                        cr_expect_eq(version, before + 1);
                else
                        cr_expect_eq(current_of("q"), before);
        }
        fake_disk_fail_at(n, DISK_E_AGAIN); /* the commit */
        cr_assert_eq(set("q", "last", ANY, &version), STORE_OK);
        cr_assert_eq(current_of("q"), version);
}

Test(store_faults, many_changes_share_one_commit) {
        struct store_change changes[64];
        char names[64][2];
        size_t before;

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                names[i][0] = (char)('!' + i);
                names[i][1] = '\0';
                changes[i] = change_of(STORE_ACTION_SET, names[i], "x", 0);
        }
        before = fake_disk_commits();
        commit_changes(changes, ARRAY_SIZE(changes));
        cr_assert_eq(fake_disk_commits() - before, 1);
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
                cr_expect_eq(changes[i].result, STORE_OK);
}

Test(store_faults, changes_too_large_together_are_made_one_by_one) {
        struct store_change changes[] = {
                change_of(STORE_ACTION_SET, "a", "1", 0),
                change_of(STORE_ACTION_SET, "b", "1", 0),
                change_of(STORE_ACTION_SET, "a", "late", 0),
        };

        fake_disk_limit_puts(2);
        commit_changes(changes, ARRAY_SIZE(changes));
        cr_expect_eq(changes[0].result, STORE_OK);
        cr_expect_eq(changes[1].result, STORE_OK);
        cr_expect_eq(changes[2].result, STORE_E_CONFLICT);
        fake_disk_limit_puts(1);
        cr_expect_eq(set("c", "1", ANY, NULL), STORE_E_FULL);
        fake_disk_limit_puts(0);
        cr_expect_eq(current_of("c"), UINT64_MAX);
}

Test(store_faults, a_failing_read_is_told_apart_from_a_missing_name) {
        struct store_name name = { STORE_KIND_PROGRAM, "p", 1 };
        struct store_entry e;

        set("p", "one", ANY, NULL);
        fake_disk_fail_at(1, -EBADMSG);
        cr_assert_eq(store_begin(&fixture.store), -EBADMSG);
        for (size_t i = 1; i <= 2; i++) {
                cr_assert_eq(store_begin(&fixture.store), STORE_OK);
                fake_disk_fail_at(i, -EBADMSG);
                cr_expect_eq(store_find(&fixture.store, &name, ANY, &e), -EBADMSG);
                store_end(&fixture.store);
                cr_assert_eq(store_begin(&fixture.store), STORE_OK);
                fake_disk_fail_at(i, -EBADMSG);
                cr_expect_eq(store_after(&fixture.store, &(struct store_name){ 0 }, &e), -EBADMSG);
                store_end(&fixture.store);
        }
}
