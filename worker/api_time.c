/*
 * api_time.c - what time it is: os.monotonic, os.time, os.clock, os.date. A Lua file.
 *
 * Each is a request where it asks for the present (capture.h), so that a capturer has a clock of its
 * own to give; os.date asks for os.time then. What only computes, os.time of a table for example, is
 * the stock function, in the frame of ours so that errors name it.
 */
#include <time.h>

#include "libipc/base/clock.h"
#include "worker/api.h"
#include "worker/hijack.h"

#define TIME_STOCK "thox.stock_os" /* registry: the stock library */

static int stock(lua_State *L, const char *name) {
        lua_getfield(L, LUA_REGISTRYINDEX, TIME_STOCK);
        lua_getfield(L, -1, name);
        lua_CFunction fn = lua_tocfunction(L, -1);
        lua_pop(L, 2);
        return fn(L);
}

/* Seconds of the monotonic clock, for measuring; os.clock counts CPU time only. */
static int l_monotonic(lua_State *L) {
        api_begin(L);
        lua_pushnumber(L, (lua_Number)clock_now_us() / 1e6);
        return 1;
}

static int l_clock(lua_State *L) {
        api_begin(L);
        return stock(L, "clock");
}

static int l_time(lua_State *L) {
        if (lua_isnoneornil(L, 1))
                api_begin(L);
        return stock(L, "time");
}

static int date_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return stock(L, "date");
}

static int l_date(lua_State *L) {
        lua_settop(L, 2);
        if (!vm_of(L)->captured || !lua_isnil(L, 2))
                return stock(L, "date");
        (void)luaL_optstring(L, 1, "%c");
        lua_pushliteral(L, "time");
        lua_replace(L, 2);
        return capture_yield(L, 1, 0, date_continue);
}

void api_open_time(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "monotonic", l_monotonic }, { "clock", l_clock }, { "time", l_time },
                { "date", l_date },           { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
        lua_getfield(L, -1, "os");
        lua_setfield(L, LUA_REGISTRYINDEX, TIME_STOCK);
}
