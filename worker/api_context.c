/*
 * api_context.c - os.context, os.route, os.connect, os.share, os.close. A Lua file.
 */
#include <string.h>

#include "worker/api.h"
#include "worker/hijack.h"

static int request(lua_State *L, Thox__Frame *message, lua_KContext ctx, lua_KFunction k) {
        struct worker *w = worker_of(L);
        uint32_t seq;
        hijack_check(L);
        if (wire_size_max(message, NULL) > LIMIT_FRAME_HEADER_BYTES)
                return api_refuse(L, STATUS_LIMIT,
                                  "a routing of more than 64 KiB (limit LIMIT_FRAME_HEADER_BYTES)");
        int r = syscall_request(&w->syscalls, message, w->vm.task, NULL, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, ctx, k);
}

static_assert(LIMIT_FRAME_HEADER_BYTES == 64u << 10, "the message above names it");

/* ---- context, route ------------------------------------------------------------------------------- */

/* A routing on its way to the wire; the strings stay alive in their tables. */
struct routing {
        struct api_argument argument;
        Thox__Routing body;
        ProtobufCBinaryData allow[LIMIT_PATTERNS], deny[LIMIT_PATTERNS], bind[LIMIT_PATTERNS];
        Thox__Renaming renamings[LIMIT_PATTERNS], *map[LIMIT_PATTERNS];
        ProtobufCBinaryData push[LIMIT_PATTERNS], listen[LIMIT_PATTERNS];
};

#define routing_fail(L, r, ...) api_fail_argument(L, &(r)->argument, __VA_ARGS__)

/* {from = to, ...} */
static size_t check_map(lua_State *L, struct routing *r) {
        size_t n = 0;
        if (!lua_istable(L, -1))
                routing_fail(L, r, "map must be a table");
        for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
                if (n == LIMIT_PATTERNS)
                        routing_fail(L, r, "map has more than %d entries", (int)LIMIT_PATTERNS);
                Thox__Renaming *renaming = &r->renamings[n];
                thox__renaming__init(renaming);
                renaming->to = api_check_text(L, &r->argument, "map");
                lua_pushvalue(L, -2);
                renaming->from = api_check_text(L, &r->argument, "map");
                lua_pop(L, 1);
                r->map[n++] = renaming;
        }
        return n;
}

/* The word at the top, one of two; whether it is the second. */
static bool check_choice(lua_State *L,
                         const struct routing *r,
                         const char *key,
                         const char *first,
                         const char *second) {
        const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        bool is_second = strcmp(word, second) == 0;
        if (!is_second && strcmp(word, first) != 0)
                routing_fail(L, r, "%s must be '%s' or '%s'", key, first, second);
        return is_second;
}

static void check_routing_key(lua_State *L, struct routing *r, const char *key) {
        Thox__Routing *body = &r->body;
        if (strcmp(key, "mode") == 0)
                body->mode = check_choice(L, r, key, "table", "manual") ? WIRE_ROUTING_MANUAL :
                                                                          WIRE_ROUTING_TABLE;
        else if (strcmp(key, "default") == 0)
                body->default_forward = check_choice(L, r, key, "deny", "forward");
        else if (strcmp(key, "to") == 0 && !api_is_handle(L, -1))
                routing_fail(L, r, "to must be a context, not a %s", luaL_typename(L, -1));
        else if (strcmp(key, "to") == 0)
                body->to = api_check_handle(L, lua_gettop(L));
        else if (strcmp(key, "allow") == 0)
                body->n_allow = api_check_patterns(L, &r->argument, key, body->allow = r->allow);
        else if (strcmp(key, "deny") == 0)
                body->n_deny = api_check_patterns(L, &r->argument, key, body->deny = r->deny);
        else if (strcmp(key, "bind") == 0)
                body->n_bind = api_check_patterns(L, &r->argument, key, body->bind = r->bind);
        else if (strcmp(key, "log") == 0 && lua_type(L, -1) != LUA_TSTRING)
                routing_fail(L, r, "log must be the name of a queue");
        else if (strcmp(key, "log") == 0)
                body->log = api_check_text(L, &r->argument, key);
        else if (strcmp(key, "push") == 0)
                body->n_push = api_check_patterns(L, &r->argument, key, body->push = r->push);
        else if (strcmp(key, "listen") == 0)
                body->n_listen = api_check_patterns(L, &r->argument, key, body->listen = r->listen);
        else if (strcmp(key, "map") == 0) {
                body->map = r->map;
                body->n_map = check_map(L, r);
        } else
                routing_fail(L, r, "unknown key '%s'", key);
}

/* The table at r->argument.index. */
static void check_routing(lua_State *L, struct routing *r) {
        thox__routing__init(&r->body);
        luaL_checktype(L, r->argument.index, LUA_TTABLE);
        r->body.mode = WIRE_ROUTING_TABLE;
        for (lua_pushnil(L); lua_next(L, r->argument.index) != 0; lua_pop(L, 1))
                check_routing_key(L, r, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?");
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
        struct routing r = { .argument = { "context", 1 } };
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;
        lua_settop(L, 1);
        if (!lua_isnil(L, 1)) {
                check_routing(L, &r);
                body.routing = &r.body;
        }
        WIRE_MESSAGE(m, 0, CONTEXT_NEW, context_new, &body);
        return request(L, &m, 0, context_continue);
}

/* route(ctx, routing) */
static int l_route(lua_State *L) {
        struct routing r = { .argument = { "route", 2 } };
        Thox__ContextRoute body = THOX__CONTEXT_ROUTE__INIT;
        lua_settop(L, 2);
        body.handle = api_check_handle(L, 1);
        check_routing(L, &r);
        body.routing = &r.body;
        WIRE_MESSAGE(m, 0, CONTEXT_ROUTE, context_route, &body);
        return request(L, &m, 0, api_finish_request);
}

/* connect([ctx,] name) */
static int l_connect(lua_State *L) {
        Thox__Connect body = THOX__CONNECT__INIT;
        int at = api_is_handle(L, 1) ? 2 : 1;
        size_t len;
        body.handle = at == 2 ? api_check_handle(L, 1) : 1;
        const char *name = luaL_checklstring(L, at, &len);
        if (len > LIMIT_NAME_BYTES)
                return api_refuse(L, STATUS_BADARGS, "a name has 1 to 128 bytes");
        body.name = wire_bytes(name, len);
        WIRE_MESSAGE(m, 0, CONNECT, connect, &body);
        return request(L, &m, 0, context_continue);
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
        return request(L, &m, 0, api_finish_request);
}

static int close_continue(lua_State *L, int status, lua_KContext ctx) {
        if (api_event(L)->status == STATUS_OK)
                worker_forget_context(worker_of(L), (uint32_t)ctx);
        return api_finish_request(L, status, 0);
}

static int l_close(lua_State *L) {
        Thox__Close body = THOX__CLOSE__INIT;
        body.handle = api_check_handle(L, 1);
        WIRE_MESSAGE(m, 0, CLOSE, close, &body);
        return request(L, &m, (lua_KContext)body.handle, close_continue);
}

void api_open_context(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "context", l_context }, { "route", l_route }, { "connect", l_connect },
                { "share", l_share },     { "close", l_close }, { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
}
