/*
 * test_json.c - wire values as JSON, and words of the command line as wire values.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "libipc/value.h"
#include "thoxctl/json.h"
#include "thoxctl/literal.h"

static struct buf values;

static void begin(void) {
        buf_init(&values, 1 << 16);
}

static void end(void) {
        buf_deinit(&values);
}

TestSuite(json, .init = begin, .fini = end);

static void expect_json(const char *expected) {
        json_t *json = json_from_values(values.data, values.len);

        cr_assert(json);
        char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
        cr_expect_str_eq(text, expected);
        free(text);
        json_decref(json);
}

Test(json, every_type_has_its_form) {
        value_put_nil(&values);
        value_put_boolean(&values, true);
        value_put_integer(&values, INT64_MIN);
        value_put_float(&values, 0.5);
        value_put_float(&values, -INFINITY);
        value_put_text(&values, "text");
        value_put_cap(&values, 2);
        expect_json("[null,true,-9223372036854775808,0.5,\"-inf\",\"text\",{\"handle\":2}]");
}

Test(json, tables_nest_with_known_and_unknown_length) {
        value_put_map(&values, VALUE_INDEFINITE);
        value_put_text(&values, "list");
        value_put_array(&values, 2);
        value_put_integer(&values, 1);
        value_put_map(&values, 1);
        value_put_integer(&values, 7);
        value_put_boolean(&values, false);
        value_put_end(&values);
        value_put_array(&values, 0);
        expect_json("[{\"list\":[1,{\"7\":false}]},[]]");
}

Test(json, bytes_that_are_no_text_are_kept) {
        value_put_bytes(&values, "\xff\x00z", 3);
        value_put_bytes(&values, "", 0);
        expect_json("[{\"latin1\":\"\xc3\xbf\\u0000z\"},\"\"]");
}

Test(json, malformed_input_gives_nothing) {
        static const uint8_t cut[] = { 0x82, 0x01 };

        cr_expect_null(json_from_values(cut, sizeof(cut)));
        cr_expect_null(json_from_values("\x1c", 1));
}

Test(json, rows_are_sorted_and_ties_keep_their_order) {
        json_t *rows = json_pack("[{s:s,s:i},{s:s,s:i},{s:i},{s:s,s:i}]", "k", "b", "n", 1, "k",
                                 "a", "n", 2, "n", 3, "k", "b", "n", 4);

        json_sort(rows, "k", false);
        char *text = json_dumps(rows, JSON_COMPACT | JSON_SORT_KEYS);
        cr_expect_str_eq(text, "[{\"n\":3},{\"k\":\"a\",\"n\":2},{\"k\":\"b\",\"n\":1},"
                               "{\"k\":\"b\",\"n\":4}]");
        free(text);
        json_decref(rows);
}

Test(json, tables_and_quoted_text_become_lua_values) {
        static const char *const WORDS[] = {
                "{}",
                "{1, 'two', {3}}",
                "{x = 1, ['a b'] = true, 7;}",
                "{{{nil}}}",
                " {1}",
                "'a\\n\\65\\x42\\''",
                "'it's'",
                "{[1] = 2, -0x1f, y=\"\\\"\"}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                cr_assert_eq(literal_put(&values, WORDS[i]), 0, "%s", WORDS[i]);
        expect_json("[[],[1,\"two\",[3]],{\"1\":7,\"a b\":true,\"x\":1},[[[null]]],\" {1}\","
                    "\"a\\nAB'\",\"'it's'\",{\"1\":-31,\"y\":\"\\\"\"}]");
}

Test(json, what_begins_like_a_table_must_be_one) {
        static const char *const WORDS[] = {
                "{",    "{1",   "{1 2}",    "{x}",     "{x =}", "{,}",
                "{'a}", "{1}}", "{[1 = 2}", "{'\\q'}", "{f()}",
        };
        char deep[200];

        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                cr_expect_eq(literal_put(&values, WORDS[i]), LITERAL_E_SYNTAX, "%s", WORDS[i]);
        memset(deep, '{', 100);
        memset(deep + 100, '}', 100);
        deep[199] = '\0';
        cr_expect_eq(literal_put(&values, deep), LITERAL_E_SYNTAX);
        cr_expect_eq(values.len, 0);
}

Test(json, words_become_lua_values) {
        static const char *const WORDS[] = {
                "1",   "-5",   "0x10", "-0x10", "2.5", "1e3", ".5", "true", "false",
                "nil", "'12'", "text", "1.2.3", "-",   "nan", "",   "010",  "9223372036854775808",
        };

        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                cr_assert_eq(literal_put(&values, WORDS[i]), 0);
        expect_json("[1,-5,16,-16,2.5,1000.0,0.5,true,false,null,\"12\",\"text\",\"1.2.3\",\"-\","
                    "\"nan\",\"\",10,9.2233720368547758e18]");
}
