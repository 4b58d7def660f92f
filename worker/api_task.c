/*
 * api_task.c - os.spawn, os.join, os.tid, os.exit, ending tasks. A Lua file.
 *
 * What a spawned task returned is kept in a registry table until somebody joins it; of results that
 * nobody asks for only the newest are kept.
 */
#include <string.h>

#include "libipc/base/log.h"
#include "libipc/value.h"
#include "worker/api.h"
#include "worker/hijack.h"

#define TASK_RESULTS "thox.results" /* registry: tid → {ok, n = count, values…} */

/* ---- spawn, join --------------------------------------------------------------------------- */

int api_spawn(lua_State *L, struct group *group) {
        struct worker *w = worker_of(L);
        int n_args = lua_gettop(L) - 1;
        if (group_is_over(group))
                return api_refuse(L, STATUS_DEAD, "the group is over: it has failed or was killed");
        if (w->sched.n_tasks >= LIMIT_TASKS)
                return api_refuse(L, STATUS_LIMIT, "too many tasks (limit LIMIT_TASKS 16384)");
        lua_State *co = lua_newthread(L);
        luaL_argcheck(L, lua_checkstack(co, n_args + 1), 1, "too many arguments");
        lua_insert(L, 1);
        lua_xmove(L, co, n_args + 1);
        int ref = luaL_ref(L, LUA_REGISTRYINDEX);
        struct task *t = sched_add_task(&w->sched, 0);
        if (!t) {
                luaL_unref(L, LUA_REGISTRYINDEX, ref);
                return luaL_error(L, "not enough memory");
        }
        t->coroutine = co;
        t->coroutine_ref = ref;
        t->n_args = n_args;
        t->is_joinable = true;
        if (group)
                group_add(group, t);
        sched_wake(&w->sched, t, NULL);
        sched_arm(&w->sched);
        lua_pushinteger(L, (lua_Integer)t->tid);
        return 1;
}

/* spawn(fn, ...): in the group of the task that calls it. */
static int l_spawn(lua_State *L) {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        api_begin(L);
        return api_spawn(L, vm_of(L)->task->group);
}

static int join_finish(lua_State *L, lua_Integer tid) {
        lua_pushnil(L);
        lua_rawseti(L, -3, tid);
        int table = lua_gettop(L);
        lua_getfield(L, table, "n");
        int n = (int)lua_tointeger(L, -1);
        luaL_checkstack(L, n, "too many results to join");
        for (int i = 1; i <= n; i++)
                lua_rawgeti(L, table, i);
        return n;
}

static int join_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        struct worker *w = worker_of(L);
        lua_Integer tid = lua_tointeger(L, 1);
        if (lua_gettop(L) > 2)
                return lua_gettop(L) - 2;
        lua_getfield(L, LUA_REGISTRYINDEX, TASK_RESULTS);
        if (lua_rawgeti(L, -1, tid) == LUA_TTABLE)
                return join_finish(L, tid);
        if (sched_find_task(&w->sched, (uint64_t)tid))
                return api_refuse(L, STATUS_TIMEOUT, "the task still runs");
        return api_refuse(L, STATUS_NOTFOUND,
                          "no such task: it has been joined, or its result is not "
                          "kept any more");
}

/* join(tid [, timeout]): true and what the task returned, or false and its error. */
static int l_join(lua_State *L) {
        struct worker *w = worker_of(L);
        uint64_t tid = (uint64_t)luaL_checkinteger(L, 1);
        uint64_t deadline_us = api_check_deadline(L, 2);
        api_begin(L);
        luaL_argcheck(L, tid != w->vm.task->tid, 1, "a task cannot join itself");
        lua_settop(L, 2);
        struct task *other = sched_find_task(&w->sched, tid);
        if (!other || !other->is_joinable)
                return join_continue(L, LUA_OK, 0);
        hijack_check(L);
        return api_block(L, &other->joiners, deadline_us, 0, join_continue);
}

static int l_tid(lua_State *L) {
        api_begin(L);
        lua_pushinteger(L, (lua_Integer)vm_of(L)->task->tid);
        return 1;
}

