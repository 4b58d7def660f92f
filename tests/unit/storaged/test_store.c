/*
 * test_store.c - names and versions over the real disk, in a directory of its own.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(store, .init = store_fixture_set_up, .fini = store_fixture_tear_down);

#define ANY STORE_VERSION_ANY

Test(store, what_was_set_is_found_also_after_a_restart) { /* row 66 */
        uint64_t version = 0;

        cr_assert_eq(set("p", "one", ANY, &version), STORE_OK);
        cr_assert_eq(version, 1);
        cr_assert_eq(set("p", "two", ANY, &version), STORE_OK);
        cr_assert_eq(version, 2);
        store_fixture_reopen();
        cr_assert(content_is("p", ANY, "two"));
        cr_assert(content_is("p", 1, "one"));
        cr_assert_eq(current_of("p"), 2);
}

Test(store, empty_content_is_content) { /* row 66 */
        cr_assert_eq(set("p", "", ANY, NULL), STORE_OK);
        cr_assert(content_is("p", ANY, ""));
}

Test(store, kinds_do_not_meet) { /* row 67 */
        struct store_name library = { STORE_KIND_LIBRARY, "p", 1 };
        struct store_entry entry;

        cr_assert_eq(set("p", "program", ANY, NULL), STORE_OK);
        cr_assert_eq(store_begin(&fixture.store), STORE_OK);
        cr_assert_eq(store_find(&fixture.store, &library, ANY, &entry), STORE_E_NOTFOUND);
        cr_assert_eq(store_before(&fixture.store, &library, ANY, &entry), STORE_E_NOTFOUND);
        store_end(&fixture.store);
}

Test(store, a_name_does_not_see_the_versions_of_a_longer_one) {
        cr_assert_eq(set("ab", "longer", ANY, NULL), STORE_OK);
        cr_assert_eq(set("a.b", "other", ANY, NULL), STORE_OK);
        cr_assert_eq(rollback("a", ANY, NULL), STORE_E_NOTFOUND);
        cr_assert_eq(current_of("a"), UINT64_MAX);
}

Test(store, a_stale_expectation_conflicts_and_changes_nothing) { /* row 81 */
        uint64_t version = 0;

        cr_assert_eq(set("p", "one", 0, NULL), STORE_OK);
        cr_assert_eq(set("p", "two", 1, NULL), STORE_OK);
        cr_assert_eq(set("p", "late", 1, &version), STORE_E_CONFLICT);
        cr_assert_eq(version, 2);
        cr_assert_eq(set("p", "late", 0, &version), STORE_E_CONFLICT);
        cr_assert_eq(set("p", NULL, 1, &version), STORE_E_CONFLICT);
        cr_assert(content_is("p", ANY, "two"));
}

Test(store, a_new_name_conflicts_with_any_version_expected) { /* row 81 */
        uint64_t version = 99;

        cr_assert_eq(set("p", "one", 3, &version), STORE_E_CONFLICT);
        cr_assert_eq(version, 0);
        cr_assert_eq(current_of("p"), UINT64_MAX);
}

Test(store, deletion_is_a_version_and_numbers_go_on) { /* row 66 */
        uint64_t version = 0;

        set("p", "one", ANY, NULL);
        cr_assert_eq(set("p", NULL, ANY, &version), STORE_OK);
        cr_assert_eq(version, 2);
        cr_assert(content_is("p", ANY, NULL));
        cr_assert(content_is("p", 1, "one"));
        cr_assert_eq(set("p", NULL, ANY, NULL), STORE_E_NOTFOUND);
        cr_assert_eq(set("p", "again", 0, &version), STORE_OK, "a deleted name does not exist");
        cr_assert_eq(version, 3);
}

Test(store, deleting_what_never_was_is_refused) {
        cr_assert_eq(set("p", NULL, ANY, NULL), STORE_E_NOTFOUND);
        cr_assert_eq(current_of("p"), UINT64_MAX);
}

Test(store, rollback_makes_a_new_version_with_old_content) {
        uint64_t version = 0;

        set("p", "one", ANY, NULL);
        set("p", "two", ANY, NULL);
        set("p", "three", ANY, NULL);
        cr_assert_eq(rollback("p", ANY, &version), STORE_OK);
        cr_assert_eq(version, 4);
        cr_assert(content_is("p", ANY, "two"));
        cr_assert_eq(rollback("p", 1, &version), STORE_OK);
        cr_assert_eq(version, 5);
        cr_assert(content_is("p", ANY, "one"));
        cr_assert_eq(rollback("p", 77, NULL), STORE_E_NOTFOUND);
}

Test(store, rollback_brings_a_deleted_name_back) {
        set("p", "one", ANY, NULL);
        set("p", NULL, ANY, NULL);
        cr_assert_eq(rollback("p", ANY, NULL), STORE_OK);
        cr_assert(content_is("p", ANY, "one"));
}

Test(store, rollback_of_the_first_version_has_nowhere_to_go) {
        set("p", "one", ANY, NULL);
        cr_assert_eq(rollback("p", ANY, NULL), STORE_E_NOTFOUND);
        cr_assert_eq(rollback("only-boot", ANY, NULL), STORE_E_NOTFOUND);
}

