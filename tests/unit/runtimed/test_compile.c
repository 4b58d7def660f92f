/*
 * test_compile.c - source to binary chunk: what is accepted, what messages say, what is bounded.
 */
#include <criterion/criterion.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "runtimed/compile.h"

static char message[COMPILE_MESSAGE_BYTES];
static struct buf binary;

static void setup(void) {
        buf_init(&binary, 64u << 20);
        message[0] = 0;
}

static void teardown(void) {
        buf_deinit(&binary);
}

TestSuite(compile, .init = setup, .fini = teardown);

static int compile(const char *chunk, const char *source) {
        return compile_source(chunk, source, strlen(source), &binary, message);
}

/* Runs what was compiled; the error's text, or "" (malloc'd). */
static char *run_binary(void) {
        lua_State *L = luaL_newstate();
        char *text = NULL;
        if (luaL_loadbufferx(L, (const char *)binary.data, binary.len, "=other", "b") != LUA_OK ||
            lua_pcall(L, 0, 0, 0) != LUA_OK)
                text = strdup(lua_tostring(L, -1));
        lua_close(L);
        return text ? text : strdup("");
}

static void expect_run_error(const char *expected) {
        char *text = run_binary();
        cr_expect_str_eq(text, expected);
        free(text);
}

Test(compile, good_source_becomes_a_binary_chunk_that_runs) {
        cr_assert_eq(compile("@hello", "local a = 1\nreturn a + 1"), COMPILE_OK);
        cr_expect_eq(binary.data[0], 0x1b);
        expect_run_error("");
}

Test(compile, empty_source_is_a_program_that_does_nothing) {
        /* row 66 */
        cr_assert_eq(compile("@empty", ""), COMPILE_OK);
        expect_run_error("");
}

Test(compile, a_syntax_error_names_chunk_line_and_cause) {
        /* row 66 */
        cr_assert_eq(compile("@hello", "local a = 1\n\nlocal = 3\n"), COMPILE_E_REFUSED);
        cr_expect_str_eq(message, "hello:3: <name> expected near '='");
        cr_expect_eq(binary.len, 0);
}

Test(compile, errors_at_run_time_keep_their_line) {
        cr_assert_eq(compile("@file.lua", "local t\n\nreturn t.x.y"), COMPILE_OK);
        expect_run_error("file.lua:3: attempt to index a nil value (local 't')");
}

Test(compile, precompiled_code_is_refused) {
        cr_assert_eq(compile("@hello", "return 1"), COMPILE_OK);
        struct buf chunk = binary;
        buf_init(&binary, 1024);

        cr_expect_eq(compile_source("@evil", chunk.data, chunk.len, &binary, message),
                     COMPILE_E_REFUSED);
        cr_expect_str_eq(message, "evil: this is precompiled Lua; only source text is accepted");
        buf_deinit(&chunk);
}

Test(compile, precompiled_code_behind_a_mark_is_refused) {
        cr_expect_eq(compile("@evil", "\xef\xbb\xbf\x1bLua"), COMPILE_E_REFUSED);
}

Test(compile, a_first_line_with_a_hash_is_passed_over_and_counted) {
        cr_assert_eq(compile("@tool", "#!/usr/bin/env thoxctl run\nlocal x\nx()"), COMPILE_OK);
        expect_run_error("tool:3: attempt to call a nil value (local 'x')");
}

Test(compile, a_hash_line_alone_is_an_empty_program) {
        cr_assert_eq(compile("@tool", "#!lua"), COMPILE_OK);
        expect_run_error("");
}

Test(compile, a_byte_order_mark_is_passed_over) {
        cr_expect_eq(compile("@tool", "\xef\xbb\xbf#!lua\nreturn 1"), COMPILE_OK);
}

Test(compile, zero_bytes_in_strings_survive) {
        static const char source[] = "if #'a\0b' ~= 3 then error('lost') end";
        cr_assert_eq(compile_source("@z", source, sizeof(source) - 1, &binary, message),
                     COMPILE_OK);
        expect_run_error("");
}

Test(compile, source_over_the_limit_is_refused) {
        char *source = malloc(LIMIT_SOURCE_BYTES + 1);
        memset(source, ' ', LIMIT_SOURCE_BYTES + 1);

        cr_expect_eq(compile_source("@big", source, LIMIT_SOURCE_BYTES, NULL, message), COMPILE_OK);
        cr_expect_eq(compile_source("@big", source, LIMIT_SOURCE_BYTES + 1, NULL, message),
                     COMPILE_E_REFUSED);
        cr_expect_str_eq(message, "big: source is longer than 4 MiB");
        free(source);
}

/* `n` times `piece` between two texts; malloc'd. */
static char *repeat(const char *head, const char *piece, size_t n, const char *tail) {
        size_t piece_len = strlen(piece);
        char *text = malloc(strlen(head) + n * piece_len + strlen(tail) + 1);
        char *at = stpcpy(text, head);
        for (size_t i = 0; i < n; i++)
                at = stpcpy(at, piece);
        strcpy(at, tail);
        return text;
}

Test(compile, a_source_that_eats_memory_is_refused_and_the_next_one_compiles) {
        /* Each name costs the compiler about twenty times its bytes. */
        struct buf source;
        buf_init(&source, LIMIT_SOURCE_BYTES);
        buf_printf(&source, "return {");
        for (unsigned int i = 0; source.len < LIMIT_SOURCE_BYTES - 16; i++)
                buf_printf(&source, "_%x,", i);
        buf_printf(&source, "}");

        cr_expect_eq(compile_source("@bomb", source.data, source.len, &binary, message),
                     COMPILE_E_REFUSED);
        cr_expect_str_eq(message, "bomb: the compiler needs more than 64 MiB for it");
        buf_deinit(&source);

        cr_expect_eq(compile("@next", "return 1"), COMPILE_OK);
}

Test(compile, deep_nesting_is_refused_not_a_crash) {
        char *source = repeat("return ", "(", 1000000, "");
        cr_expect_eq(compile("@deep", source), COMPILE_E_REFUSED);
        cr_expect_str_eq(message, "deep: C stack overflow");
        free(source);
}

Test(compile, a_message_longer_than_its_room_is_cut) {
        char *source = repeat("goto ", "x", 100000, "");
        cr_expect_eq(compile("@long", source), COMPILE_E_REFUSED);
        cr_expect_lt(strlen(message), COMPILE_MESSAGE_BYTES);
        free(source);
}

Test(compile, checking_alone_writes_nothing) {
        cr_expect_eq(compile_source("@a", "return 1", 8, NULL, message), COMPILE_OK);
        cr_expect_eq(compile_source("@a", "return +", 8, NULL, message), COMPILE_E_REFUSED);
}

Test(compile, a_binary_over_the_buffer_is_an_error_not_half_a_chunk) {
        struct buf tiny;
        buf_init(&tiny, 16);
        cr_expect_lt(compile_source("@a", "return 1", 8, &tiny, message), 0);
        buf_deinit(&tiny);
}
