/*
 * api_context.c - os.context, os.share, os.close. A Lua file.
 */
#include <string.h>

#include "worker/api.h"
#include "worker/hijack.h"

static int request(lua_State *L, Thox__Frame *message, lua_KFunction k) {
        struct worker *w = worker_of(L);
        uint32_t seq;
        hijack_check(L);
        int r = syscall_request(&w->syscalls, message, w->vm.task, NULL, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, 0, k);
}

/* ---- context ------------------------------------------------------------------------------- */

/* A routing on its way to the wire; the strings stay alive in their tables. */
struct routing {
        Thox__Routing body;
        ProtobufCBinaryData allow[LIMIT_PATTERNS], deny[LIMIT_PATTERNS], bind[LIMIT_PATTERNS];
};

static size_t check_patterns(lua_State *L, const char *key, ProtobufCBinaryData *ret) {
        if (!lua_istable(L, -1))
                return (size_t)luaL_error(L, "bad argument #1 to 'context' (%s must be a list)",
                                          key);
        lua_Unsigned n = lua_rawlen(L, -1);
        if (n > LIMIT_PATTERNS)
                luaL_error(L, "bad argument #1 to 'context' (%s has more than %d patterns)", key,
                           (int)LIMIT_PATTERNS);
        for (lua_Unsigned i = 0; i < n; i++) {
                size_t len;
                if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
                        luaL_error(L, "bad argument #1 to 'context' (%s[%d] is no string)", key,
                                   (int)i + 1);
                const char *text = lua_tolstring(L, -1, &len);
                ret[i] = wire_bytes(text, len);
                lua_pop(L, 1);
        }
        return n;
}

static void check_routing_key(lua_State *L, struct routing *r, const char *key) {
        static const char *const modes[] = { "table", "manual", NULL };
        static const char *const defaults[] = { "deny", "forward", NULL };
        Thox__Routing *body = &r->body;
        if (strcmp(key, "mode") == 0)
                body->mode = luaL_checkoption(L, -1, NULL, modes) == 0 ? WIRE_ROUTING_TABLE :
                                                                         WIRE_ROUTING_MANUAL;
        else if (strcmp(key, "default") == 0)
                body->default_forward = luaL_checkoption(L, -1, NULL, defaults) == 1;
        else if (strcmp(key, "to") == 0)
                body->to = api_check_handle(L, lua_gettop(L));
        else if (strcmp(key, "allow") == 0)
                body->n_allow = check_patterns(L, key, body->allow = r->allow);
        else if (strcmp(key, "deny") == 0)
                body->n_deny = check_patterns(L, key, body->deny = r->deny);
        else if (strcmp(key, "bind") == 0)
                body->n_bind = check_patterns(L, key, body->bind = r->bind);
        else
                luaL_error(L, "bad argument #1 to 'context' (unknown key '%s')", key);
}

static int context_continue(lua_State *L, int status, lua_KContext ctx) {
        const struct event *e = api_event(L);
        if (e->status != STATUS_OK)
                return api_finish_request(L, status, ctx);
        api_push_handle(L, e->handle);
        api_release_event(L);
        return 1;
}

static int l_context(lua_State *L) {
        struct routing r = { .body = THOX__ROUTING__INIT };
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;
        lua_settop(L, 1);
        if (!lua_isnil(L, 1)) {
                luaL_checktype(L, 1, LUA_TTABLE);
                r.body.mode = 2;
                for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
                        check_routing_key(
                                L, &r, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?");
                body.routing = &r.body;
        }
        WIRE_MESSAGE(m, 0, CONTEXT_NEW, context_new, &body);
        return request(L, &m, context_continue);
}

/* ---- share, close -------------------------------------------------------------------------- */

static const struct {
        const char *name;
        uint32_t bit;
} context_rights[] = {
        { "call", 1 },   { "bind", 2 },   { "push", 4 },
        { "listen", 8 }, { "share", 16 }, { "signal", 32 },
};

static uint32_t check_right(lua_State *L, int index) {
        const char *name = luaL_checkstring(L, index);
        for (size_t i = 0; i < ARRAY_SIZE(context_rights); i++)
                if (strcmp(context_rights[i].name, name) == 0)
                        return context_rights[i].bit;
        return (uint32_t)luaL_error(L, "bad argument #3 to 'share' (unknown right '%s')", name);
}

/* share(ctx, pid [, {"call", "share", …}]) */
static int l_share(lua_State *L) {
        Thox__Share body = THOX__SHARE__INIT;
        body.handle = api_check_handle(L, 1);
        body.pid = (uint32_t)luaL_checkinteger(L, 2);
        if (!lua_isnoneornil(L, 3)) {
                luaL_checktype(L, 3, LUA_TTABLE);
                for (int i = 1; lua_rawgeti(L, 3, i) != LUA_TNIL; lua_pop(L, 1), i++)
                        body.rights |= check_right(L, lua_gettop(L));
                luaL_argcheck(L, body.rights != 0, 3, "no right to share");
        }
        WIRE_MESSAGE(m, 0, SHARE, share, &body);
        return request(L, &m, api_finish_request);
}

static int l_close(lua_State *L) {
        Thox__Close body = THOX__CLOSE__INIT;
        body.handle = api_check_handle(L, 1);
        WIRE_MESSAGE(m, 0, CLOSE, close, &body);
        return request(L, &m, api_finish_request);
}

void api_open_context(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "context", l_context },
                { "share", l_share },
                { "close", l_close },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
}
