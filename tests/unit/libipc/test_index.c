/*
 * test_index.c - the intrusive hash table, against a plain array as the model.
 */
#include <criterion/criterion.h>
#include <stdbool.h>

#include "libipc/base/index.h"

#define N_KEYS 512

struct thing {
        int n;
        struct index_link link;
};

static struct thing things[N_KEYS];

static uint64_t key_of(uint32_t i) {
        return (uint64_t)i << 32 | 7;
}

static struct thing *find(const struct index *x, uint32_t i) {
        return index_find_in(x, key_of(i), struct thing, link);
}

Test(index, behaves_like_an_array_under_random_adding_and_removing) {
        bool is_present[N_KEYS] = { false };
        uint32_t state = 1;
        size_t n = 0;
        struct index x;

        index_init(&x);
        for (int step = 0; step < 200000; step++) {
                state = state * 1664525u + 1013904223u;
                const uint32_t i = (state >> 8) % N_KEYS;

                if (is_present[i])
                        index_remove(&x, &things[i].link);
                else
                        cr_assert_eq(index_add(&x, &things[i].link, key_of(i)), 0);
                is_present[i] = !is_present[i];
                n += is_present[i] ? 1 : (size_t)-1;
                cr_assert_eq(find(&x, i), is_present[i] ? &things[i] : NULL);
                cr_assert_eq(x.n_used, n);
        }
        for (uint32_t i = 0; i < N_KEYS; i++)
                cr_assert_eq(find(&x, i), is_present[i] ? &things[i] : NULL);
        for (uint32_t i = 0; i < N_KEYS; i++)
                index_remove(&x, &things[i].link);
        index_deinit(&x);
}

Test(index, what_is_in_no_index_can_be_removed) {
        struct index x;

        index_init(&x);
        cr_assert_eq(index_add(&x, &things[0].link, key_of(0)), 0);
        index_remove(&x, &things[1].link);
        index_remove(&x, &things[0].link);
        index_remove(&x, &things[0].link);
        cr_assert_eq(x.n_used, 0);
        index_deinit(&x);
}

Test(index, any_gives_each_to_who_removes_all) {
        size_t n_seen = 0;
        struct index x;

        index_init(&x);
        cr_assert_null(index_any(&x));
        for (uint32_t i = 0; i < N_KEYS; i++)
                cr_assert_eq(index_add(&x, &things[i].link, key_of(i)), 0);
        for (struct index_link *link; (link = index_any(&x)); n_seen++)
                index_remove(&x, link);
        cr_assert_eq(n_seen, N_KEYS);
        cr_assert_null(find(&x, 1));
        index_deinit(&x);
}
