/*
 * test_resolve.c - the grammar of program names, and every way to get a spec wrong.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "runtimed/resolve.h"

static struct buf values;
static struct resolve_spec spec;
static char message[RESOLVE_MESSAGE_BYTES];

static void setup(void) {
        buf_init(&values, 1u << 20);
        message[0] = 0;
}

static void teardown(void) {
        buf_deinit(&values);
}

TestSuite(resolve, .init = setup, .fini = teardown);

static void put_pair(const char *key, const char *value) {
        if (!value)
                return;
        value_put_text(&values, key);
        value_put_text(&values, value);
}

static int parse(void) {
        struct value_reader r;
        value_reader_init(&r, values.data, values.len);
        return resolve_parse(&r, &spec, message);
}

static int parse_spec(const char *program, const char *code, const char *runtime) {
        value_put_map(&values, VALUE_INDEFINITE);
        put_pair("program", program);
        put_pair("code", code);
        put_pair("runtime", runtime);
        value_put_end(&values);
        return parse();
}

static void expect_part(size_t i, enum image_kind kind, const char *name) {
        cr_assert_lt(i, spec.n_parts);
        cr_expect_eq(spec.parts[i].kind, kind);
        cr_expect_eq(spec.parts[i].name_len, strlen(name));
        cr_expect_eq(memcmp(spec.parts[i].name, name, strlen(name)), 0);
}

static void expect_refused(int r, const char *why) {
        cr_expect_eq(r, RESOLVE_E_BADARGS);
        cr_expect_not_null(strstr(message, why), "'%s' lacks '%s'", message, why);
}

Test(resolve, a_plain_name_is_one_program) {
        cr_assert_eq(parse_spec("hello", NULL, NULL), RESOLVE_OK);
        cr_expect_eq(spec.n_parts, 1);
        expect_part(0, IMAGE_KIND_PROGRAM, "hello");
}

Test(resolve, a_prefix_is_a_runtime_before_the_program) {
        /* row 69 */
        cr_assert_eq(parse_spec("extended#hello", NULL, NULL), RESOLVE_OK);
        cr_expect_eq(spec.n_parts, 2);
        expect_part(0, IMAGE_KIND_RUNTIME, "extended");
        expect_part(1, IMAGE_KIND_PROGRAM, "hello");
}

Test(resolve, runtimes_chain_in_order) {
        /* row 74 */
        cr_assert_eq(parse_spec("a+b+c#p", NULL, NULL), RESOLVE_OK);
        cr_expect_eq(spec.n_parts, 4);
        expect_part(0, IMAGE_KIND_RUNTIME, "a");
        expect_part(2, IMAGE_KIND_RUNTIME, "c");
        expect_part(3, IMAGE_KIND_PROGRAM, "p");
}

Test(resolve, the_option_means_the_same_as_the_prefix) {
        /* row 69 */
        cr_assert_eq(parse_spec("p", NULL, "a+b"), RESOLVE_OK);
        expect_part(1, IMAGE_KIND_RUNTIME, "b");
}

Test(resolve, option_and_equal_prefix_agree) {
        /* row 69 */
        cr_expect_eq(parse_spec("a#p", NULL, "a"), RESOLVE_OK);
        cr_expect_eq(spec.n_parts, 2);
}

Test(resolve, option_and_other_prefix_are_refused) {
        /* row 69 */
        expect_refused(parse_spec("a#p", NULL, "b"), "runtime and the prefix of program differ");
}

Test(resolve, native_adds_nothing) {
        /* row 70 */
        cr_assert_eq(parse_spec("native#p", NULL, NULL), RESOLVE_OK);
        cr_expect_eq(spec.n_parts, 1);
}

Test(resolve, native_in_a_chain_adds_nothing) {
        cr_assert_eq(parse_spec("native+a#p", NULL, NULL), RESOLVE_OK);
        expect_part(0, IMAGE_KIND_RUNTIME, "a");
        expect_part(1, IMAGE_KIND_PROGRAM, "p");
}

