/*
 * api_rpc.c - os.rpc: calls that look like functions and block only their task. A Lua file.
 *
 * os.rpc.fs.open is a chain of proxies, userdata that hold the context and the dotted name; each is
 * made once and kept in its parent. os.rpc[ctx] is the same for another context.
 */
#include <string.h>

#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

#define RPC_META "thox.rpc"         /* registry: metatable of proxies */
#define RPC_ERROR_META "thox.error" /* registry: metatable of error objects */

struct rpc_proxy {
        uint32_t handle;
        size_t name_len;
        char name[];
};

/* ---- calling ------------------------------------------------------------------------------- */

/* Inside a capture: what it would be sent with, then the values themselves. */
static int rpc_capture(
        lua_State *L, const struct wire_call *call, int first, int n, lua_KFunction k) {
        lvalue_encode(L, &worker_of(L)->syscalls, first, n, "args");
        luaL_checkstack(L, 3, "too many arguments");
        lua_pushlstring(L, (const char *)call->name, call->name_len);
        lua_insert(L, first);
        api_push_handle(L, call->handle);
        lua_insert(L, first);
        while (first-- > 2)
                lua_remove(L, 2);
        return capture_call(L, k);
}

/* Calls with the `n` values from `first` up. `k` finds the answer with api_event; inside a capture
 * `captured_k` finds it on the stack (capture_call). */
static int rpc_wait(lua_State *L,
                    struct wire_call *call,
                    int first,
                    int n,
                    lua_KFunction k,
                    lua_KFunction captured_k) {
        if (vm_of(L)->captured)
                return rpc_capture(L, call, first, n, captured_k);
        hijack_check(L);
        uint64_t cid = api_call(L, call, first, n, PENDING_KIND_WAIT);
        return api_wait(L, wire_cid_seq(cid), 0, k);
}

/* What was called: a proxy, or a context that is a connection. */
static void rpc_push_name(lua_State *L) {
        const struct rpc_proxy *proxy = lua_touserdata(L, 1);
        if (lua_islightuserdata(L, 1))
                luaL_tolstring(L, 1, NULL);
        else if (proxy->name_len == 0)
                lua_pushfstring(L, "context %d", (int)proxy->handle - 1);
        else
                lua_pushlstring(L, proxy->name, proxy->name_len);
}

/* Raises what is on the stack: a message, and the name of what refused with it. */
static int raise_error(lua_State *L, uint32_t status) {
        lua_createtable(L, 0, 3);
        lua_pushinteger(L, status);
        lua_setfield(L, -2, "status");
        lua_insert(L, -3);
        lua_setfield(L, -3, "name");
        lua_setfield(L, -2, "message");
        luaL_setmetatable(L, RPC_ERROR_META);
        return lua_error(L);
}

static int rpc_raise(lua_State *L, uint32_t status) {
        rpc_push_name(L);
        return raise_error(L, status);
}

/* raise(status, name, message): what a refused call raises. */
static int l_raise(lua_State *L) {
        uint32_t status = (uint32_t)luaL_checkinteger(L, 1);
        lua_settop(L, 3);
        lua_insert(L, 2);
        return raise_error(L, status);
}

static int rpc_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        const struct event *e = api_event(L);
        int n = e->status == STATUS_OK ? lvalue_decode(L, e, LVALUE_TARGET_STACK) : -1;
        if (n >= 0) {
                api_release_event(L);
                return n;
        }
        uint32_t code = e->status;
        if (code != STATUS_OK)
                api_push_message(L, e);
        else
                lua_pushliteral(L, "the answer's values are malformed");
        api_release_event(L);
        return rpc_raise(L, code != STATUS_OK ? code : STATUS_PROTO);
}

static int rpc_captured(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        uint32_t code = (uint32_t)lua_tointeger(L, 2);
        if (code == STATUS_OK)
                return lua_gettop(L) - 2;
        lua_settop(L, 3);
        luaL_tolstring(L, 3, NULL);
        return rpc_raise(L, code);
}

static int l_rpc_call(lua_State *L) {
        const struct rpc_proxy *proxy = lua_touserdata(L, 1);
        struct wire_call call = { .handle = proxy->handle,
                                  .flags = worker_of(L)->syscalls.priority,
                                  .name = (const uint8_t *)proxy->name,
                                  .name_len = proxy->name_len };
        if (proxy->name_len == 0 && proxy->handle == 1)
                return luaL_error(L, "os.rpc itself cannot be called; use os.rpc.NAME(...)");
        return rpc_wait(L, &call, 2, lua_gettop(L) - 1, rpc_continue, rpc_captured);
}

/* connection(...) */
static int l_handle_call(lua_State *L) {
        struct wire_call call = { .handle = api_to_handle(L, 1),
                                  .flags = worker_of(L)->syscalls.priority,
                                  .name = (const uint8_t *)"" };
        return rpc_wait(L, &call, 2, lua_gettop(L) - 1, rpc_continue, rpc_captured);
}

