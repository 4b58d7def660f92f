/*
 * test_pool.c - memory that is used again, up to a maximum.
 */
#include "libipc/base/pool.h"

#include <criterion/criterion.h>
#include <stdint.h>

#define N_OBJECTS 8u
#define MAX_SPARES 3u

Test(pool, keeps_no_more_than_its_maximum_and_gives_those_out_first) {
        struct pool p;
        void *objects[N_OBJECTS];
        pool_init(&p, sizeof(uint64_t), MAX_SPARES);
        size_t max = p.max; /* 0 in a sanitizer build */
        for (size_t i = 0; i < N_OBJECTS; i++)
                cr_assert_not_null(objects[i] = pool_new(&p));
        for (size_t i = 0; i < N_OBJECTS; i++)
                cr_assert_null(pool_free(&p, objects[i]));
        cr_assert_eq(p.n_spares, max);

        void *again[MAX_SPARES];
        for (size_t i = 0; i < max; i++)
                cr_assert_eq(again[i] = pool_new(&p), objects[max - 1 - i]);
        cr_assert_eq(p.n_spares, 0);
        for (size_t i = 0; i < max; i++)
                pool_free(&p, again[i]);
        pool_deinit(&p);
        cr_assert_eq(p.n_spares, 0);
}

Test(pool, nothing_is_released_without_a_word) {
        struct pool p;
        pool_init(&p, sizeof(uint64_t), MAX_SPARES);
        cr_assert_null(pool_free(&p, NULL));
        cr_assert_eq(p.n_spares, 0);
        pool_deinit(&p);
}
