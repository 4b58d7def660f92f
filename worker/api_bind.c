/*
 * api_bind.c - os.bind, os.unbind, and the tasks that run handlers. A Lua file.
 */
#include <string.h>

#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

#define EVALUATIONS_MAX 8 /* at once; more wait */

/* ---- bind ---------------------------------------------------------------------------------- */

struct bind_options {
        bool is_queue, is_aborting;
        size_t max;
        uint32_t limit; /* 0: the default */
        uint32_t conflict;
        ProtobufCBinaryData usage; /* alive in the options */
};

static void options_fail(lua_State *L, int index, const char *key, const char *what) {
        luaL_error(L, "bad argument #%d to 'bind' (%s %s)", index, key, what);
}

/* Which of `words` the string at the top is. */
static unsigned check_word(lua_State *L, int index, const char *key, const char *const *words) {
        const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
        for (unsigned i = 0; words[i]; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        luaL_error(L, "bad argument #%d to 'bind' (%s: invalid option '%s')", index, key, word);
        return 0;
}

/* The option `key`, whose value is at the top. */
static void check_option(lua_State *L, int index, const char *key, struct bind_options *o) {
        static const char *const modes[] = { "popup", "queue", NULL };
        /* In the order of Bind.conflict. */
        static const char *const policies[] = { "fail", "alternative", "fallback", "balance",
                                                NULL };
        if (strcmp(key, "mode") == 0) {
                o->is_queue = check_word(L, index, key, modes) == 1;
        } else if (strcmp(key, "on_conflict") == 0) {
                o->conflict = check_word(L, index, key, policies);
        } else if (strcmp(key, "abort") == 0) {
                o->is_aborting = lua_toboolean(L, -1);
        } else if (strcmp(key, "max") == 0) {
                if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1)
                        options_fail(L, index, key, "must be at least 1");
                o->max = (size_t)lua_tointeger(L, -1);
        } else if (strcmp(key, "limit") == 0) {
                lua_Integer limit = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
                if (limit < 1 || limit > LIMIT_CALLS_PER_SERVER)
                        options_fail(L, index, key, "must be from 1 to 1024");
                o->limit = (uint32_t)limit;
        } else if (strcmp(key, "usage") == 0) {
                size_t len;
                if (lua_type(L, -1) != LUA_TSTRING)
                        options_fail(L, index, key, "must be a string");
                const char *usage = lua_tolstring(L, -1, &len);
                o->usage = wire_bytes(usage, len);
        } else {
                luaL_error(L, "bad argument #%d to 'bind' (unknown key '%s')", index, key);
        }
}

static_assert(LIMIT_CALLS_PER_SERVER == 1024, "the message above names it");

static struct bind_options check_options(lua_State *L, int index) {
        struct bind_options o = { .max = LIMIT_TASKS };
        if (lua_isnoneornil(L, index))
                return o;
        luaL_checktype(L, index, LUA_TTABLE);
        for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
                check_option(L, index, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?",
                             &o);
        o.max = o.is_queue ? 1 : o.max;
        return o;
}

static int bind_continue(lua_State *L, int status, lua_KContext ctx) {
        const struct event *e = api_event(L);
        if (e->status != STATUS_OK)
                return api_finish_request(L, status, ctx);
        lua_pushinteger(L, e->sid);
        api_release_event(L);
        return 1;
}

static int bind_send(lua_State *L, struct binding *b, const struct bind_options *o) {
        struct worker *w = worker_of(L);
        Thox__Bind body = THOX__BIND__INIT;
        uint32_t seq;
        body.handle = b->handle;
        body.name = wire_bytes(b->key + sizeof(b->handle), b->key_len - sizeof(b->handle));
        body.limit = o->limit;
        body.conflict = o->conflict;
        body.usage = o->usage;
        WIRE_MESSAGE(m, 0, BIND, bind, &body);
        int r = syscall_request(&w->syscalls, &m, w->vm.task, b, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, 0, bind_continue);
}