/* kill_task(tid): its coroutine never runs again. */
static int l_kill_task(lua_State *L) {
        struct worker *w = worker_of(L);
        uint64_t tid = (uint64_t)luaL_checkinteger(L, 1);
        api_begin(L);
        struct task *t = sched_find_task(&w->sched, tid);
        if (!t)
                return api_refuse(L, STATUS_NOTFOUND, "no such task");
        if (t == w->vm.task)
                return luaL_error(L, "a task cannot kill itself; return from it");
        t->is_killed = true;
        worker_interrupt(w, t);
        lua_pushboolean(L, true);
        return 1;
}

/* ---- ends ---------------------------------------------------------------------------------- */

static int l_exit(lua_State *L) {
        lua_Integer status = luaL_optinteger(L, 1, 0);
        luaL_argcheck(L, status >= 0 && status <= LIMIT_EXIT_STATUS, 1,
                      "an exit status is 0 to 63");
        api_begin(L);
        worker_exit(worker_of(L), (uint32_t)status, EXIT_REASON_EXIT, NULL);
}

/* fail(message): a runtime could not be set up. */
static int l_fail_runtime(lua_State *L) {
        worker_exit(worker_of(L), 1, EXIT_REASON_RUNTIME, luaL_checkstring(L, 1));
}

/* The error that the task ended with. */
static void push_error(lua_State *L, struct task *t) {
        lua_State *co = t->coroutine;
        if (t->is_killed && api_group_push_error(L, t))
                return;
        if (!co || lua_gettop(co) == 0) {
                lua_pushliteral(L, "killed");
                return;
        }
        lua_pushvalue(co, -1);
        lua_xmove(co, L, 1);
}

/* The error at the top as text, in lua(1)'s words when it has none. */
static void push_message(lua_State *L) {
        bool has_text = lua_isstring(L, -1);
        if (!has_text && luaL_getmetafield(L, -1, "__tostring") != LUA_TNIL) {
                lua_pop(L, 1);
                has_text = true;
        }
        if (has_text)
                luaL_tolstring(L, -1, NULL);
        else
                lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, -1));
}

/* The error that the task ended with, as text. */
static const char *push_failure(lua_State *L, struct task *t, bool has_traceback) {
        push_error(L, t);
        push_message(L);
        lua_remove(L, -2);
        if (has_traceback && t->coroutine)
                vm_traceback(L, t->coroutine, 0, API_TRACEBACK_LEVELS);
        return lua_tostring(L, -1);
}

/* By its first line: "hello:3: memory limit exceeded (...". */
static enum exit_reason reason_of(const char *message) {
        const char *memory = strstr(message, VM_MEMORY_MESSAGE),
                   *cpu = strstr(message, VM_CPU_MESSAGE);
        size_t first_line = strcspn(message, "\n");
        if (memory && (size_t)(memory - message) < first_line)
                return EXIT_REASON_MEMORY;
        return cpu && (size_t)(cpu - message) < first_line ? EXIT_REASON_CPU : EXIT_REASON_ERROR;
}

static void finish_main(lua_State *L, struct worker *w, struct task *t, int status) {
        lua_State *co = t->coroutine;
        if (status != LUA_OK) {
                const char *message = push_failure(L, t, true);
                worker_fail_in(w, co ? co : L, reason_of(message), message);
        }
        if (!lua_isinteger(co, 1))
                return;
        lua_Integer n = lua_tointeger(co, 1);
        if (n < 0 || n > LIMIT_EXIT_STATUS)
                worker_exit(w, 1, EXIT_REASON_ERROR,
                            lua_pushfstring(L, "the program returned %I: an exit status is 0 to 63",
                                            n));
        w->exit_status = (uint32_t)n;
}

static void finish_handler(lua_State *L, struct worker *w, struct task *t, int status) {
        if (status == LUA_OK)
                return;
        const char *message = push_failure(L, t, false);
        if (t->call->served)
                worker_sent(w,
                            syscall_refuse(&w->syscalls, t->call->served, STATUS_ERROR, message));
}

