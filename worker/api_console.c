/*
 * api_console.c - where print goes: to the console context when there is one, else to the log. A Lua
 * file.
 *
 * Writes are calls whose answers nobody looks at. At most WORKER_WRITES_MAX are on their way; then the
 * task waits, or the whole process where a task cannot (inside a C function such as string.gsub).
 */
#include <string.h>

#include "libipc/value.h"
#include "worker/api.h"
#include "worker/hijack.h"

static void write_call(struct worker *w, uint32_t handle, const char *name) {
        struct wire_call call = { .handle = handle,
                                  .flags = WIRE_FLAG_OUTPUT | w->syscalls.priority,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        uint64_t cid;
        worker_sent(w, syscall_call(&w->syscalls, &call, PENDING_KIND_WRITE, NULL, &cid));
}

static void check_put(struct worker *w, int r) {
        if (r < 0)
                worker_fail(w, r);
}

static int l_write_now(lua_State *L) {
        struct worker *w = worker_of(L);
        struct buf *values = &w->syscalls.values;
        size_t len;
        const char *text = lua_tolstring(L, 2, &len);
        syscall_clear_values(&w->syscalls);
        if (lua_isnil(L, 1)) {
                check_put(w, value_put_text(values, luaL_checkstring(L, 3)));
                check_put(w, value_put_bytes(values, text, len));
                write_call(w, 1, "log");
        } else {
                check_put(w, value_put_bytes(values, text, len));
                write_call(w, api_to_handle(L, 1), "write");
        }
        return 0;
}

static int write_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        struct worker *w = worker_of(L);
        if (w->syscalls.n_writes < WORKER_WRITES_MAX)
                return l_write_now(L);
        return api_block(L, &w->writers, SCHED_NEVER, 0, write_continue);
}

static int write_finish(lua_State *L UNUSED, int status UNUSED, lua_KContext ctx UNUSED) {
        return 0;
}

/* The same call, as one that somebody waits for: a capturer has to pull its answer. */
static int write_captured(lua_State *L) {
        bool is_console = !lua_isnil(L, 1);
        lua_settop(L, is_console ? 2 : 3);
        if (!is_console)
                lua_insert(L, 2);
        lua_pushstring(L, is_console ? "write" : "log");
        lua_insert(L, 2);
        if (is_console)
                lua_pushvalue(L, 1);
        else
                api_push_handle(L, 1);
        lua_insert(L, 2);
        return capture_call(L, write_finish);
}

/* write(console or nil, text, level) */
static int l_write(lua_State *L) {
        struct worker *w = worker_of(L);
        lua_settop(L, 3);
        luaL_checkstring(L, 2);
        if (w->vm.captured)
                return write_captured(L);
        if (w->syscalls.n_writes >= WORKER_WRITES_MAX && hijack_can_park(L))
                return write_continue(L, LUA_OK, 0);
        worker_drain_writes(w, WORKER_WRITES_MAX);
        return l_write_now(L);
}

void api_open_console(lua_State *L) {
        static const luaL_Reg functions[] = { { "write", l_write }, { NULL, NULL } };
        luaL_setfuncs(L, functions, 0);
}