/* bind([ctx,] name [, handler] [, options]) */
static int l_bind(lua_State *L) {
        int at = api_is_handle(L, 1) ? 2 : 1;
        uint32_t handle = at == 2 ? api_check_handle(L, 1) : 1;
        size_t len;
        const char *name = luaL_checklstring(L, at, &len);
        if (lua_isstring(L, at + 1))
                return luaL_error(L,
                                  "bad argument #%d to 'bind' (descriptors of services are not "
                                  "available; pass a handler or nil)",
                                  at + 1);
        bool has_handler = lua_isfunction(L, at + 1);
        struct bind_options o =
                check_options(L, has_handler || lua_isnil(L, at + 1) ? at + 2 : at + 1);
        hijack_check(L);
        if (len > LIMIT_NAME_BYTES || len == 0)
                return api_refuse(L, STATUS_BADARGS, "a name has 1 to 128 bytes");
        if (o.usage.len > LIMIT_USAGE_BYTES)
                return api_refuse(L, STATUS_BADARGS,
                                  "usage is one line of at most 256 bytes (LIMIT_USAGE_BYTES)");
        int ref = LUA_NOREF;
        if (has_handler) {
                lua_pushvalue(L, at + 1);
                ref = luaL_ref(L, LUA_REGISTRYINDEX);
        }
        struct binding *b = binding_new(handle, name, len);
        if (!b) {
                luaL_unref(L, LUA_REGISTRYINDEX, ref);
                return luaL_error(L, "not enough memory");
        }
        b->handler = ref;
        b->is_queue = o.is_queue;
        b->is_aborting = o.is_aborting;
        b->max = o.max;
        b->task = has_handler ? NULL : vm_of(L)->task;
        vm_of(L)->task->has_routes |= !has_handler;
        return bind_send(L, b, &o);
}

/* ---- unbind -------------------------------------------------------------------------------- */

static int unbind_continue(lua_State *L, int status, lua_KContext sid) {
        struct worker *w = worker_of(L);
        if (api_event(L)->status == STATUS_OK) {
                struct binding *b = binding_find_sid(&w->bindings, (uint32_t)sid);
                if (b)
                        worker_drop_binding(w, b, STATUS_NOTBOUND);
        }
        return api_finish_request(L, status, 0);
}

/* unbind(sid), unbind([ctx,] name) */
static int l_unbind(lua_State *L) {
        struct worker *w = worker_of(L);
        struct binding *b;
        if (lua_type(L, 1) == LUA_TNUMBER && lua_isnoneornil(L, 2)) {
                uint32_t sid = (uint32_t)luaL_checkinteger(L, 1);
                hijack_check(L);
                b = binding_find_sid(&w->bindings, sid);
        } else {
                int at = api_is_handle(L, 1) ? 2 : 1;
                size_t len;
                const char *name = luaL_checklstring(L, at, &len);
                uint32_t handle = at == 2 ? api_check_handle(L, 1) : 1;
                hijack_check(L);
                b = binding_find(&w->bindings, handle, name, len);
        }
        if (!b)
                return api_refuse(L, STATUS_NOTBOUND, "this process has bound no such name");
        Thox__Unbind body = THOX__UNBIND__INIT;
        uint32_t seq;
        body.sid = b->sid;
        WIRE_MESSAGE(m, 0, UNBIND, unbind, &body);
        int r = syscall_request(&w->syscalls, &m, w->vm.task, NULL, &seq);
        if (r != 0)
                worker_fail(w, r);
        return api_wait(L, seq, (lua_KContext)b->sid, unbind_continue);
}

/* ---- handlers ------------------------------------------------------------------------------ */

/* What the handler returned is the answer, unless it has answered itself. */
static int serve_finish(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        struct worker *w = worker_of(L);
        struct served *served = w->vm.task->call->served;
        if (!served)
                return 0;
        if (served->is_cancelled) {
                syscall_remove_served(&w->syscalls, served);
                return 0;
        }
        lvalue_encode(L, &w->syscalls, 1, lua_gettop(L), "result");
        worker_sent(w, syscall_answer(&w->syscalls, served, STATUS_OK));
        return 0;
}

int api_serve(lua_State *L) {
        struct worker *w = worker_of(L);
        struct task *t = w->vm.task;
        lua_rawgeti(L, LUA_REGISTRYINDEX, t->binding->handler);
        int n = lvalue_decode(L, t->call, LVALUE_TARGET_STACK);
        if (n >= 0) {
                lua_callk(L, n, LUA_MULTRET, 0, serve_finish);
                return serve_finish(L, LUA_OK, 0);
        }
        if (t->call->served)
                worker_sent(w, syscall_refuse(&w->syscalls, t->call->served, STATUS_BADARGS,
                                              "the arguments are malformed"));
        return 0;
}

/* set_evaluator(handler): what process.eval runs. */
static int l_set_evaluator(lua_State *L) {
        static const char name[] = "@eval";
        struct worker *w = worker_of(L);
        luaL_checktype(L, 1, LUA_TFUNCTION);
        struct binding *b = binding_new(0, name, strlen(name));
        if (!b)
                return luaL_error(L, "not enough memory");
        b->handler = luaL_ref(L, LUA_REGISTRYINDEX);
        b->is_aborting = true;
        b->max = EVALUATIONS_MAX;
        w->evaluator = b;
        return 0;
}

void api_open_bind(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "bind", l_bind },
                { "unbind", l_unbind },
                { "set_evaluator", l_set_evaluator },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
}