/* Pushes onto `to` whether the task did well and what it returned, or its error; how many values. */
static int push_result(lua_State *L, struct task *t, int status, lua_State *to) {
        lua_State *co = t->coroutine;
        int n = status == LUA_OK ? lua_gettop(co) : 1;
        if (!lua_checkstack(to, n + LUA_MINSTACK))
                return 0;
        lua_pushboolean(to, status == LUA_OK);
        for (int i = 1; i <= n && status == LUA_OK; i++) {
                lua_pushvalue(co, i);
                lua_xmove(co, to, 1);
        }
        if (status == LUA_OK)
                return n + 1;
        push_error(L, t);
        if (L != to)
                lua_xmove(L, to, 1);
        return n + 1;
}

/* Until somebody joins the task, or many others have ended after it. */
static void keep_result(lua_State *L, struct worker *w, struct task *t, int status) {
        int first = lua_gettop(L) + 1;
        int n = push_result(L, t, status, L);
        lua_createtable(L, n, 1);
        lua_insert(L, first);
        for (int i = n; i >= 1; i--)
                lua_rawseti(L, first, i);
        lua_pushinteger(L, n);
        lua_setfield(L, first, "n");
        lua_getfield(L, LUA_REGISTRYINDEX, TASK_RESULTS);
        lua_insert(L, first);
        lua_rawseti(L, first, (lua_Integer)t->tid);
        uint64_t *place = &w->kept_results[w->n_results++ % WORKER_RESULTS_MAX];
        lua_pushnil(L);
        lua_rawseti(L, first, (lua_Integer)*place);
        *place = t->tid;
        lua_settop(L, first - 1);
}

/* Those who wait for the task get its result on their stacks. */
static void give_result(lua_State *L, struct worker *w, struct task *t, int status) {
        while (!list_is_empty(&t->joiners)) {
                struct task *joiner = container_of(t->joiners.next, struct task, state_link);
                push_result(L, t, status, joiner->stack);
                sched_wake(&w->sched, joiner, NULL);
        }
}

/* An error that no joiner is waiting for would otherwise be lost. */
static void log_failure(lua_State *L, struct worker *w, struct task *t) {
        static const char endpoint[] = "log";
        struct syscalls *s = &w->syscalls;
        struct wire_call call = { .handle = 1, .flags = WIRE_FLAG_ONEWAY | s->priority };
        call.name = (const uint8_t *)endpoint;
        call.name_len = strlen(endpoint);
        lua_pushfstring(L, "task %I: %s", (lua_Integer)t->tid, push_failure(L, t, true));
        syscall_clear_values(s);
        uint64_t cid;
        if (value_put_text(&s->values, "error") == 0 &&
            value_put_text(&s->values, lua_tostring(L, -1)) == 0)
                worker_sent(w, syscall_call(s, &call, PENDING_KIND_EVENT, NULL, &cid));
}

static void finish_spawned(lua_State *L, struct worker *w, struct task *t, int status) {
        bool has_failed = status != LUA_OK && !t->is_killed;
        if (has_failed && list_is_empty(&t->joiners) && !api_group_has_joiner(t))
                log_failure(L, w, t);
        if (list_is_empty(&t->joiners))
                keep_result(L, w, t, status);
        else
                give_result(L, w, t, status);
        if (has_failed)
                push_error(L, t);
        api_group_end_task(L, w, t, has_failed);
}

struct finish {
        struct task *task;
        int status;
};

static int l_finish(lua_State *L) {
        const struct finish *f = lua_touserdata(L, 1);
        struct worker *w = worker_of(L);
        if (f->task == w->main_task)
                finish_main(L, w, f->task, f->status);
        else if (f->task->binding)
                finish_handler(L, w, f->task, f->status);
        else
                finish_spawned(L, w, f->task, f->status);
        return 0;
}

void api_finish_task(struct worker *w, struct task *t, int status) {
        struct finish f = { .task = t, .status = status };
        bool is_silent = t->binding && status == LUA_OK;
        char *message = NULL;
        if (is_silent || vm_protect(&w->vm, l_finish, &f, &message) == VM_OK)
                return;
        worker_exit(w, 1, EXIT_REASON_ERROR, message);
}

void api_open_task(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "spawn", l_spawn }, { "join", l_join },
                { "tid", l_tid },     { "kill_task", l_kill_task },
                { "exit", l_exit },   { "fail_runtime", l_fail_runtime },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
        lua_newtable(L);
        lua_setfield(L, LUA_REGISTRYINDEX, TASK_RESULTS);
}
