/*
 * api.c - see api.h: handles, words, and what waiting and refusing look like everywhere.
 */
#include "worker/api.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "worker/hijack.h"

#define API_DURATION_MAX_S 1e9

/* ---- handles ------------------------------------------------------------------------------- */

bool api_is_handle(lua_State *L, int index) {
        return lua_islightuserdata(L, index) || lua_type(L, index) == LUA_TNUMBER;
}

uint32_t api_check_handle(lua_State *L, int index) {
        if (lua_islightuserdata(L, index))
                return api_to_handle(L, index);
        lua_Integer n = luaL_checkinteger(L, index);
        luaL_argcheck(L, n >= 0 && n < UINT32_MAX, index, "not the number of a context");
        return (uint32_t)n + 1;
}

/* os.handle(n): the handle of context n, which can be sent in messages. */
static int l_handle(lua_State *L) {
        api_push_handle(L, api_check_handle(L, 1));
        return 1;
}

static lua_Integer handle_number(lua_State *L, int index) {
        return lua_islightuserdata(L, index) ? (lua_Integer)api_to_handle(L, index) - 1 :
                                               luaL_checkinteger(L, index);
}

static int l_handle_tostring(lua_State *L) {
        lua_pushfstring(L, "context %I", handle_number(L, 1));
        return 1;
}

static int l_handle_lt(lua_State *L) {
        lua_pushboolean(L, handle_number(L, 1) < handle_number(L, 2));
        return 1;
}

static int l_handle_le(lua_State *L) {
        lua_pushboolean(L, handle_number(L, 1) <= handle_number(L, 2));
        return 1;
}

static int l_handle_index(lua_State *L) {
        const char *key = lua_tostring(L, 2);
        if (!key || strcmp(key, "number") != 0)
                return 0;
        lua_pushinteger(L, handle_number(L, 1));
        return 1;
}

void api_open_handle(lua_State *L) {
        static const luaL_Reg methods[] = {
                { "__tostring", l_handle_tostring },
                { "__lt", l_handle_lt },
                { "__le", l_handle_le },
                { "__index", l_handle_index },
                { NULL, NULL },
        };
        static const luaL_Reg functions[] = { { "handle", l_handle }, { NULL, NULL } };
        luaL_setfuncs(L, functions, 0);
        /* The metatable of the type: programs see no other light userdata. */
        api_push_handle(L, 1);
        luaL_newlib(L, methods);
        lua_pushliteral(L, "context");
        lua_setfield(L, -2, "__metatable");
        lua_pushliteral(L, "context");
        lua_setfield(L, -2, "__name");
        lua_setmetatable(L, -2);
        lua_pop(L, 1);
}

void api_new_class(lua_State *L,
                   const char *key,
                   const char *name,
                   const luaL_Reg *methods,
                   lua_CFunction to_string) {
        luaL_newmetatable(L, key);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "__name");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pushcfunction(L, to_string);
        lua_setfield(L, -2, "__tostring");
        lua_newtable(L);
        for (const luaL_Reg *m = methods; m->name; m++) {
                lua_pushfstring(L, "%s.%s", name, m->name);
                capture_push(L, lua_tostring(L, -1), m->func);
                lua_setfield(L, -3, m->name);
                lua_pop(L, 1);
        }
        lua_setfield(L, -2, "__index");
        lua_pop(L, 1);
}

/* ---- words --------------------------------------------------------------------------------- */

void api_set_worded_functions(lua_State *L, const luaL_Reg *functions) {
        static const char *const words[] = {
                [API_WORD_TYPE] = "type",     [API_WORD_CALL] = "call",
                [API_WORD_ANSWER] = "answer", [API_WORD_CID] = "cid",
                [API_WORD_CTX] = "ctx",       [API_WORD_NAME] = "name",
                [API_WORD_PID] = "pid",       [API_WORD_UID] = "uid",
                [API_WORD_PRIO] = "prio",     [API_WORD_ARGS] = "args",
                [API_WORD_N] = "n",           [API_WORD_STATUS_CODE] = "status_code",
        };
        static_assert(ARRAY_SIZE(words) == _API_WORD_N, "one string per word");
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                lua_pushstring(L, words[i]);
        luaL_setfuncs(L, functions, _API_WORD_N);
}

/* ---- names and patterns -------------------------------------------------------------------- */

void api_fail_argument(lua_State *L, const struct api_argument *argument, const char *fmt, ...) {
        va_list args;
        va_start(args, fmt);
        lua_pushvfstring(L, fmt, args);
        va_end(args);
        luaL_error(L, "bad argument #%d to '%s' (%s)", argument->index, argument->function,
                   lua_tostring(L, -1));
}

