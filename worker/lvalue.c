/*
 * lvalue.c - see lvalue.h.
 *
 * While encoding, each open table lies on the Lua stack at levels[i].index, a map's current key above
 * it. While decoding, each open table lies on the stack, a map's key that waits for its value above.
 */
#include "worker/lvalue.h"

#include <ctype.h>
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libipc/limits.h"
#include "libipc/value.h"
#include "worker/api.h"
#include "worker/event.h"
#include "worker/syscall.h"

#define LVALUE_STACK_SLOTS 8 /* for one container and the value in it */
#define LVALUE_SIZE_HINT_MAX 1024u
/* From here on keeping a string costs less than copying it. */
#define LVALUE_LEND_BYTES (16u << 10)
#define LVALUE_HEAD_BYTES 9u
/* In a copy of what others said: the context itself did not come along. */
#define LVALUE_FOREIGN_CONTEXT "context"

/* ---- encoding ------------------------------------------------------------------------------ */

struct level {
        const void *table; /* identity */
        int index;
        bool is_array;
        lua_Integer n, i; /* of an array */
};

struct encoder {
        lua_State *L;
        struct syscalls *s;
        const char *what;
        int root; /* number of the value being written */
        size_t depth;
        struct level levels[LIMIT_VALUE_DEPTH];
};

static void push_key(lua_State *L, int index) {
        if (lua_type(L, index) != LUA_TSTRING) {
                lua_pushvalue(L, index);
                lua_pushfstring(L, "[%s]", luaL_tolstring(L, -1, NULL));
                lua_remove(L, -2);
                lua_remove(L, -2);
                return;
        }
        const char *text = lua_tostring(L, index);
        bool is_name = isalpha((unsigned char)text[0]) || text[0] == '_';
        for (const char *p = text; *p != '\0'; p++)
                is_name = is_name && (isalnum((unsigned char)*p) || *p == '_');
        lua_pushfstring(L, is_name ? ".%s" : "[\"%s\"]", text);
}

static void encoder_fail(struct encoder *e, const char *message, const char *detail) {
        lua_State *L = e->L;
        luaL_Buffer b;
        luaL_checkstack(L, LUA_MINSTACK, message);
        if (e->root != 0)
                lua_pushfstring(L, "%s[%d]", e->what, e->root);
        else
                lua_pushstring(L, e->what);
        for (size_t i = 0; i < e->depth; i++) {
                struct level *l = &e->levels[i];
                if (l->is_array)
                        lua_pushfstring(L, "[%I]", l->i);
                else
                        push_key(L, l->index + 1);
                lua_concat(L, 2);
        }
        const char *path = lua_tostring(L, -1);
        luaL_buffinit(L, &b);
        luaL_where(L, 1);
        luaL_addvalue(&b);
        luaL_addstring(&b, path);
        luaL_addstring(&b, ": ");
        luaL_addstring(&b, message);
        luaL_addstring(&b, detail);
        luaL_pushresult(&b);
        lua_error(L);
}

static void encoder_fail_limit(struct encoder *e,
                               const char *message,
                               unsigned limit,
                               const char *unit) {
        char detail[48];
        snprintf(detail, sizeof(detail), " (limit %u%s)", limit, unit);
        encoder_fail(e, message, detail);
}

static void encoder_check(struct encoder *e, int r) {
        if (r == -E2BIG)
                encoder_fail_limit(e, "the message is too long", LIMIT_MESSAGE_BYTES >> 20, " MiB");
        if (r < 0)
                luaL_error(e->L, "not enough memory");
}

static bool table_is_array(lua_State *L, int index, size_t *ret_n_keys) {
        lua_Integer n = (lua_Integer)lua_rawlen(L, index);
        size_t n_keys = 0;
        bool is_array = true;
        for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1), n_keys++) {
                if (!is_array)
                        continue;
                is_array = lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 &&
                           lua_tointeger(L, -2) <= n;
        }
        *ret_n_keys = n_keys;
        return is_array && n_keys == (size_t)n;
}

/* The table at the top stays there until its level is closed. */
static void encoder_open(struct encoder *e) {
        lua_State *L = e->L;
        const void *table = lua_topointer(L, -1);
        luaL_checkstack(L, LVALUE_STACK_SLOTS, "values nested too deep");
        if (lua_getmetatable(L, -1))
                encoder_fail(e, "cannot send a table with a metatable", "");
        for (size_t i = 0; i < e->depth; i++)
                if (e->levels[i].table == table)
                        encoder_fail(e, "the table contains itself", "");
        if (e->depth == LIMIT_VALUE_DEPTH)
                encoder_fail_limit(e, "nested too deep", LIMIT_VALUE_DEPTH, "");
        struct level *l = &e->levels[e->depth];
        size_t n_keys;
        *l = (struct level){ .table = table, .index = lua_gettop(L) };
        l->is_array = table_is_array(L, l->index, &n_keys);
        l->n = (lua_Integer)n_keys;
        encoder_check(e, l->is_array ? value_put_array(&e->s->values, n_keys) :
                                       value_put_map(&e->s->values, n_keys));
        if (!l->is_array)
                lua_pushnil(L);
        e->depth++;
}

