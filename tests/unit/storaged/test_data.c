/*
 * test_data.c - what any keeper of data objects must do, told for both kinds: written against data.h alone.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "tests/unit/storaged/data_fixture.h"

#define SECOND_US CLOCK_S_US

TestSuite(data, .init = data_fixture_set_up, .fini = data_fixture_tear_down);

static void tell(enum data_kind kind, void (*story)(struct object *o)) {
        struct object *o = object_open("o", kind);

        story(o);
        object_unref(o);
}

#define EACH_KIND(name)                                                                            \
        static void name(struct object *o);                                                        \
        Test(data, persistent_##name) {                                                            \
                tell(DATA_KIND_PERSISTENT, name);                                                  \
        }                                                                                          \
        Test(data, volatile_##name) {                                                              \
                tell(DATA_KIND_VOLATILE, name);                                                    \
        }                                                                                          \
        static void name(struct object *o)

/* row 77 */
EACH_KIND(each_change_is_the_next_revision) {
        uint64_t first;

        cr_assert_eq(change_one(o, op_set("a", "1")), DATA_OK);
        first = record_of(o).revision;
        cr_assert_eq(change_one(o, op_set("b", "2")), DATA_OK);
        cr_assert_eq(record_of(o).revision, first + 1);
        cr_assert_eq(change_one(o, op_key(DATA_OP_DEL, "nothing")), DATA_OK);
        cr_assert_eq(record_of(o).revision, first + 1, "what changes nothing is no change");
        cr_assert_str_eq(value_at(o, "a"), "'1'");
        cr_assert_eq(record_of(o).n_keys, 2);
}

/* row 77 */
EACH_KIND(a_transaction_is_done_whole_or_not_at_all) {
        const struct data_op ops[] = { op_set("a", "new"), op_key(DATA_OP_DEL, "b"),
                                       op_number(DATA_OP_INCR, "text", 1) };

        cr_assert_eq(change_one(o, op_set("b", "there")), DATA_OK);
        cr_assert_eq(change_one(o, op_set("text", "no number")), DATA_OK);
        cr_assert_eq(change(o, ops, 3), DATA_E_TYPE);
        cr_assert_null(value_at(o, "a"));
        cr_assert_str_eq(value_at(o, "b"), "'there'");
        cr_assert_eq(change(o, ops, 2), DATA_OK);
        cr_assert_str_eq(value_at(o, "a"), "'new'");
        cr_assert_null(value_at(o, "b"));
}

EACH_KIND(operations_see_those_before_them) {
        const struct data_op ops[] = { op_number(DATA_OP_INCR, "n", 5),
                                       op_number(DATA_OP_INCR, "n", INT64_MAX - 5),
                                       op_number(DATA_OP_INCR, "n", 1) };

        cr_assert_eq(change(o, ops, 3), DATA_E_OVERFLOW);
        cr_assert_eq(change(o, ops, 2), DATA_OK);
        cr_assert_str_eq(value_at(o, "n"), "9223372036854775807");
}

EACH_KIND(one_that_is_refused_leaves_the_others_of_its_commit_whole) {
        const struct data_op before = op_set("a", "1"), after = op_set("b", "2"),
                             bad = op_number(DATA_OP_INCR, "a", 1);
        struct outcome outcomes[3] = { { .result = 0 } };

        outcome_submit(&outcomes[0], o, &before, 1);
        outcome_submit(&outcomes[1], o, &bad, 1);
        outcome_submit(&outcomes[2], o, &after, 1);
        fake_loop_settle(&df.loop);
        cr_assert_eq(outcomes[0].result, DATA_OK);
        cr_assert_eq(outcomes[1].result, DATA_E_TYPE, "it saw the one before");
        cr_assert_eq(outcomes[2].result, DATA_OK);
        cr_assert_str_eq(value_at(o, "a"), "'1'");
        cr_assert_str_eq(value_at(o, "b"), "'2'");
        for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
                outcome_close(&outcomes[i]);
}

EACH_KIND(one_that_is_withdrawn_never_happens) {
        const struct data_op op = op_set("a", "1");
        struct outcome out = { .result = 0 };

        outcome_submit(&out, o, &op, 1);
        outcome_close(&out);
        fake_loop_settle(&df.loop);
        cr_assert_eq(out.result, OUTCOME_NONE);
        cr_assert_null(value_at(o, "a"));
}

static int compare_and_set(struct object *o, const struct data_compare *compare) {
        const struct data_op op = op_set("a", "changed");
        struct outcome out = { .txn = { .compares = compare, .n_compares = 1 } };

        outcome_submit(&out, o, &op, 1);
        fake_loop_settle(&df.loop);
        outcome_close(&out);
        return out.result;
}