ProtobufCBinaryData api_check_text(lua_State *L,
                                   const struct api_argument *argument,
                                   const char *key) {
        size_t len;
        if (lua_type(L, -1) != LUA_TSTRING)
                api_fail_argument(L, argument, "%s: every entry must be a string, not a %s", key,
                                  luaL_typename(L, -1));
        const char *text = lua_tolstring(L, -1, &len);
        if (len > LIMIT_NAME_BYTES)
                api_fail_argument(L, argument, "%s: an entry has more than %d bytes", key,
                                  (int)LIMIT_NAME_BYTES);
        return wire_bytes(text, len);
}

size_t api_check_patterns(lua_State *L,
                          const struct api_argument *argument,
                          const char *key,
                          ProtobufCBinaryData *ret) {
        if (!lua_istable(L, -1))
                api_fail_argument(L, argument, "%s must be a list", key);
        lua_Unsigned n = lua_rawlen(L, -1);
        if (n > LIMIT_PATTERNS)
                api_fail_argument(L, argument, "%s has more than %d patterns", key,
                                  (int)LIMIT_PATTERNS);
        for (lua_Unsigned i = 0; i < n; i++) {
                lua_rawgeti(L, -1, (lua_Integer)i + 1);
                ret[i] = api_check_text(L, argument, key);
                lua_pop(L, 1);
        }
        return n;
}

/* ---- time ---------------------------------------------------------------------------------- */

uint64_t api_check_duration(lua_State *L, int index) {
        lua_Number s = luaL_checknumber(L, index);
        luaL_argcheck(L, s >= 0, index, "a time in seconds must not be negative");
        if (s > API_DURATION_MAX_S)
                s = API_DURATION_MAX_S;
        return (uint64_t)ceil(s * (lua_Number)CLOCK_S_US);
}

uint64_t api_check_deadline(lua_State *L, int index) {
        if (lua_isnoneornil(L, index))
                return SCHED_NEVER;
        return clock_now_us() + api_check_duration(L, index);
}

/* ---- waiting and refusing ------------------------------------------------------------------ */

int api_refuse(lua_State *L, uint32_t status, const char *message) {
        lua_pushnil(L);
        lua_pushinteger(L, status);
        lua_pushstring(L, message ? message : status_text(status));
        return 3;
}

static void push_status_text(lua_State *L, uint32_t status) {
        lua_pushstring(L, status_text(status));
}

void api_push_message(lua_State *L, const struct event *e) {
        struct value_reader reader;
        const uint8_t *text;
        size_t len;
        if (e->type == EVENT_TYPE_REPLY) {
                if (e->name_len != 0)
                        lua_pushlstring(L, (const char *)e->name, e->name_len);
                else
                        push_status_text(L, e->status);
                return;
        }
        value_reader_init(&reader, e->values, e->values_len);
        if (value_get_bytes(&reader, &text, &len))
                lua_pushlstring(L, (const char *)text, len);
        else
                push_status_text(L, e->status);
}

void api_release_event(lua_State *L) {
        struct task *t = vm_of(L)->task;
        t->event = event_free(&worker_of(L)->events, t->event);
}

int api_park(lua_State *L,
             enum task_state state,
             uint64_t deadline_us,
             lua_KContext ctx,
             lua_KFunction k) {
        struct worker *w = worker_of(L);
        api_release_event(L);
        w->vm.task->stack = L;
        sched_wait(&w->sched, w->vm.task, state, deadline_us);
        return hijack_park(L, ctx, k);
}

int api_block(
        lua_State *L, struct list *queue, uint64_t deadline_us, lua_KContext ctx, lua_KFunction k) {
        struct worker *w = worker_of(L);
        api_release_event(L);
        w->vm.task->stack = L;
        sched_block(&w->sched, w->vm.task, queue, deadline_us);
        return hijack_park(L, ctx, k);
}

int api_wait(lua_State *L, uint32_t seq, lua_KContext ctx, lua_KFunction k) {
        vm_of(L)->task->seq = seq;
        return api_park(L, TASK_STATE_WAITING, SCHED_NEVER, ctx, k);
}

int api_finish_request(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        const struct event *e = api_event(L);
        if (e->status == STATUS_OK) {
                api_release_event(L);
                lua_pushboolean(L, true);
                return 1;
        }
        lua_pushnil(L);
        lua_pushinteger(L, e->status);
        api_push_message(L, e);
        api_release_event(L);
        return 3;
}