Test(store, the_boot_store_is_version_0) { /* row 80 */
        uint64_t version = 0;

        cr_assert(content_is("init", ANY, "boot init"));
        cr_assert_eq(current_of("init"), 0);
        cr_assert_eq(set("init", "mine", 0, &version), STORE_OK, "version 0 is the boot store's");
        cr_assert_eq(version, 1);
        cr_assert(content_is("init", ANY, "mine"));
        cr_assert(content_is("init", 0, "boot init"));
        cr_assert_eq(rollback("init", ANY, NULL), STORE_OK);
        cr_assert(content_is("init", ANY, "boot init"));
        cr_assert_eq(current_of("init"), 2);
}

Test(store, a_deleted_boot_name_stays_deleted_until_rolled_back) { /* row 80 */
        cr_assert_eq(set("init", NULL, ANY, NULL), STORE_OK);
        cr_assert(content_is("init", ANY, NULL));
        store_fixture_reopen();
        cr_assert(content_is("init", ANY, NULL));
        cr_assert_eq(rollback("init", ANY, NULL), STORE_OK);
        cr_assert(content_is("init", ANY, "boot init"));
}

Test(store, the_oldest_version_goes_first) {
        char text[16];
        const int n = (int)LIMIT_VERSIONS + 5;

        for (int i = 1; i <= n; i++) {
                snprintf(text, sizeof(text), "v%d", i);
                cr_assert_eq(set("p", text, i - 1, NULL), STORE_OK);
        }
        cr_assert(!content_is("p", 5, "v5"));
        cr_assert(content_is("p", 6, "v6"));
        cr_assert_eq(current_of("p"), (uint64_t)n);
        cr_assert_eq(rollback("p", 5, NULL), STORE_E_NOTFOUND);
}

Test(store, versions_are_listed_newest_first_with_all_about_them) {
        struct store_name name = { STORE_KIND_PROGRAM, "init", 4 };
        struct store_entry e;

        set("init", "mine", ANY, NULL);
        set("init", NULL, ANY, NULL);
        rollback("init", 1, NULL);
        cr_assert_eq(store_begin(&fixture.store), STORE_OK);
        cr_assert_eq(store_before(&fixture.store, &name, ANY, &e), STORE_OK);
        cr_expect(e.version == 3 && !e.is_deleted && e.time_us == 12345678);
        cr_expect(e.note.len == 21 && memcmp(e.note.data, "rollback to version 1", 21) == 0);
        cr_assert_eq(store_before(&fixture.store, &name, 3, &e), STORE_OK);
        cr_expect(e.version == 2 && e.is_deleted && e.content.len == 0);
        cr_assert_eq(store_before(&fixture.store, &name, 2, &e), STORE_OK);
        cr_expect(e.version == 1 && e.note.len == 4 && memcmp(e.note.data, "note", 4) == 0);
        cr_assert_eq(store_before(&fixture.store, &name, 1, &e), STORE_OK);
        cr_expect(e.version == 0 && e.content.len == 9);
        cr_assert_eq(store_before(&fixture.store, &name, 0, &e), STORE_E_NOTFOUND);
        store_end(&fixture.store);
}

Test(store, both_stores_are_listed_as_one_sorted) { /* row 80 */
        static const char *const expected[] = { "a", "init", "j", "only-boot", "z" };
        struct store_entry e = { .name = { .kind = STORE_KIND_PROGRAM } };
        size_t n = 0;

        set("z", "1", ANY, NULL);
        set("a", "1", ANY, NULL);
        set("j", "1", ANY, NULL);
        set("init", "mine", ANY, NULL);
        cr_assert_eq(store_begin(&fixture.store), STORE_OK);
        while (store_after(&fixture.store, &e.name, &e) == STORE_OK) {
                cr_assert_lt(n, 5);
                cr_expect_eq(e.name.len, strlen(expected[n]));
                cr_expect_eq(memcmp(e.name.bytes, expected[n], e.name.len), 0);
                cr_expect_eq(e.version, strcmp(expected[n], "only-boot") == 0 ? 0u : 1u);
                n++;
        }
        store_end(&fixture.store);
        cr_assert_eq(n, 5);
}

Test(store, one_conflict_does_not_spoil_the_other_changes) { /* row 81 */
        struct store_change changes[] = {
                change_of(STORE_ACTION_SET, "a", "1", 0),
                change_of(STORE_ACTION_SET, "a", "2", 0),
                change_of(STORE_ACTION_DELETE, "never", NULL, ANY),
                change_of(STORE_ACTION_SET, "b", "1", ANY),
                change_of(STORE_ACTION_SET, "a", "3", 1),
        };

        commit_changes(changes, ARRAY_SIZE(changes));
        cr_expect(changes[0].result == STORE_OK && changes[0].version == 1);
        cr_expect(changes[1].result == STORE_E_CONFLICT && changes[1].version == 1);
        cr_expect(changes[2].result == STORE_E_NOTFOUND);
        cr_expect(changes[3].result == STORE_OK && changes[3].version == 1);
        cr_expect(changes[4].result == STORE_OK && changes[4].version == 2);
        cr_assert(content_is("a", ANY, "3"));
}

Test(store, the_map_grows_by_itself, .timeout = 20) {
        const size_t len = 4u << 20;
        char *content = malloc(len + 1), name[8];

        cr_assert_not_null(content);
        memset(content, 'x', len);
        content[len] = '\0';
        for (int i = 0; i < 20; i++) { /* 80 MiB, into a map of 64 */
                snprintf(name, sizeof(name), "p%d", i);
                cr_assert_eq(set(name, content, 0, NULL), STORE_OK, "at %d", i);
        }
        store_fixture_reopen();
        cr_assert(content_is("p19", ANY, content));
        free(content);
}
