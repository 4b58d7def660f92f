/*
 * test_release_faults.c - a program and its data over a disk that fails: every operation in turn. Both are
 * what they were, or both are what they were to become.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "libipc/value.h"
#include "storaged/package.h"
#include "storaged/release.h"
#include "tests/fake/fake_disk.h"
#include "tests/unit/storaged/data_fixture.h"

static void set_up(void) {
        data_fixture_set_up();
        fixture.apply = release_apply;
}

TestSuite(release_faults, .init = set_up, .fini = data_fixture_tear_down);

static bool is(struct object *o, const char *key, const char *want) {
        const char *have = value_at(o, key);
        return want ? have && strcmp(have, want) == 0 : !have;
}

static void change_data(struct object *o, const char *a, const char *stream) {
        const struct data_op ops[] = { op_set("a", a), op_set("b", a), op_set("c", a) };
        struct data_op write = { .type = DATA_OP_WRITE,
                                 .at = DATA_WHOLE,
                                 .value = bytes_of(stream) };

        cr_assert_eq(change(o, ops, ARRAY_SIZE(ops)), DATA_OK);
        cr_assert_eq(change_one(o, write), DATA_OK);
}

static bool has_data(struct object *o, const char *a, const char *stream) {
        struct buf bytes CLEANUP(buf_deinit);

        buf_init(&bytes, 64);
        cr_assert_eq(data_begin(o), DATA_OK);
        cr_assert_eq(data_read(o, 0, o->reading.stream_bytes, &bytes), DATA_OK);
        data_end(o);
        return is(o, "a", a) && is(o, "b", a) && is(o, "c", a) && record_of(o).n_keys == 3 &&
               bytes.len == strlen(stream) && memcmp(bytes.data, stream, bytes.len) == 0;
}

/* A program whose first version left 'one', and whose second has 'two'. */
static struct object *two_versions(void) {
        struct object *o = object_open("program:p", DATA_KIND_PERSISTENT);

        cr_assert_eq(set("p", "first", STORE_VERSION_ANY, NULL), STORE_OK);
        change_data(o, "one", "1");
        cr_assert_eq(set("p", "second", STORE_VERSION_ANY, NULL), STORE_OK);
        change_data(o, "two", "22");
        return o;
}

static struct store_change rollback_to(int64_t version) {
        struct store_change change = change_of(STORE_ACTION_ROLLBACK, "p", NULL, STORE_VERSION_ANY);
        change.source = version;
        change.with_data = true;
        return change;
}

/* rows 75, 77, 81 */
Test(release_faults, every_operation_of_a_rollback_with_data_may_fail) {
        for (size_t f = 0; f < n_store_failures; f++) {
                struct object *o = two_versions();
                struct store_change change = rollback_to(1);
                size_t start = fake_disk_operations(), n;

                commit_changes(&change, 1);
                cr_assert_eq(change.result, STORE_OK);
                cr_assert(content_is("p", STORE_VERSION_ANY, "first") && has_data(o, "'one'", "1"));
                n = fake_disk_operations() - start;
                cr_assert_gt(n, 40);
                object_unref(o);
                for (size_t i = 1; i <= n; i++) {
                        data_fixture_restart(); /* over nothing: this disk is memory */
                        o = two_versions();
                        uint64_t current = current_of("p");
                        change = rollback_to((int64_t)current - 1);
                        fake_disk_fail_at(i, store_failures[f].from_disk);
                        commit_changes(&change, 1);
                        fake_disk_fail_at(0, 0);
                        if (change.result == STORE_OK)
                                cr_expect(content_is("p", STORE_VERSION_ANY, "first") &&
                                          has_data(o, "'one'", "1"));
                        else
                                cr_expect(current_of("p") == current && has_data(o, "'two'", "22"),
                                          "operation %zu of %zu left half of it", i, n);
                        cr_expect(change.result == STORE_OK ||
                                          change.result == store_failures[f].from_store ||
                                          change.result == -EIO,
                                  "operation %zu of %zu: %d", i, n, change.result);
                        object_unref(o);
                }
        }
}

/* What does not fit leaves the others of its commit whole. */
Test(release_faults, a_rollback_that_does_not_fit_leaves_others_whole) {
        struct object *o = two_versions();
        struct store_change changes[] = { rollback_to(1), change_of(STORE_ACTION_SET, "q", "-- q",
                                                                    STORE_VERSION_ANY) };

        fake_disk_limit_puts(8);
        commit_changes(changes, ARRAY_SIZE(changes));
        fake_disk_limit_puts(0);
        cr_assert_eq(changes[0].result, STORE_E_FULL);
        cr_assert_eq(changes[1].result, STORE_OK);
        cr_assert(content_is("p", STORE_VERSION_ANY, "second") && has_data(o, "'two'", "22"));
        object_unref(o);
}

/* Snapshots that nothing refers to any more leave no rows. */
Test(release_faults, snapshots_leave_nothing_behind) {
        struct object *o = two_versions();
        struct disk_bytes key, value;

        for (int i = 0; i < 10; i++) {
                change_data(o, i % 2 ? "odd" : "even", "x");
                cr_assert_eq(set("p", "again", STORE_VERSION_ANY, NULL), STORE_OK);
                cr_assert_eq(set("p", "without a change", STORE_VERSION_ANY, NULL), STORE_OK);
        }
        cr_assert_eq(change_one(o, (struct data_op){ .type = DATA_OP_REMOVE }), DATA_OK);
        cr_assert_eq(disk_begin(fixture.disk, false), DISK_OK);
        static const enum disk_table tables[] = { DISK_TABLE_SNAPSHOTS, DISK_TABLE_KEYS,
                                                  DISK_TABLE_STREAMS, DISK_TABLE_RECORDS };
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
                cr_expect_eq(disk_after(fixture.disk, tables[i], (struct disk_bytes){ "", 1 }, &key,
                                        &value),
                             DISK_E_NOTFOUND);
        disk_end(fixture.disk);
        object_unref(o);
}
