/*
 * locals.c - see locals.h.
 */
#include "worker/locals.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/macros.h"
#include "worker/vm.h"

#define LOCALS_LEVELS 20 /* finding the n-th takes n steps */
#define LOCALS_STRING_BYTES 60
#define LOCALS_ROOM 512u /* for one value, whatever it is */

struct text {
        char *at;
        size_t left; /* the last byte included */
};

static void text_add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void text_add(struct text *t, const char *fmt, ...) {
        va_list args;
        va_start(args, fmt);
        int n = vsnprintf(t->at, t->left, fmt, args);
        va_end(args);
        size_t written = n > 0 && (size_t)n < t->left ? (size_t)n : 0;
        t->at += written;
        t->left -= written;
        *t->at = '\0';
}

static void text_add_string(struct text *t, const char *string, size_t len) {
        text_add(t, "\"");
        for (size_t i = 0; i < len && i < LOCALS_STRING_BYTES; i++) {
                unsigned char c = (unsigned char)string[i];
                if (c == '"' || c == '\\')
                        text_add(t, "\\%c", c);
                else if (c < ' ' || c == 0x7f)
                        text_add(t, "\\x%02x", c);
                else
                        text_add(t, "%c", c);
        }
        text_add(t, "\"");
        if (len > LOCALS_STRING_BYTES)
                text_add(t, "... (%zu bytes)", len);
}

/* The value at the top. */
static void text_add_value(struct text *t, lua_State *L) {
        size_t len;
        const char *string;
        switch (lua_type(L, -1)) {
        case LUA_TBOOLEAN:
                text_add(t, "%s", lua_toboolean(L, -1) ? "true" : "false");
                break;
        case LUA_TNUMBER:
                if (lua_isinteger(L, -1))
                        text_add(t, "%lld", (long long)lua_tointeger(L, -1));
                else
                        text_add(t, "%.14g", lua_tonumber(L, -1));
                break;
        case LUA_TSTRING:
                string = lua_tolstring(L, -1, &len);
                text_add_string(t, string, len);
                break;
        default:
                text_add(t, "%s", lua_typename(L, lua_type(L, -1)));
        }
}

/* Names like "(temporary)" are the compiler's own. */
static void write_function(struct text *t, lua_State *on, lua_Debug *ar) {
        const char *name;
        bool has_any = false;
        for (int i = 1; t->left > LOCALS_ROOM && (name = lua_getlocal(on, ar, i)); i++) {
                if (*name != '(') {
                        if (!has_any)
                                text_add(t, "%s:%d: ", ar->short_src, ar->currentline);
                        text_add(t, "%s%s = ", has_any ? ", " : "", name);
                        text_add_value(t, on);
                        has_any = true;
                }
                lua_pop(on, 1);
        }
        if (has_any)
                text_add(t, "\n");
}

void locals_write(lua_State *on, char *text, size_t size) {
        struct text t = { .at = text, .left = size };
        lua_Debug ar;
        *text = '\0';
        if (!lua_checkstack(on, 1))
                return;
        for (int level = 0; level < LOCALS_LEVELS && lua_getstack(on, level, &ar); level++) {
                if (t.left <= LOCALS_ROOM)
                        return;
                lua_getinfo(on, "Sl", &ar);
                if (ar.currentline > 0 && strcmp(ar.source, VM_STRIPPED_SOURCE) != 0)
                        write_function(&t, on, &ar);
        }
}