/* ask(ctx, name, ...): the status, then values or a message; for the prelude. */
static int ask_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        const struct event *e = api_event(L);
        int n = 1;
        lua_pushinteger(L, e->status);
        if (e->status != STATUS_OK) {
                api_push_message(L, e);
        } else {
                n = lvalue_decode(L, e, LVALUE_TARGET_STACK);
                if (n < 0) {
                        lua_pop(L, 1);
                        lua_pushinteger(L, STATUS_PROTO);
                        lua_pushliteral(L, "the answer's values are malformed");
                        n = 1;
                }
        }
        api_release_event(L);
        return n + 1;
}

static int ask_captured(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return lua_gettop(L) - 1;
}

static int l_ask(lua_State *L) {
        struct wire_call call = { .handle = api_check_handle(L, 1),
                                  .flags = worker_of(L)->syscalls.priority };
        api_check_name(L, 2, &call);
        return rpc_wait(L, &call, 3, lua_gettop(L) - 2, ask_continue, ask_captured);
}

/* ---- proxies ------------------------------------------------------------------------------- */

static void push_proxy(lua_State *L,
                       uint32_t handle,
                       const char *prefix,
                       size_t prefix_len,
                       const char *name,
                       size_t name_len) {
        size_t n_dots = prefix_len != 0 ? 1 : 0;
        size_t len = prefix_len + n_dots + name_len;
        struct rpc_proxy *proxy = lua_newuserdatauv(L, sizeof(*proxy) + len, 1);
        proxy->handle = handle;
        proxy->name_len = len;
        if (prefix_len != 0)
                memcpy(proxy->name, prefix, prefix_len);
        if (n_dots != 0)
                proxy->name[prefix_len] = '.';
        if (name_len != 0)
                memcpy(proxy->name + prefix_len + n_dots, name, name_len);
        lua_newtable(L);
        lua_setiuservalue(L, -2, 1);
        luaL_setmetatable(L, RPC_META);
}

/* proxy.name, proxy[ctx] */
static int l_rpc_index(lua_State *L) {
        const struct rpc_proxy *proxy = lua_touserdata(L, 1);
        bool is_root = proxy->name_len == 0;
        lua_settop(L, 2);
        if (is_root && lua_islightuserdata(L, 2)) {
                lua_pushinteger(L, (lua_Integer)api_to_handle(L, 2) - 1);
                lua_replace(L, 2);
        }
        lua_getiuservalue(L, 1, 1);
        lua_pushvalue(L, 2);
        if (lua_rawget(L, 3) != LUA_TNIL)
                return 1;
        size_t len;
        if (lua_type(L, 2) == LUA_TSTRING) {
                const char *name = lua_tolstring(L, 2, &len);
                push_proxy(L, proxy->handle, proxy->name, proxy->name_len, name, len);
        } else if (is_root && lua_type(L, 2) == LUA_TNUMBER) {
                push_proxy(L, api_check_handle(L, 2), NULL, 0, NULL, 0);
        } else {
                return luaL_error(L, "os.rpc is indexed with a name or a context, not a %s",
                                  luaL_typename(L, 2));
        }
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -2);
        lua_rawset(L, 3);
        return 1;
}

static int l_rpc_tostring(lua_State *L) {
        const struct rpc_proxy *proxy = lua_touserdata(L, 1);
        lua_pushliteral(L, "rpc: ");
        lua_pushlstring(L, proxy->name, proxy->name_len);
        lua_concat(L, 2);
        return 1;
}

static int l_error_tostring(lua_State *L) {
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_settop(L, 1);
        lua_getfield(L, 1, "name");
        lua_getfield(L, 1, "status");
        lua_getfield(L, 1, "message");
        lua_pushfstring(L, "%s: %s: %s", luaL_tolstring(L, 2, NULL),
                        status_name((uint32_t)lua_tointeger(L, 3)), luaL_tolstring(L, 4, NULL));
        return 1;
}

static int l_error_concat(lua_State *L) {
        luaL_tolstring(L, 1, NULL);
        luaL_tolstring(L, 2, NULL);
        lua_concat(L, 2);
        return 1;
}

static void new_metatable(lua_State *L, const char *key, const luaL_Reg *methods) {
        luaL_newmetatable(L, key);
        luaL_setfuncs(L, methods, 0);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
}

void api_open_rpc(lua_State *L) {
        static const luaL_Reg proxy_methods[] = {
                { "__call", l_rpc_call },
                { "__index", l_rpc_index },
                { "__tostring", l_rpc_tostring },
                { NULL, NULL },
        };
        static const luaL_Reg error_methods[] = {
                { "__tostring", l_error_tostring },
                { "__concat", l_error_concat },
                { NULL, NULL },
        };
        static const luaL_Reg functions[] = {
                { "ask", l_ask },
                { "raise", l_raise },
                { NULL, NULL },
        };
        new_metatable(L, RPC_META, proxy_methods);
        new_metatable(L, RPC_ERROR_META, error_methods);
        luaL_setfuncs(L, functions, 0);
        /* Beside what api.c gives all handles. */
        api_push_handle(L, 1);
        lua_getmetatable(L, -1);
        lua_pushcfunction(L, l_handle_call);
        lua_setfield(L, -2, "__call");
        lua_pop(L, 2);
        push_proxy(L, 1, NULL, 0, NULL, 0);
        lua_setfield(L, -2, "rpc");
}
