/*
 * api_call.c - os.call, os.send, os.answer, os.cancel, os.caller. A Lua file.
 */
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/value.h"
#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

void api_check_name(lua_State *L, int index, struct wire_call *call) {
        call->name = (const uint8_t *)luaL_checklstring(L, index, &call->name_len);
}

uint64_t api_call(lua_State *L, struct wire_call *call, int first, int n, enum pending_kind kind) {
        struct worker *w = worker_of(L);
        uint64_t cid = 0;
        if (call->name_len > LIMIT_NAME_BYTES) {
                /* Longer than a frame may say: the router is to refuse it as what it is, invalid. */
                call->name = (const uint8_t *)"/";
                call->name_len = 1;
        }
        call->trace = w->vm.task->trace;
        lvalue_encode(L, &w->syscalls, first, n, "args");
        api_begin(L);
        int r = syscall_call(&w->syscalls, call, kind, w->vm.task, &cid);
        if (r != 0)
                worker_fail(w, r);
        return cid;
}

static void call_set_priority(lua_State *L, struct wire_call *call) {
        lua_Integer priority = luaL_checkinteger(L, 7);
        luaL_argcheck(L, priority >= 0 && priority <= WIRE_PRIORITY_MAX, 1,
                      "priority is an integer from 0 to 7");
        call->flags &= ~wire_priority_flags(WIRE_PRIORITY_MAX);
        call->flags |= wire_priority_flags((uint32_t)priority);
}

/* os.call{ctx=, name=, args=, timeout=, oneway=, priority=}: the fields lie on the stack from 2 on. */
static int call_from_table(lua_State *L, struct wire_call *call) {
        static const char *const keys[] = { "ctx",    "name",     "args", "timeout",
                                            "oneway", "priority", NULL };
        lua_settop(L, 1);
        for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
                bool is_known = false;
                for (size_t i = 0; keys[i] && lua_type(L, -2) == LUA_TSTRING; i++)
                        is_known = is_known || strcmp(lua_tostring(L, -2), keys[i]) == 0;
                if (!is_known)
                        luaL_error(L, "bad argument #1 to 'call' (unknown key '%s')",
                                   luaL_tolstring(L, -2, NULL));
        }
        for (size_t i = 0; keys[i]; i++)
                lua_getfield(L, 1, keys[i]);
        call->handle = lua_isnil(L, 2) ? 1 : api_check_handle(L, 2);
        if (lua_isnil(L, 2) || !lua_isnil(L, 3))
                api_check_name(L, 3, call);
        if (!lua_isnil(L, 5))
                call->timeout_us = api_check_duration(L, 5);
        if (lua_toboolean(L, 6))
                call->flags |= WIRE_FLAG_ONEWAY;
        if (!lua_isnil(L, 7))
                call_set_priority(L, call);
        if (lua_isnil(L, 4))
                return 0;
        luaL_checktype(L, 4, LUA_TTABLE);
        lua_getfield(L, 4, "n");
        lua_Integer n = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : (lua_Integer)lua_rawlen(L, 4);
        luaL_argcheck(L, n >= 0 && n <= INT16_MAX, 1, "args.n is out of range");
        luaL_checkstack(L, (int)n, "too many arguments");
        for (lua_Integer i = 1; i <= n; i++)
                lua_rawgeti(L, 4, i);
        return (int)n;
}

static int call_push_result(lua_State *L, const struct wire_call *call, uint64_t cid) {
        worker_sent(worker_of(L), 0);
        if ((call->flags & WIRE_FLAG_ONEWAY) != 0)
                lua_pushboolean(L, true);
        else
                lua_pushinteger(L, (lua_Integer)cid);
        return 1;
}

static int call_or_send(lua_State *L, uint32_t flags) {
        struct wire_call call = { .flags = flags | worker_of(L)->syscalls.priority };
        int first, n;
        if (lua_type(L, 1) == LUA_TTABLE) {
                n = call_from_table(L, &call);
                first = lua_gettop(L) - n + 1;
        } else {
                call.handle = api_check_handle(L, 1);
                api_check_name(L, 2, &call);
                first = 3;
                n = lua_gettop(L) - 2;
        }
        return call_push_result(L, &call, api_call(L, &call, first, n, PENDING_KIND_EVENT));
}

static int l_call(lua_State *L) {
        return call_or_send(L, 0);
}

static int l_send(lua_State *L) {
        return call_or_send(L, WIRE_FLAG_ONEWAY);
}

static int refuse_cid(lua_State *L) {
        return api_refuse(L, STATUS_BADCID,
                          "no call with this cid waits for an answer of this process");
}

static int refuse_cancelled(lua_State *L) {
        return api_refuse(L, STATUS_CANCELLED, "the caller does not wait any more");
}