/* rows 77, 81 */
EACH_KIND(compares_decide) {
        static const uint8_t float_1[] = { 0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0 };
        struct data_compare compare = { .type = DATA_COMPARE_EXISTS, .key = bytes_of("a") };

        cr_assert_eq(change_one(o, op_number(DATA_OP_INCR, "a", 1)), DATA_OK);
        cr_assert_eq(compare_and_set(o, &compare), DATA_E_COMPARE);
        compare = (struct data_compare){ .type = DATA_COMPARE_REVISION,
                                         .key = bytes_of("a"),
                                         .revision = record_of(o).revision - 1 };
        cr_assert_eq(compare_and_set(o, &compare), DATA_E_COMPARE);
        compare = (struct data_compare){ .type = DATA_COMPARE_VALUE,
                                         .key = bytes_of("a"),
                                         .value = { float_1, sizeof(float_1) } };
        cr_assert_eq(compare_and_set(o, &compare), DATA_OK, "1 and 1.0 are equal");
        cr_assert_eq(compare_and_set(o, &compare), DATA_E_COMPARE);
        cr_assert_str_eq(value_at(o, "a"), "'changed'");
}

/*
 * Quotas.
 */

EACH_KIND(a_quota_refuses_only_what_grows) {
        const struct data_op limit = { .type = DATA_OP_LIMIT, .max_bytes = 40, .max_keys = 2 };

        cr_assert_eq(change_one(o, limit), DATA_OK);
        cr_assert_eq(change_one(o, op_set("a", "0123456789")), DATA_OK);
        cr_assert_eq(change_one(o, op_set("b", "0123456789")), DATA_OK);
        cr_assert_eq(change_one(o, op_set("c", "")), DATA_E_KEYS);
        cr_assert_eq(change_one(o, op_set("a", "012345678901234567890123456789")), DATA_E_BYTES);
        cr_assert_eq(change_one(o, (struct data_op){ .type = DATA_OP_WRITE,
                                                     .at = DATA_WHOLE,
                                                     .value = { "0123456789012345678", 19 } }),
                     DATA_E_BYTES);
        cr_assert_eq(change_one(o, op_set("a", "9876543210")), DATA_OK);
        cr_assert_eq(change_one(o, op_key(DATA_OP_DEL, "a")), DATA_OK);
        cr_assert_eq(change_one(o, op_set("c", "")), DATA_OK);
}

EACH_KIND(there_are_only_so_many_objects) {
        struct object *last;
        char name[16];

        for (unsigned int i = 0; i < LIMIT_OBJECTS; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                struct object *other = object_open(name, o->kind);
                cr_assert_eq(change_one(other, op_set("a", "")), DATA_OK);
                object_unref(other);
        }
        last = object_open("one more", o->kind);
        cr_assert_eq(change_one(last, op_set("a", "")), DATA_E_OBJECTS);
        cr_assert_eq(change_one(last, (struct data_op){ .type = DATA_OP_REMOVE }), DATA_OK);
        object_unref(last);
}

/*
 * Time.
 */

/* row 77 */
EACH_KIND(a_key_is_gone_when_its_time_has_come) {
        struct data_op op = op_set("a", "1");

        op.ttl_us = 2 * SECOND_US;
        cr_assert_eq(change_one(o, op), DATA_OK);
        fake_loop_advance(&df.loop, 1 * SECOND_US);
        cr_assert_str_eq(value_at(o, "a"), "'1'");
        fake_loop_advance(&df.loop, 1 * SECOND_US);
        cr_assert_null(value_at(o, "a"));
        cr_assert_eq(record_of(o).n_keys, 0, "nor does it count any more");
        cr_assert_eq(record_of(o).key_bytes, 0);
        cr_assert_eq(fake_loop_n_timers(&df.loop), 0);
}

EACH_KIND(its_time_can_be_put_off_or_taken_away) {
        struct data_op op = op_set("a", "1");

        op.ttl_us = 2 * SECOND_US;
        cr_assert_eq(change_one(o, op), DATA_OK);
        cr_assert_eq(change_one(o, op_number(DATA_OP_EXPIRE, "a", 9 * SECOND_US)), DATA_OK);
        fake_loop_advance(&df.loop, 3 * SECOND_US);
        cr_assert_str_eq(value_at(o, "a"), "'1'");
        cr_assert_eq(change_one(o, op_number(DATA_OP_EXPIRE, "a", 0)), DATA_OK);
        fake_loop_advance(&df.loop, 100 * SECOND_US);
        cr_assert_str_eq(value_at(o, "a"), "'1'");
}

