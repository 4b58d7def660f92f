/*
 * api_queue.c - os.push, os.listen, os.unlisten, and the table of a queue event. A Lua file.
 */
#include <string.h>

#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

/* Where the name of a queue stands, behind a context or not; *ret_handle is that context's. */
static int check_place(lua_State *L, uint32_t *ret_handle) {
        bool has_context = api_is_handle(L, 1);
        *ret_handle = has_context ? api_check_handle(L, 1) : 1;
        return has_context ? 2 : 1;
}

static void fail_key(lua_State *L, const struct api_argument *argument) {
        api_fail_argument(L, argument, "unknown key '%s'", luaL_tolstring(L, -2, NULL));
}

static bool is_key(lua_State *L, const char *key) {
        return lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), key) == 0;
}

/* ---- push ---------------------------------------------------------------------------------- */

static int push_continue(lua_State *L, int status, lua_KContext ctx) {
        const struct event *e = api_event(L);
        if (e->status != STATUS_OK)
                return api_finish_request(L, status, ctx);
        lua_pushinteger(L, e->count);
        api_release_event(L);
        return 1;
}

static ProtobufCBinaryData check_push_key(lua_State *L, int index) {
        const struct api_argument argument = { "push", index };
        ProtobufCBinaryData key = { 0 };
        if (lua_isnoneornil(L, index))
                return key;
        luaL_checktype(L, index, LUA_TTABLE);
        for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
                if (!is_key(L, "key"))
                        fail_key(L, &argument);
                if (lua_type(L, -1) != LUA_TSTRING)
                        api_fail_argument(L, &argument, "key must be a string");
                size_t len;
                const char *text = lua_tolstring(L, -1, &len);
                key = wire_bytes(text, len);
        }
        return key;
}

/* push([ctx,] queue, info [, {key=}]) */
static int l_push(lua_State *L) {
        struct worker *w = worker_of(L);
        Thox__Push body = THOX__PUSH__INIT;
        int at = check_place(L, &body.handle);
        uint32_t seq;
        size_t len;
        const char *name = luaL_checklstring(L, at, &len);
        luaL_checkany(L, at + 1);
        body.key = check_push_key(L, at + 2);
        lvalue_encode_one(L, &w->syscalls, at + 1, "info");
        hijack_check(L);
        if (len > LIMIT_NAME_BYTES || body.key.len > LIMIT_NAME_BYTES)
                return api_refuse(L, STATUS_BADARGS, "names and keys have at most 128 bytes");
        body.name = wire_bytes(name, len);
        if (w->syscalls.values.len > LIMIT_PUSH_BYTES) {
                syscall_clear_values(&w->syscalls);
                return api_refuse(L, STATUS_LIMIT,
                                  "a message of more than 128 KiB (limit LIMIT_PUSH_BYTES)");
        }
        WIRE_MESSAGE(m, 0, PUSH, push, &body);
        int r = syscall_push(&w->syscalls, &m, w->vm.task, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, 0, push_continue);
}
static_assert(LIMIT_PUSH_BYTES == 128u << 10, "the message above names it");

/* ---- listen -------------------------------------------------------------------------------- */

/* A Listen on its way to the wire; the strings stay alive in their tables. */
struct listen_body {
        Thox__Listen body;
        ProtobufCBinaryData match[LIMIT_PATTERNS];
};

static uint32_t check_mode(lua_State *L, const struct api_argument *argument) {
        static const char *const modes[] = { "drop-oldest", "drop-new", "block" };
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
        for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
                if (strcmp(text, modes[i]) == 0)
                        return (uint32_t)i;
        api_fail_argument(L, argument, "mode is drop-oldest, drop-new or block");
        return 0;
}

static uint32_t check_limit(lua_State *L, const struct api_argument *argument) {
        lua_Integer limit = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (limit < 1 || limit > UINT32_MAX)
                api_fail_argument(L, argument, "limit is a number from 1 on");
        return (uint32_t)limit;
}

static void check_listen_options(lua_State *L, struct listen_body *l, int index) {
        const struct api_argument argument = { "listen", index };
        if (lua_isnoneornil(L, index))
                return;
        luaL_checktype(L, index, LUA_TTABLE);
        for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
                if (is_key(L, "limit"))
                        l->body.limit = check_limit(L, &argument);
                else if (is_key(L, "mode"))
                        l->body.mode = check_mode(L, &argument);
                else if (is_key(L, "match"))
                        l->body.n_match =
                                api_check_patterns(L, &argument, "match", l->body.match = l->match);
                else
                        fail_key(L, &argument);
        }
}