/* os.answer(cid, status, ...): status a number, true for OK, false for ERROR. */
static int l_answer(lua_State *L) {
        struct worker *w = worker_of(L);
        uint64_t cid = (uint64_t)luaL_checkinteger(L, 1);
        lua_Integer status = STATUS_OK;
        if (lua_isboolean(L, 2))
                status = lua_toboolean(L, 2) ? STATUS_OK : STATUS_ERROR;
        else
                status = luaL_checkinteger(L, 2);
        luaL_argcheck(L, status >= 0 && status <= UINT32_MAX, 2, "not a status");
        lvalue_encode(L, &w->syscalls, 3, lua_gettop(L) - 2, "values");
        api_begin(L);
        struct served *served = syscall_find_served(&w->syscalls, cid);
        if (!served || served->is_queued)
                return refuse_cid(L);
        bool is_cancelled = served->is_cancelled;
        if (is_cancelled)
                syscall_remove_served(&w->syscalls, served);
        else
                worker_sent(w, syscall_answer(&w->syscalls, served, (uint32_t)status));
        if (is_cancelled)
                return refuse_cancelled(L);
        lua_pushboolean(L, true);
        return 1;
}

/* ---- forwarding ---------------------------------------------------------------------------- */

/* One that the task pulled or handles. */
static struct event *find_oneway(const struct task *t, uint64_t cid) {
        if (t->oneway && t->oneway->cid == cid)
                return t->oneway;
        bool is_handled = t->call && t->call->cid == cid;
        return is_handled && (t->call->flags & WIRE_FLAG_ONEWAY) != 0 ? t->call : NULL;
}

/* os.forward(cid, ctx [, name [, ...]]) */
static int l_forward(lua_State *L) {
        struct worker *w = worker_of(L);
        uint64_t cid = (uint64_t)luaL_checkinteger(L, 1);
        struct wire_call call = { .handle = api_check_handle(L, 2) };
        bool has_values = lua_gettop(L) > 3;
        if (!lua_isnoneornil(L, 3))
                api_check_name(L, 3, &call);
        if (has_values)
                lvalue_encode(L, &w->syscalls, 4, lua_gettop(L) - 3, "args");
        api_begin(L);
        struct served *served = syscall_find_served(&w->syscalls, cid);
        struct event *e = served ? served->event : find_oneway(w->vm.task, cid);
        if (!e || (served && served->is_queued))
                return refuse_cid(L);
        if (served && served->is_cancelled) {
                syscall_remove_served(&w->syscalls, served);
                return refuse_cancelled(L);
        }
        if (lua_isnoneornil(L, 3)) {
                call.name = e->name;
                call.name_len = e->name_len;
        }
        if (call.name_len == 0 || call.name_len > LIMIT_NAME_BYTES)
                return api_refuse(L, STATUS_BADARGS, "a name has 1 to 128 bytes");
        worker_sent(w, syscall_forward(&w->syscalls, e, &call, has_values));
        lua_pushboolean(L, true);
        return 1;
}

/* ---- cancelling, looking ------------------------------------------------------------------- */

static int l_cancel(lua_State *L) {
        struct worker *w = worker_of(L);
        uint64_t cid = (uint64_t)luaL_checkinteger(L, 1);
        struct pending *p = NULL;
        api_begin(L);
        if (wire_cid_generation(cid) == w->syscalls.generation)
                p = syscall_find_pending(&w->syscalls, wire_cid_seq(cid));
        if (!p || p->kind != PENDING_KIND_EVENT || !p->task)
                return api_refuse(L, STATUS_BADCID,
                                  "no call of this process with this cid is unanswered");
        worker_sent(w, syscall_cancel(&w->syscalls, p->seq));
        lua_pushboolean(L, true);
        return 1;
}

void api_push_call(lua_State *L, const struct event *e) {
        lua_createtable(L, 0, 9);
        api_push_word(L, API_WORD_TYPE);
        api_push_word(L, API_WORD_CALL);
        lua_rawset(L, -3);
        api_set_integer(L, API_WORD_CID, (lua_Integer)e->cid);
        api_push_word(L, API_WORD_CTX);
        api_push_handle(L, e->handle);
        lua_rawset(L, -3);
        api_push_word(L, API_WORD_NAME);
        lua_pushlstring(L, (const char *)e->name, e->name_len);
        lua_rawset(L, -3);
        api_set_integer(L, API_WORD_PID, e->pid);
        api_set_integer(L, API_WORD_UID, e->uid);
        api_set_integer(L, API_WORD_PRIO, wire_priority(e->flags));
        if (e->time_us != 0) {
                lua_pushnumber(L, (lua_Number)e->time_us / 1e6);
                lua_setfield(L, -2, "timeout");
        }
        if ((e->flags & WIRE_FLAG_ONEWAY) != 0) {
                lua_pushboolean(L, true);
                lua_setfield(L, -2, "oneway");
        }
}

/* The call that the running handler task serves: cid, pid, uid, ctx, name. */
static int l_caller(lua_State *L) {
        const struct task *t = vm_of(L)->task;
        api_begin(L);
        if (!t->call)
                return 0;
        api_push_call(L, t->call);
        return 1;
}

void api_open_call(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "call", l_call },     { "send", l_send },       { "answer", l_answer },
                { "cancel", l_cancel }, { "forward", l_forward }, { NULL, NULL },
        };
        static const luaL_Reg worded[] = { { "caller", l_caller }, { NULL, NULL } };
        luaL_setfuncs(L, functions, 0);
        api_set_worded_functions(L, worded);
}
