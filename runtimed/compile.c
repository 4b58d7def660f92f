/*
 * compile.c - the one file of runtimed that calls Lua.
 *
 * Every chunk gets a Lua state of its own, without libraries and within a budget of memory. That costs
 * a few microseconds and nothing that a source does to the compiler survives it. lua_load and lua_dump
 * never raise, so no error jumps through this file.
 */
#include "runtimed/compile.h"

#include <assert.h>
#include <errno.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"

#define TOO_COMPLEX "the compiler needs more than 64 MiB for it"
#define TOO_LONG "source is longer than 4 MiB"
static_assert(LIMIT_COMPILE_BYTES == 64u << 20, "TOO_COMPLEX names it");
static_assert(LIMIT_SOURCE_BYTES == 4u << 20, "TOO_LONG names it");

struct budget {
        size_t used;
};

static void *budget_realloc(void *userdata, void *old, size_t old_size, size_t new_size) {
        struct budget *b = userdata;
        if (!old)
                old_size = 0; /* Lua passes a type tag there */
        if (new_size == 0) {
                b->used -= old_size;
                free(old);
                return NULL;
        }

        if (new_size > old_size && new_size - old_size > LIMIT_COMPILE_BYTES - b->used)
                return NULL;
        void *new = realloc(old, new_size);
        if (new)
                b->used += new_size - old_size;
        return new;
}

struct source {
        const char *text;
        size_t len;
};

static struct source source_after_preamble(const void *bytes, size_t len) {
        static const char mark[] = "\xef\xbb\xbf";
        struct source s = { .text = bytes, .len = len };

        if (s.len >= 3 && memcmp(s.text, mark, 3) == 0) {
                s.text += 3;
                s.len -= 3;
        }
        /* The newline stays: line numbers count it. */
        if (s.len > 0 && s.text[0] == '#') {
                const char *end = memchr(s.text, '\n', s.len);
                s.len = end ? s.len - (size_t)(end - s.text) : 0;
                s.text = end;
        }
        return s;
}

static const char *read_all(UNUSED lua_State *L, void *userdata, size_t *ret_len) {
        struct source *s = userdata;
        *ret_len = s->len;
        s->len = 0;
        return s->text;
}

static int write_binary(UNUSED lua_State *L, const void *bytes, size_t len, void *userdata) {
        return buf_add(userdata, bytes, len);
}

/* What people call a chunk: its name without Lua's mark for where it came from. */
static const char *chunk_display(const char *chunk) {
        return chunk[0] == '@' || chunk[0] == '=' ? chunk + 1 : chunk;
}

static int refuse(const char *chunk, const char *why, char *message) {
        snprintf(message, COMPILE_MESSAGE_BYTES, "%s: %s", chunk_display(chunk), why);
        return COMPILE_E_REFUSED;
}

/* Lua names the place itself, except where nesting exhausts its stack. */
static int refuse_syntax(const char *chunk, const char *why, char *message) {
        if (!strchr(why, ':'))
                return refuse(chunk, why, message);
        snprintf(message, COMPILE_MESSAGE_BYTES, "%s", why);
        return COMPILE_E_REFUSED;
}

static int load_and_dump(
        lua_State *L, const char *chunk, struct source *source, struct buf *binary, char *message) {
        int r = lua_load(L, read_all, source, chunk, "t");
        if (r == LUA_ERRMEM)
                return refuse(chunk, TOO_COMPLEX, message);
        if (r != LUA_OK)
                return refuse_syntax(chunk, lua_tostring(L, -1), message);

        if (!binary)
                return 0;
        return error_trace(lua_dump(L, write_binary, binary, 0));
}

int compile_source(
        const char *chunk, const void *bytes, size_t len, struct buf *binary, char *message) {
        if (len > LIMIT_SOURCE_BYTES)
                return refuse(chunk, TOO_LONG, message);
        struct source source = source_after_preamble(bytes, len);
        if (source.len > 0 && source.text[0] == LUA_SIGNATURE[0])
                return refuse(chunk, "this is precompiled Lua; only source text is accepted",
                              message);

        struct budget budget = { 0 };
        lua_State *L = lua_newstate(budget_realloc, &budget);
        if (!L)
                return error_origin(ENOMEM);
        int r = load_and_dump(L, chunk, &source, binary, message);
        lua_close(L);
        return r;
}
