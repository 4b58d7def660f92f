/*
 * test_pattern.c - what two lists of patterns both allow.
 */
#include "initd/pattern.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Words separated by blanks. */
static struct pattern_list list_of(const char *words) {
        struct pattern_list l = { 0 };
        while (*words) {
                size_t len = strcspn(words, " ");
                cr_assert_eq(pattern_list_add(&l, words, len), 0);
                words += len + (words[len] == ' ');
        }
        return l;
}

static void expect_both(const char *a, const char *b, const char *want) {
        struct pattern_list first = list_of(a), second = list_of(b), both = { 0 };
        cr_assert_eq(pattern_list_intersect(&both, &first, &second), PATTERN_OK);
        char have[256] = "";
        for (size_t i = 0; i < both.n_items; i++)
                snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%.*s",
                         i > 0 ? " " : "", (int)both.items[i].len,
                         (const char *)both.items[i].bytes);
        cr_expect_str_eq(have, want, "%s and %s: %s", a, b, have);
        pattern_list_deinit(&first);
        pattern_list_deinit(&second);
        pattern_list_deinit(&both);
}

/* row 51 */
Test(pattern, both_of_two_lists_is_what_each_allows) {
        expect_both("a b", "b c", "b");
        expect_both("a.*", "a.b.* c", "a.b.*");
        expect_both("a.b.* c", "a.*", "a.b.*");
        expect_both("*", "a b.*", "a b.*");
        expect_both("a b.*", "*", "a b.*");
        expect_both("a.*", "b.*", "");
        expect_both("", "*", "");
        expect_both("*", "*", "*");
        expect_both("ab", "a*", "ab");
        expect_both("a", "ab*", "");
}

/* row 51 */
Test(pattern, a_pattern_that_another_covers_is_not_repeated) {
        expect_both("a* ab*", "a*", "a*");
        expect_both("a* abc", "ab*", "abc ab*");
        expect_both("a", "a a*", "a");
}

Test(pattern, both_of_two_long_lists_may_be_too_long) {
        struct pattern_list a = { 0 }, b = { 0 }, both = { 0 };
        char name[32];
        for (unsigned i = 0; i < LIMIT_PATTERNS; i++) {
                snprintf(name, sizeof(name), "a.%u", i);
                cr_assert_eq(pattern_list_add(&a, name, strlen(name)), 0);
                snprintf(name, sizeof(name), "b.%u", i);
                cr_assert_eq(pattern_list_add(&b, name, strlen(name)), 0);
        }
        cr_assert_eq(pattern_list_add(&a, "b*", 2), 0);
        cr_assert_eq(pattern_list_add(&b, "a*", 2), 0);
        cr_assert_eq(pattern_list_intersect(&both, &a, &b), PATTERN_E_BAD);
        pattern_list_deinit(&a);
        pattern_list_deinit(&b);
        pattern_list_deinit(&both);
}
