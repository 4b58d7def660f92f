/*
 * api_sandbox.c - replacements for functions of the standard library that would let a program out of
 * its limits. A Lua file.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "libipc/base/error.h"
#include "worker/api.h"

/* A finalizer would run outside every limit: hooks are off in it. */
static int l_setmetatable(lua_State *L) {
        int type = lua_type(L, 2);
        luaL_checktype(L, 1, LUA_TTABLE);
        luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
        if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
                return luaL_error(L, "cannot change a protected metatable");
        lua_settop(L, 2);
        if (type == LUA_TTABLE) {
                lua_pushliteral(L, "__gc");
                if (lua_rawget(L, 2) != LUA_TNIL)
                        return luaL_error(L,
                                          "__gc is not available; use __close or os.bind events");
                lua_settop(L, 2);
        }
        lua_setmetatable(L, 1);
        return 1;
}

/* string.rep as far as the memory limit goes: its buffer is none of the things Lua can fail. */
static int l_rep(lua_State *L) {
        struct vm *vm = vm_of(L);
        size_t len, separator_len;
        luaL_checklstring(L, 1, &len);
        lua_Integer n = luaL_checkinteger(L, 2);
        luaL_optlstring(L, 3, "", &separator_len);
        if (n > 0 && len + separator_len > (size_t)INT_MAX / (size_t)n)
                return luaL_error(L, "resulting string too large");
        size_t room = vm->reserve > vm->used ? vm->reserve - vm->used : 0;
        if (n > 0 && len + separator_len > 0 && (size_t)n > room / (len + separator_len))
                return luaL_error(L, "not enough memory (a string of %I times %I bytes)", n,
                                  (lua_Integer)(len + separator_len));
        int n_args = lua_gettop(L);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, n_args, 1);
        return 1;
}

/* wrap_rep(string.rep): the function above around it. */
static int l_wrap_rep(lua_State *L) {
        lua_settop(L, 1);
        lua_pushcclosure(L, l_rep, 1);
        return 1;
}

static int return_none(lua_State *L UNUSED, int status UNUSED, lua_KContext ctx UNUSED) {
        return 0;
}

/* table.sort with a comparator: the prelude's, which can be left in the middle. */
static int l_sort(lua_State *L) {
        if (lua_isnoneornil(L, 2))
                return lua_tocfunction(L, lua_upvalueindex(1))(L);
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_Integer n = luaL_len(L, 1);
        if (n <= 1)
                return 0;
        luaL_argcheck(L, n < INT_MAX, 1, "array too big");
        luaL_checktype(L, 2, LUA_TFUNCTION);
        lua_settop(L, 2);
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 1);
        lua_pushinteger(L, n);
        lua_pushvalue(L, 2);
        lua_callk(L, 4, 0, 0, return_none);
        return 0;
}

/* wrap_sort(table.sort, quick_sort): the function above around them. */
static int l_wrap_sort(lua_State *L) {
        lua_settop(L, 2);
        lua_pushcclosure(L, l_sort, 2);
        return 1;
}

static int l_collectgarbage(lua_State *L) {
        static const char *const options[] = { "collect", "count", "step", NULL };
        switch (luaL_checkoption(L, 1, "collect", options)) {
        case 0:
                lua_gc(L, LUA_GCCOLLECT);
                lua_pushinteger(L, 0);
                return 1;
        case 1:
                lua_pushnumber(L, (lua_Number)vm_of(L)->used / 1024);
                return 1;
        default:
                lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, (int)luaL_optinteger(L, 2, 0)));
                return 1;
        }
}

/* debug.traceback([thread,] [message [, level]]), the innermost levels only. */
static int l_traceback(lua_State *L) {
        lua_State *on = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
        int at = on == L ? (lua_isthread(L, 1) ? 2 : 1) : 2;
        int type = lua_type(L, at);
        if (type != LUA_TSTRING && type != LUA_TNIL && type != LUA_TNONE) {
                lua_pushvalue(L, at);
                return 1;
        }
        int level = (int)luaL_optinteger(L, at + 1, on == L ? 1 : 0);
        lua_pushstring(L, luaL_optstring(L, at, ""));
        vm_traceback(L, on, level, API_TRACEBACK_LEVELS);
        if (type == LUA_TSTRING)
                return 1;
        const char *text = lua_tostring(L, -1);
        lua_pushstring(L, *text == '\n' ? text + 1 : text);
        return 1;
}

/* Handler for xpcall: the error as text with a traceback. */
static int l_traceback_error(lua_State *L) {
        luaL_tolstring(L, 1, NULL);
        vm_traceback(L, L, 1, API_TRACEBACK_LEVELS);
        return 1;
}

/* Two random integers: forked siblings share what Lua would seed itself with. */
static int l_seed(lua_State *L) {
        lua_Integer seed[2];
        if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
                worker_fail(worker_of(L), error_origin(errno));
        lua_pushinteger(L, seed[0]);
        lua_pushinteger(L, seed[1]);
        return 2;
}

/* set_globals(env): what a chunk loaded without an environment of its own gets, and where the auxiliary
 * library looks for the names of functions in its messages. */
static int l_set_globals(lua_State *L) {
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_settop(L, 1);
        lua_pushvalue(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
        return 0;
}

/* status_name(number) */
static int l_status_name(lua_State *L) {
        lua_pushstring(L, status_name((uint32_t)luaL_checkinteger(L, 1)));
        return 1;
}

void api_open_sandbox(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "setmetatable", l_setmetatable },
                { "wrap_rep", l_wrap_rep },
                { "wrap_sort", l_wrap_sort },
                { "collectgarbage", l_collectgarbage },
                { "traceback", l_traceback },
                { "traceback_error", l_traceback_error },
                { "seed", l_seed },
                { "set_globals", l_set_globals },
                { "status_name", l_status_name },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
        lua_pushinteger(L, _STATUS_N);
        lua_setfield(L, -2, "n_statuses");
}
