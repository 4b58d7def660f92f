/*
 * test_data_faults.c - data objects over a disk that fails: every operation in turn. Whatever happens, a
 * transaction either is there and reported so, or has left no trace.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake/fake_disk.h"
#include "tests/unit/storaged/data_fixture.h"

TestSuite(data_faults, .init = data_fixture_set_up, .fini = data_fixture_tear_down);

static const struct {
        int from_disk, from_data;
} failures[] = {
        { DISK_E_FULL, DATA_E_FULL },
        { DISK_E_IO, DATA_E_IO },
        { -ENOMEM, -ENOMEM },
};

static bool is(struct object *o, const char *key, const char *want) {
        const char *have = value_at(o, key);
        return want ? have && strcmp(have, want) == 0 : !have;
}

static void put_old(struct object *o) {
        const struct data_op ops[] = { op_set("a", "old"), op_set("b", "old"),
                                       op_key(DATA_OP_DEL, "c") };
        cr_assert_eq(change(o, ops, ARRAY_SIZE(ops)), DATA_OK);
}

/* row 77 */
Test(data_faults, every_operation_of_a_transaction_may_fail) {
        struct object *o = object_open("o", DATA_KIND_PERSISTENT);
        struct data_op ops[] = { op_set("a", "new"), op_key(DATA_OP_DEL, "b"), op_set("c", "new") };

        ops[0].ttl_us = 1000;
        for (size_t f = 0; f < ARRAY_SIZE(failures); f++) {
                size_t start, n;

                put_old(o);
                start = fake_disk_operations();
                cr_assert_eq(change(o, ops, ARRAY_SIZE(ops)), DATA_OK);
                n = fake_disk_operations() - start;
                cr_assert_gt(n, 10);
                for (size_t i = 1; i <= n; i++) {
                        put_old(o);
                        fake_disk_fail_at(i, failures[f].from_disk);
                        int r = change(o, ops, ARRAY_SIZE(ops));
                        fake_disk_fail_at(0, 0);
                        if (r == DATA_OK) /* what failed came after it */
                                cr_expect(is(o, "a", "'new'") && is(o, "b", NULL) &&
                                          is(o, "c", "'new'"));
                        else
                                cr_expect(is(o, "a", "'old'") && is(o, "b", "'old'") &&
                                          is(o, "c", NULL));
                        cr_expect(r == DATA_OK || r == failures[f].from_data || r == -EIO,
                                  "operation %zu of %zu: %d", i, n, r);
                }
        }
        object_unref(o);
}

Test(data_faults, what_does_not_fit_leaves_room_for_others) {
        struct object *o = object_open("o", DATA_KIND_PERSISTENT);
        const struct data_op small = op_set("a", "1");
        struct data_op many[40];
        char keys[ARRAY_SIZE(many)][8];
        struct outcome outcomes[2] = { { .result = 0 } };

        for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
                snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
                many[i] = op_set(keys[i], "1");
        }
        fake_disk_limit_puts(20);
        outcome_submit(&outcomes[0], o, many, ARRAY_SIZE(many));
        outcome_submit(&outcomes[1], o, &small, 1);
        fake_loop_settle(&df.loop);
        fake_disk_limit_puts(0);
        cr_assert_eq(outcomes[0].result, DATA_E_FULL);
        cr_assert_eq(outcomes[1].result, DATA_OK);
        cr_assert_eq(record_of(o).n_keys, 1);
        for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
                outcome_close(&outcomes[i]);
        object_unref(o);
}

/* row 77: a key that could not be deleted is none all the same, and is deleted later */
Test(data_faults, a_failed_sweep_is_tried_again) {
        struct object *o = object_open("o", DATA_KIND_PERSISTENT);
        struct data_op op = op_set("a", "1");

        op.ttl_us = 1000000;
        cr_assert_eq(change_one(o, op), DATA_OK);
        fake_disk_limit_puts(1);
        fake_loop_advance(&df.loop, 1000000);
        cr_assert(is(o, "a", NULL));
        cr_assert_eq(record_of(o).n_keys, 1);
        fake_disk_limit_puts(0);
        fake_loop_advance(&df.loop, 1000000);
        cr_assert_eq(record_of(o).n_keys, 0);
        object_unref(o);
}