static void encoder_put_cap(struct encoder *e, uint32_t handle) {
        struct syscalls *s = e->s;
        if (s->n_caps == LIMIT_FRAME_CAPS)
                encoder_fail_limit(e, "too many contexts in one message", LIMIT_FRAME_CAPS, "");
        encoder_check(e, value_put_cap(&s->values, (uint32_t)s->n_caps));
        s->caps[s->n_caps++] = (struct wire_cap){ .handle = handle };
}

/* A scalar is written; false for a table. */
static bool encoder_put(struct encoder *e, int index) {
        lua_State *L = e->L;
        struct buf *out = &e->s->values;
        size_t len;
        const char *bytes;
        switch (lua_type(L, index)) {
        case LUA_TTABLE:
                return false;
        case LUA_TNIL:
                encoder_check(e, value_put_nil(out));
                return true;
        case LUA_TBOOLEAN:
                encoder_check(e, value_put_boolean(out, lua_toboolean(L, index)));
                return true;
        case LUA_TNUMBER:
                encoder_check(e, lua_isinteger(L, index) ?
                                         value_put_integer(out, lua_tointeger(L, index)) :
                                         value_put_float(out, lua_tonumber(L, index)));
                return true;
        case LUA_TSTRING:
                bytes = lua_tolstring(L, index, &len);
                encoder_check(e, value_put_bytes(out, bytes, len));
                return true;
        case LUA_TLIGHTUSERDATA:
                encoder_put_cap(e, api_to_handle(L, index));
                return true;
        default:
                encoder_fail(e, "cannot send a ", luaL_typename(L, index));
                return true;
        }
}

/* The next item of the innermost open table. */
static void encoder_step(struct encoder *e) {
        lua_State *L = e->L;
        struct level *l = &e->levels[e->depth - 1];
        bool is_over = l->is_array ? l->i == l->n : lua_next(L, l->index) == 0;
        if (is_over) {
                lua_settop(L, l->index - 1);
                e->depth--;
                return;
        }
        if (l->is_array)
                lua_rawgeti(L, l->index, ++l->i);
        else if (lua_type(L, -2) == LUA_TLIGHTUSERDATA || !encoder_put(e, -2))
                encoder_fail(e, "cannot be a key in a message", "");
        if (encoder_put(e, -1))
                lua_pop(L, 1);
        else
                encoder_open(e);
}

static void give_string_back(void *vm, int ref) {
        vm_unref(vm, ref);
}

/* A long string at the end of a message is sent from where it is; the registry keeps it until then.
 * False: it is encoded like any other value. */
static bool encoder_lend(struct encoder *e, int index) {
        lua_State *L = e->L;
        struct syscalls *s = e->s;
        size_t len;
        if (lua_type(L, index) != LUA_TSTRING || lua_rawlen(L, index) < LVALUE_LEND_BYTES)
                return false;
        const char *bytes = lua_tolstring(L, index, &len);
        if (len > LIMIT_MESSAGE_BYTES - LVALUE_HEAD_BYTES ||
            s->values.len > LIMIT_MESSAGE_BYTES - LVALUE_HEAD_BYTES - len)
                return false;
        encoder_check(e, value_put_bytes_head(&s->values, len));
        lua_pushvalue(L, index);
        int ref = luaL_ref(L, LUA_REGISTRYINDEX);
        s->tail = chunk_new_lent(bytes, len, give_string_back, vm_of(L), ref);
        if (!s->tail) {
                luaL_unref(L, LUA_REGISTRYINDEX, ref);
                luaL_error(L, "not enough memory");
        }
        return true;
}

static void encoder_put_any(struct encoder *e, int index) {
        lua_State *L = e->L;
        if (encoder_put(e, index))
                return;
        luaL_checkstack(L, LVALUE_STACK_SLOTS, "values nested too deep");
        lua_pushvalue(L, index);
        encoder_open(e);
        while (e->depth > 0)
                encoder_step(e);
}

void lvalue_encode_one(lua_State *L, struct syscalls *s, int index, const char *what) {
        struct encoder e = { .L = L, .s = s, .what = what };
        syscall_clear_values(s);
        encoder_put_any(&e, index);
}

