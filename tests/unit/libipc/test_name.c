/*
 * test_name.c - names and patterns.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "libipc/base/macros.h"
#include "libipc/name.h"

static bool is_name(const char *text) {
        return name_is_valid(text, strlen(text));
}

static bool is_pattern(const char *text) {
        return pattern_is_valid(text, strlen(text));
}

static bool matches(const char *pattern, const char *name) {
        return pattern_matches(pattern, strlen(pattern), name, strlen(name));
}

Test(name, ordinary_names_are_valid) {
        static const char *const names[] = {
                "a",
                "log.read",
                "hello world",
                "...",
                ".x",
                "a@b",
                "*",
                "gr\xc3\xbc\xc3\x9f",
                "\xe2\x82\xac",
                "\xf0\x9f\x98\x80",
                "\xf4\x8f\xbf\xbf",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                cr_expect(is_name(names[i]), "\"%s\" should be valid", names[i]);
}

Test(name, names_that_could_confuse_are_refused) {
        static const char *const names[] = {
                "", ".", "..", "@a", "a#b", "a/b", "a\nb", "\x7f", "tab\t", "\xc2\x85",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                cr_expect_not(is_name(names[i]), "name %zu should be refused", i);
        cr_expect_not(name_is_valid("a\0b", 3));
}

Test(name, bytes_that_are_not_utf8_are_refused) {
        static const char *const names[] = {
                "\x80",
                "\xc3",
                "\xc0\xaf",
                "\xe0\x80\xaf",
                "\xed\xa0\x80",
                "\xf4\x90\x80\x80",
                "\xf8\x88\x80\x80\x80",
                "\xff",
                "a\xe2\x82",
                "\xc3(",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                cr_expect_not(is_name(names[i]), "name %zu should be refused", i);
}

Test(name, a_line_for_people_may_have_anything_but_control_bytes) {
        cr_expect(line_is_valid("", 0));
        cr_expect(line_is_valid("f(a/b) -> #\xc3\xa4", 13));
        cr_expect_not(line_is_valid("a\nb", 3));
        cr_expect_not(line_is_valid("a\xc2\x85", 3));
        cr_expect_not(line_is_valid("\xff", 1));
}

Test(name, the_longest_name_has_128_bytes) {
        char name[130];

        memset(name, 'x', sizeof(name));
        cr_expect(name_is_valid(name, 128));
        cr_expect_not(name_is_valid(name, 129));
}

Test(name, a_pattern_is_a_name_or_a_prefix_with_one_final_star) {
        cr_expect(is_pattern("log"));
        cr_expect(is_pattern("log.*"));
        cr_expect(is_pattern("*"));
        cr_expect(is_pattern("..*"));
        cr_expect_not(is_pattern(""));
        cr_expect_not(is_pattern("**"));
        cr_expect_not(is_pattern("a*b*"));
        cr_expect_not(is_pattern("a/*"));
        cr_expect_not(is_pattern("@*"));
        cr_expect_not(is_pattern("\xc3*"));
}

Test(name, a_prefix_matches_what_begins_with_it) {
        cr_expect(matches("log.*", "log.read"));
        cr_expect(matches("log.*", "log."));
        cr_expect(matches("*", "anything"));
        cr_expect(matches("log", "log"));
        cr_expect_not(matches("log", "log.read"));
        cr_expect_not(matches("log.read", "log"));
        cr_expect_not(matches("log.*", "log"));
        cr_expect_not(matches("log.*", "lox.read"));
        cr_expect_not(matches("", ""));
}
