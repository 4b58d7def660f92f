/*
 * test_buf.c - growable bytes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/buf.h"

Test(buf, keeps_bytes_in_order_while_it_grows) {
        struct buf b;

        buf_init(&b, 1 << 20);
        for (unsigned i = 0; i < 10000; i++) {
                const uint8_t byte = (uint8_t)i;

                cr_assert_eq(buf_add(&b, &byte, 1), 0);
        }
        cr_assert_eq(b.len, 10000);
        for (unsigned i = 0; i < 10000; i++)
                cr_assert_eq(b.data[i], (uint8_t)i);
        buf_deinit(&b);
}

Test(buf, refuses_the_byte_past_its_maximum_and_stays_usable) {
        struct buf b;

        buf_init(&b, 100);
        cr_assert_eq(buf_add(&b, "0123456789", 10), 0);
        cr_assert_eq(buf_reserve(&b, 91), -E2BIG);
        cr_assert_eq(buf_reserve(&b, SIZE_MAX), -E2BIG);
        cr_assert_eq(b.len, 10);
        cr_assert_eq(buf_reserve(&b, 90), 0);
        cr_assert_leq(b.cap, 100);
        buf_deinit(&b);
}

Test(buf, prints_text_without_a_nul) {
        struct buf b;

        buf_init(&b, 100);
        cr_assert_eq(buf_printf(&b, "%s-%d", "a", 7), 0);
        cr_assert_eq(buf_printf(&b, "%s", ""), 0);
        cr_assert_eq(b.len, 3);
        cr_assert_eq(memcmp(b.data, "a-7", 3), 0);
        buf_deinit(&b);
}

Test(buf, adding_nothing_needs_no_memory) {
        struct buf b;

        buf_init(&b, 0);
        cr_assert_eq(buf_add(&b, NULL, 0), 0);
        cr_assert_null(b.data);
        buf_deinit(&b);
}