Test(resolve, code_takes_the_runtime_of_the_option) {
        cr_assert_eq(parse_spec(NULL, "return 1", "a"), RESOLVE_OK);
        expect_part(0, IMAGE_KIND_RUNTIME, "a");
        cr_expect_eq(spec.parts[1].kind, IMAGE_KIND_CODE);
        cr_expect_eq(spec.code_len, 8);
        cr_expect_str_eq(spec.chunk, "=code");
}

Test(resolve, empty_code_is_code) {
        cr_expect_eq(parse_spec(NULL, "", NULL), RESOLVE_OK);
}

Test(resolve, code_may_name_its_chunk) {
        value_put_map(&values, 3);
        put_pair("chunk", "@dir/file.lua");
        put_pair("code", "return 1");
        value_put_text(&values, "runtime");
        value_put_nil(&values);
        cr_assert_eq(parse(), RESOLVE_OK);
        cr_expect_str_eq(spec.chunk, "@dir/file.lua");
}

Test(resolve, a_long_chunk_name_keeps_its_mark_and_its_end) {
        char name[1000];
        memset(name, 'x', sizeof(name));
        strcpy(name + sizeof(name) - 10, "/file.lua");
        name[0] = '@';
        value_put_map(&values, 2);
        put_pair("chunk", name);
        put_pair("code", "return 1");

        cr_assert_eq(parse(), RESOLVE_OK);
        cr_expect_eq(strlen(spec.chunk), LIMIT_CHUNK_BYTES);
        cr_expect_eq(spec.chunk[0], '@');
        cr_expect_str_eq(spec.chunk + LIMIT_CHUNK_BYTES - 9, "/file.lua");
}

Test(resolve, a_chunk_name_with_a_zero_byte_is_refused) {
        value_put_map(&values, 2);
        put_pair("code", "return 1");
        value_put_text(&values, "chunk");
        value_put_bytes(&values, "@a\0b", 4);
        expect_refused(parse(), "zero byte");
}

Test(resolve, program_and_code_together_are_refused) {
        expect_refused(parse_spec("p", "return 1", NULL), "either program or code");
}

Test(resolve, neither_program_nor_code_is_refused) {
        expect_refused(parse_spec(NULL, NULL, "a"), "either program or code");
}

Test(resolve, an_empty_program_name_is_refused) {
        expect_refused(parse_spec("a#", NULL, NULL), "not a program's name");
}

Test(resolve, a_second_hash_is_refused) {
        expect_refused(parse_spec("a#b#c", NULL, NULL), "not a program's name");
}

Test(resolve, an_empty_runtime_name_is_refused) {
        expect_refused(parse_spec("#p", NULL, NULL), "not a runtime's name");
}

Test(resolve, a_chain_with_a_hole_is_refused) {
        expect_refused(parse_spec("a++b#p", NULL, NULL), "not a runtime's name");
}

Test(resolve, a_path_is_no_name) {
        expect_refused(parse_spec("../p", NULL, NULL), "not a program's name");
}

Test(resolve, seven_runtimes_fit_in_one_frame_and_eight_do_not) {
        cr_expect_eq(parse_spec("a+b+c+d+e+f+g#p", NULL, NULL), RESOLVE_OK);
        buf_clear(&values);
        expect_refused(parse_spec("a+b+c+d+e+f+g+h#p", NULL, NULL), "more than 7 runtimes");
}

Test(resolve, an_unknown_key_is_named) {
        value_put_map(&values, 2);
        put_pair("program", "p");
        put_pair("colour", "red");
        expect_refused(parse(), "colour");
}

Test(resolve, a_value_of_the_wrong_type_is_named) {
        value_put_map(&values, 1);
        value_put_text(&values, "program");
        value_put_integer(&values, 7);
        expect_refused(parse(), "program must be a string");
}

Test(resolve, a_key_that_is_no_string_is_refused) {
        value_put_map(&values, 1);
        value_put_integer(&values, 1);
        value_put_integer(&values, 7);
        expect_refused(parse(), "a key of the spec");
}

Test(resolve, something_else_than_a_table_is_refused) {
        value_put_text(&values, "hello");
        expect_refused(parse(), "must be a table");
}

Test(resolve, a_table_cut_short_is_refused) {
        value_put_map(&values, 1);
        expect_refused(parse(), "");
}
