/*
 * test_table.c - the hash table, against a plain array as the model.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/table.h"

#define N_KEYS 512

static int values[N_KEYS];

/* A small generator of our own: the same sequence in every run. */
static uint32_t next_random(uint32_t *state) {
        *state = *state * 1664525u + 1013904223u;
        return *state >> 8;
}

Test(table, behaves_like_an_array_under_random_adding_and_removing) {
        bool is_present[N_KEYS] = { false };
        uint32_t state = 1;
        struct table t;

        table_init(&t);
        for (int step = 0; step < 200000; step++) {
                const uint32_t i = next_random(&state) % N_KEYS;
                const uint64_t key = (uint64_t)i << 32 | 7;

                if (is_present[i])
                        cr_assert_eq(table_remove_u64(&t, key), &values[i]);
                else
                        cr_assert_eq(table_add_u64(&t, key, &values[i]), 0);
                is_present[i] = !is_present[i];
                cr_assert_eq(table_find_u64(&t, key), is_present[i] ? &values[i] : NULL);
        }
        for (uint32_t i = 0; i < N_KEYS; i++)
                cr_assert_eq(table_remove_u64(&t, (uint64_t)i << 32 | 7),
                             is_present[i] ? &values[i] : NULL);
        cr_assert_eq(t.n_used, 0);
        table_deinit(&t);
}

Test(table, finds_names_by_content_and_length) {
        struct table t;

        table_init(&t);
        cr_assert_eq(table_add_name(&t, "log", 3, &values[0]), 0);
        cr_assert_eq(table_add_name(&t, "log.read", 8, &values[1]), 0);
        cr_assert_eq(table_add_name(&t, "", 0, &values[2]), 0);

        cr_assert_eq(table_find_name(&t, "log.readers", 8), &values[1]);
        cr_assert_eq(table_find_name(&t, "log", 3), &values[0]);
        cr_assert_eq(table_find_name(&t, "x", 0), &values[2]);
        cr_assert_null(table_find_name(&t, "log.", 4));
        cr_assert_null(table_find_u64(&t, 3));

        cr_assert_eq(table_remove_name(&t, "log", 3), &values[0]);
        cr_assert_null(table_remove_name(&t, "log", 3));
        cr_assert_eq(table_remove_name(&t, "log.read", 8), &values[1]);
        cr_assert_eq(table_remove_name(&t, "", 0), &values[2]);
        table_deinit(&t);
}

Test(table, a_replaced_value_has_its_own_key) {
        char first[] = "name", second[] = "name";
        struct table t;

        table_init(&t);
        cr_assert_eq(table_add_name(&t, first, 4, &values[1]), 0);
        cr_assert_eq(table_add_name(&t, "other", 5, &values[2]), 0);
        table_replace_name(&t, second, 4, &values[3]);
        memset(first, 'x', 4);
        cr_expect_eq(table_find_name(&t, "name", 4), &values[3]);
        cr_expect_eq(t.n_used, 2);
        cr_expect_eq(table_remove_name(&t, "name", 4), &values[3]);
        cr_expect_eq(table_remove_name(&t, "other", 5), &values[2]);
        table_deinit(&t);
}

Test(table, a_walk_that_removes_everything_sees_each_value_once) {
        for (uint64_t n = 1; n < N_KEYS; n += 7) {
                size_t at = 0, n_seen = 0;
                struct table t;
                int *value;

                table_init(&t);
                for (uint64_t i = 0; i < n; i++)
                        cr_assert_eq(table_add_u64(&t, i, &values[i]), 0);
                while ((value = table_next(&t, &at))) {
                        n_seen++;
                        cr_assert_eq(table_remove_u64(&t, (uint64_t)(value - values)), value);
                }
                cr_assert_eq(n_seen, n);
                table_deinit(&t);
        }
}

Test(table, a_walk_that_removes_some_still_sees_each_value_once) {
        unsigned n_seen[N_KEYS] = { 0 };
        size_t at = 0;
        struct table t;
        int *value;

        table_init(&t);
        for (uint64_t i = 0; i < N_KEYS; i++)
                cr_assert_eq(table_add_u64(&t, i, &values[i]), 0);
        while ((value = table_next(&t, &at))) {
                const uint64_t i = (uint64_t)(value - values);

                n_seen[i]++;
                if (i % 3 == 0)
                        table_remove_u64(&t, i);
        }
        for (size_t i = 0; i < N_KEYS; i++)
                cr_assert_eq(n_seen[i], 1, "value %zu was seen %u times", i, n_seen[i]);
        for (uint64_t i = 0; i < N_KEYS; i++)
                table_remove_u64(&t, i);
        table_deinit(&t);
}

Test(table, an_empty_table_can_be_asked_everything) {
        size_t at = 0;
        struct table t;

        table_init(&t);
        cr_assert_null(table_find_u64(&t, 1));
        cr_assert_null(table_remove_name(&t, "a", 1));
        cr_assert_null(table_next(&t, &at));
        table_deinit(&t);
}