static int listen_continue(lua_State *L, int status, lua_KContext ctx) {
        const struct event *e = api_event(L);
        if (e->status != STATUS_OK)
                return api_finish_request(L, status, ctx);
        lua_pushinteger(L, e->sid);
        api_release_event(L);
        return 1;
}

/* listen([ctx,] queue [, {limit=, mode=, match=}]) */
static int l_listen(lua_State *L) {
        struct worker *w = worker_of(L);
        struct listen_body l = { .body = THOX__LISTEN__INIT };
        int at = check_place(L, &l.body.handle);
        uint32_t seq;
        size_t len;
        const char *name = luaL_checklstring(L, at, &len);
        check_listen_options(L, &l, at + 1);
        hijack_check(L);
        if (len > LIMIT_NAME_BYTES)
                return api_refuse(L, STATUS_BADARGS, "the name of a queue has at most 128 bytes");
        struct listener *listener = listener_new(l.body.handle, name, len);
        if (!listener)
                return luaL_error(L, "not enough memory");
        listener->task = vm_of(L)->task;
        listener->is_counted = l.body.mode != 0;
        if (l.body.limit != 0)
                listener->limit = l.body.limit;
        l.body.name = wire_bytes(name, len);
        vm_of(L)->task->has_routes = true;
        WIRE_MESSAGE(m, 0, LISTEN, listen, &l.body);
        int r = syscall_listen(&w->syscalls, &m, w->vm.task, listener, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, 0, listen_continue);
}

/* ---- unlisten ------------------------------------------------------------------------------ */

static int unlisten_continue(lua_State *L, int status, lua_KContext sid) {
        struct worker *w = worker_of(L);
        struct listener *l = listener_find_sid(&w->listeners, (uint32_t)sid);
        if (l)
                worker_drop_listener(w, l);
        return api_finish_request(L, status, 0);
}

/* unlisten(id), unlisten([ctx,] queue) */
static int l_unlisten(lua_State *L) {
        struct worker *w = worker_of(L);
        struct listener *l;
        if (lua_type(L, 1) == LUA_TNUMBER && lua_isnoneornil(L, 2)) {
                uint32_t sid = (uint32_t)luaL_checkinteger(L, 1);
                hijack_check(L);
                l = listener_find_sid(&w->listeners, sid);
        } else {
                uint32_t handle;
                size_t len;
                int at = check_place(L, &handle);
                const char *name = luaL_checklstring(L, at, &len);
                hijack_check(L);
                l = listener_find(&w->listeners, handle, name, len);
        }
        if (!l)
                return api_refuse(L, STATUS_NOTFOUND, "this process does not listen there");
        Thox__Unlisten body = THOX__UNLISTEN__INIT;
        uint32_t seq;
        body.sid = l->sid;
        WIRE_MESSAGE(m, 0, UNLISTEN, unlisten, &body);
        int r = syscall_request(&w->syscalls, &m, w->vm.task, NULL, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, (lua_KContext)l->sid, unlisten_continue);
}

/* ---- events -------------------------------------------------------------------------------- */

static void set_integer(lua_State *L, const char *key, lua_Integer value) {
        lua_pushinteger(L, value);
        lua_setfield(L, -2, key);
}

static void set_bytes(lua_State *L, const char *key, const uint8_t *bytes, size_t len) {
        lua_pushlstring(L, (const char *)bytes, len);
        lua_setfield(L, -2, key);
}

bool api_push_queue_event(lua_State *L, const struct event *e) {
        int top = lua_gettop(L);
        lua_createtable(L, 0, 10);
        int n = lvalue_decode(L, e, LVALUE_TARGET_STACK);
        if (n > 1 || n < 0) {
                lua_settop(L, top);
                return false;
        }
        if (n == 1)
                lua_setfield(L, -2, "info");
        lua_pushliteral(L, "queue");
        lua_setfield(L, -2, "type");
        api_push_handle(L, e->handle);
        lua_setfield(L, -2, "ctx");
        set_bytes(L, "name", e->name, e->name_len);
        if (e->key_len > 0)
                set_bytes(L, "key", e->key, e->key_len);
        set_integer(L, "id", e->sid);
        set_integer(L, "pid", e->pid);
        set_integer(L, "uid", e->uid);
        set_integer(L, "seq", (lua_Integer)e->number);
        set_integer(L, "dropped", (lua_Integer)e->dropped);
        return true;
}

void api_open_queue(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "push", l_push },
                { "listen", l_listen },
                { "unlisten", l_unlisten },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
}