void lvalue_encode(lua_State *L, struct syscalls *s, int first, int n, const char *what) {
        struct encoder e; /* its levels are set as they are opened */
        e.L = L;
        e.s = s;
        e.what = what;
        e.depth = 0;
        syscall_clear_values(s);
        for (int i = 0; i < n; i++) {
                e.root = i + 1;
                if (i == n - 1 && encoder_lend(&e, first + i))
                        return;
                encoder_put_any(&e, first + i);
        }
}

/* ---- decoding ------------------------------------------------------------------------------ */

struct container {
        size_t remaining; /* items; VALUE_INDEFINITE until an end marker */
        lua_Integer i;
        bool is_map, has_key;
};

struct decoder {
        lua_State *L;
        const struct event *event;
        size_t depth;
        int n_values;
        bool is_table; /* the values go to a table below the first container */
        struct container containers[LIMIT_VALUE_DEPTH + 1];
};

static void decoder_open(struct decoder *d, const struct value *v) {
        bool is_map = v->type == VALUE_MAP;
        luaL_checkstack(d->L, LVALUE_STACK_SLOTS, "values nested too deep");
        size_t hint = v->size < LVALUE_SIZE_HINT_MAX ? v->size : 0;
        lua_createtable(d->L, is_map ? 0 : (int)hint, is_map ? (int)hint : 0);
        d->containers[d->depth++] = (struct container){ .remaining = v->size, .is_map = is_map };
}

/* The value at the top belongs to the innermost container. False: not a possible key. */
static bool decoder_attach(struct decoder *d, struct container *c) {
        lua_State *L = d->L;
        if (!c->is_map) {
                lua_rawseti(L, -2, ++c->i);
        } else if (c->has_key) {
                lua_rawset(L, -3);
                c->has_key = false;
        } else {
                int type = lua_type(L, -1);
                bool is_nan = type == LUA_TNUMBER && isnan(lua_tonumber(L, -1));
                c->has_key = true;
                return type != LUA_TNIL && type != LUA_TTABLE && !is_nan;
        }
        if (c->remaining != VALUE_INDEFINITE)
                c->remaining--;
        return true;
}

/* An item is complete at the top; so may be the containers around it. */
static bool decoder_complete(struct decoder *d) {
        for (;;) {
                if (d->depth == 0) {
                        d->n_values++;
                        if (d->is_table)
                                lua_rawseti(d->L, -2, d->n_values);
                        return true;
                }
                struct container *c = &d->containers[d->depth - 1];
                if (!decoder_attach(d, c))
                        return false;
                if (c->has_key || c->remaining != 0)
                        return true;
                d->depth--;
        }
}

static bool decoder_push(struct decoder *d, const struct value *v) {
        lua_State *L = d->L;
        switch (v->type) {
        case VALUE_NIL:
                lua_pushnil(L);
                break;
        case VALUE_BOOLEAN:
                lua_pushboolean(L, v->boolean);
                break;
        case VALUE_INTEGER:
                lua_pushinteger(L, v->integer);
                break;
        case VALUE_FLOAT:
                lua_pushnumber(L, v->number);
                break;
        case VALUE_BYTES:
                lua_pushlstring(L, (const char *)v->bytes, v->len);
                break;
        case VALUE_CAP:
                if (v->cap < d->event->n_caps)
                        api_push_handle(L, d->event->caps[v->cap].handle);
                else if (d->event->type == EVENT_TYPE_QUEUE)
                        lua_pushliteral(L, LVALUE_FOREIGN_CONTEXT);
                else
                        return false;
                break;
        case VALUE_ARRAY:
        case VALUE_MAP:
                decoder_open(d, v);
                if (v->size != 0)
                        return true;
                d->depth--;
                break;
        case VALUE_END:
                d->depth--;
                break;
        }
        return decoder_complete(d);
}

int lvalue_decode(lua_State *L, const struct event *e, enum lvalue_target target) {
        struct decoder d; /* its containers are set as they are opened */
        struct value_reader reader;
        struct value v;
        int top = lua_gettop(L), r;
        d.L = L;
        d.event = e;
        d.depth = 0;
        d.n_values = 0;
        d.is_table = target == LVALUE_TARGET_TABLE;
        value_reader_init(&reader, e->values, e->values_len);
        luaL_checkstack(L, LVALUE_STACK_SLOTS, "values nested too deep");
        if (d.is_table)
                lua_createtable(L, 2, 1);
        while ((r = value_next(&reader, &v)) == VALUE_OK) {
                if (!d.is_table && d.depth == 0)
                        luaL_checkstack(L, LVALUE_STACK_SLOTS, "too many values in a message");
                if (!decoder_push(&d, &v)) {
                        r = VALUE_E_BAD;
                        break;
                }
        }
        if (r != VALUE_E_DONE) {
                lua_settop(L, top);
                return -1;
        }
        return d.n_values;
}