/*
 * Watches.
 */

static unsigned int n_woken;

static void on_woken(struct data_watch *w UNUSED) {
        n_woken++;
}

static int count_event(void *userdata, const struct history_event *event UNUSED) {
        ++*(size_t *)userdata;
        return DISK_OK;
}

static int events_behind(
        struct object *o, uint64_t *from, const char *prefix, size_t max, size_t *ret) {
        int r;

        *ret = 0;
        cr_assert_eq(data_begin(o), DATA_OK);
        r = data_history(o, from, bytes_of(prefix), max, count_event, ret);
        data_end(o);
        return r;
}

/* row 77 */
EACH_KIND(a_watch_is_told_once_and_reads_what_it_missed) {
        struct data_watch watch = { .object = o, .done = on_woken };
        uint64_t from = record_of(o).revision;
        size_t n;

        n_woken = 0;
        data_watch(&watch);
        for (int i = 0; i < 3; i++)
                cr_assert_eq(change_one(o, op_set(i == 1 ? "b" : "a", "1")), DATA_OK);
        cr_assert_eq(n_woken, 1);
        cr_assert_eq(events_behind(o, &from, "a", 9, &n), DATA_OK);
        cr_assert_eq(n, 2);
        cr_assert_eq(from, record_of(o).revision);
        cr_assert_eq(events_behind(o, &from, "a", 9, &n), DATA_OK);
        cr_assert_eq(n, 0);
        data_watch(&watch);
        data_unwatch(&watch);
        cr_assert_eq(change_one(o, op_set("a", "1")), DATA_OK);
        cr_assert_eq(n_woken, 1);
}

EACH_KIND(events_of_one_transaction_are_never_parted) {
        const struct data_op ops[] = { op_set("a", "1"), op_set("b", "1"), op_set("c", "1") };
        uint64_t from = record_of(o).revision;
        size_t n;

        cr_assert_eq(change(o, ops, 3), DATA_OK);
        cr_assert_eq(change(o, ops, 2), DATA_OK);
        cr_assert_eq(events_behind(o, &from, "", 1, &n), DATA_OK);
        cr_assert_eq(n, 3);
        cr_assert_eq(events_behind(o, &from, "", 1, &n), DATA_OK);
        cr_assert_eq(n, 2);
}

EACH_KIND(who_comes_too_late_is_told_so) {
        uint64_t from = record_of(o).revision, beginning = 0;
        size_t n;

        cr_assert_eq(change_one(o, op_set("a", "1")), DATA_OK);
        cr_assert_eq(events_behind(o, &beginning, "", 9, &n), DATA_OK, "0 is the beginning");
        for (unsigned int i = 0; i < LIMIT_HISTORY_EVENTS * 2; i++)
                cr_assert_eq(change_one(o, op_number(DATA_OP_INCR, "n", 1)), DATA_OK);
        cr_assert_eq(events_behind(o, &from, "", 9, &n), DATA_E_COMPACTED);
        cr_assert_eq(events_behind(o, &from, "", 9, &n), DATA_OK, "it can go on from there");
        cr_assert(n > 0);
        beginning = 0;
        cr_assert_eq(events_behind(o, &beginning, "", 9, &n), DATA_E_COMPACTED);
}

EACH_KIND(an_object_that_is_deleted_and_made_anew_has_another_past) {
        uint64_t from, n_revision;
        size_t n;

        cr_assert_eq(change_one(o, op_set("a", "1")), DATA_OK);
        from = n_revision = record_of(o).revision;
        cr_assert_eq(change_one(o, (struct data_op){ .type = DATA_OP_REMOVE }), DATA_OK);
        cr_assert_null(value_at(o, "a"));
        cr_assert_eq(change_one(o, op_set("b", "1")), DATA_OK);
        cr_assert_gt(record_of(o).revision, n_revision);
        cr_assert_eq(events_behind(o, &from, "", 9, &n), DATA_E_COMPACTED);
}

/*
 * Locks guard.
 */

static void on_locked(struct lock_claim *c UNUSED, int result) {
        cr_assert_eq(result, LOCK_OK);
}

static int set_guarded(struct object *o, uint64_t fence) {
        const struct data_op op = op_set("g", "1");
        struct outcome out = { .txn = { .guard = { "l", 1, fence } } };

        outcome_submit(&out, o, &op, 1);
        fake_loop_settle(&df.loop);
        outcome_close(&out);
        return out.result;
}

/* row 76 */
EACH_KIND(a_stale_guard_changes_nothing) {
        struct lock_claim claim = { .pid = 1, .done = on_locked };
        uint64_t fence;

        cr_assert_eq(lock_claim(&o->locks, "l", 1, &claim, LOCK_WAITS_FOR_EVER), LOCK_OK);
        fake_loop_settle(&df.loop);
        fence = claim.fence;
        cr_assert_eq(set_guarded(o, fence), DATA_OK);
        cr_assert_eq(set_guarded(o, fence + 1), DATA_E_GUARD);
        lock_release(&claim);
        cr_assert_eq(set_guarded(o, fence), DATA_E_GUARD);
        cr_assert_eq(lock_claim(&o->locks, "l", 1, &claim, LOCK_WAITS_FOR_EVER), LOCK_OK);
        fake_loop_settle(&df.loop);
        cr_assert_gt(claim.fence, fence);
        cr_assert_eq(set_guarded(o, fence), DATA_E_GUARD);
        lock_release(&claim);
}

/* row 76: also over a restart, which no lock outlives */
Test(data, fences_grow_over_restarts) {
        struct lock_claim claim = { .pid = 1, .done = on_locked };
        uint64_t fence = 0;

        for (int i = 0; i < 3; i++) {
                struct object *o = object_open("o", DATA_KIND_PERSISTENT);

                cr_assert_eq(lock_claim(&o->locks, "l", 1, &claim, LOCK_WAITS_FOR_EVER), LOCK_OK);
                fake_loop_settle(&df.loop);
                cr_assert_gt(claim.fence, fence);
                fence = claim.fence;
                lock_release(&claim);
                object_unref(o);
                data_fixture_restart();
        }
}

/*
 * Kinds.
 */

/* row 77 */
Test(data, what_is_persistent_stays_and_what_is_volatile_does_not) {
        struct object *p = object_open("p", DATA_KIND_PERSISTENT);
        struct object *v = object_open("v", DATA_KIND_VOLATILE), *other;
        uint64_t revision;

        cr_assert_eq(change_one(p, op_set("a", "1")), DATA_OK);
        cr_assert_eq(change_one(v, op_set("a", "1")), DATA_OK);
        cr_assert_eq(data_open(&df.data, "v", 1, DATA_KIND_PERSISTENT, &other), DATA_E_KIND);
        revision = record_of(v).revision;
        object_unref(p);
        object_unref(v);
        fake_loop_advance(&df.loop, CLOCK_MS_US); /* more than a change takes */
        data_fixture_restart();

        p = object_open("p", DATA_KIND_ANY);
        cr_assert_str_eq(value_at(p, "a"), "'1'");
        v = object_open("v", DATA_KIND_VOLATILE);
        cr_assert_null(value_at(v, "a"));
        cr_assert_gt(record_of(v).revision, revision, "nobody takes it for the one of before");
        object_unref(p);
        object_unref(v);
}

static size_t count_volatile(void) {
        struct record record = { .name_len = 0 };
        size_t n = 0;

        cr_assert_eq(data_begin_all(&df.data, DATA_KIND_VOLATILE), DATA_OK);
        while (data_next(&df.data, DATA_KIND_VOLATILE, &record) == DATA_OK)
                n++;
        data_end_all(&df.data, DATA_KIND_VOLATILE);
        return n;
}

/* row 78 */
Test(data, an_anonymous_object_ends_with_its_last_reference) {
        struct object *a, *again;

        cr_assert_eq(data_open_anonymous(&df.data, 7, &a), DATA_OK);
        cr_assert_eq(data_open_anonymous(&df.data, 7, &again), DATA_OK);
        cr_assert_eq(a, again);
        cr_assert_eq(change_one(a, op_set("a", "1")), DATA_OK);
        object_unref(a);
        fake_loop_settle(&df.loop);
        cr_assert_str_eq(value_at(again, "a"), "'1'");
        object_unref(again);
        fake_loop_settle(&df.loop);
        cr_assert_eq(count_volatile(), 0);
}

/* row 78 */
Test(data, one_that_is_opened_while_it_ends_is_a_fresh_one) {
        struct object *a;

        cr_assert_eq(data_open_anonymous(&df.data, 7, &a), DATA_OK);
        cr_assert_eq(change_one(a, op_set("a", "1")), DATA_OK);
        object_unref(a);
        cr_assert_eq(data_open_anonymous(&df.data, 7, &a), DATA_OK);
        cr_assert_eq(change_one(a, op_set("b", "1")), DATA_OK);
        cr_assert_null(value_at(a, "a"));
        cr_assert_str_eq(value_at(a, "b"), "'1'");
        object_unref(a);
        fake_loop_settle(&df.loop);
        cr_assert_eq(count_volatile(), 0);
}
