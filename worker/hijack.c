/*
 * hijack.c - see hijack.h. A Lua file: errors jump out of lua_* calls.
 */
#include "worker/hijack.h"

#include <lauxlib.h>
#include <stdint.h>

#include "libipc/limits.h"
#include "worker/api.h"
#include "worker/capture.h"
#include "worker/coroutine.h"
#include "worker/worker.h"

#define HIJACK_CLOSES_MAX                                                                          \
        64u /* nested: Lua 5.4.4 has no limit of its own and overflows the C stack */

/* ---- parking ------------------------------------------------------------------------------- */

bool hijack_can_park(lua_State *L) {
        return vm_of(L)->n_boundaries == 0 && lua_isyieldable(L) && !coroutine_is_closing(L);
}

void hijack_check(lua_State *L) {
        api_begin(L);
        if (!hijack_can_park(L))
                hijack_refuse(L);
}

int hijack_refuse(lua_State *L) {
        return luaL_error(L, "syscall across a C-call boundary");
}

static void vm_begin_park(struct vm *vm) {
        vm->task->park_serial = ++vm->park_serial;
        vm->yield = VM_YIELD_PARK;
}

/* A capturer is told; without one it is the turn of the other tasks. */
static void vm_begin_preempt(struct vm *vm) {
        if (!vm->captured) {
                vm_begin_park(vm);
                return;
        }
        vm->park_serial++;
        vm->yield = VM_YIELD_PREEMPT;
}

int hijack_park(lua_State *L, lua_KContext ctx, lua_KFunction k) {
        vm_begin_park(vm_of(L));
        return lua_yieldk(L, 0, ctx, k);
}

void hijack_preempt(lua_State *L) {
        vm_begin_preempt(vm_of(L));
        lua_yield(L, 0);
}

int hijack_give_way(lua_State *L, lua_KFunction k) {
        vm_begin_preempt(vm_of(L));
        return lua_yieldk(L, 0, 0, k);
}

/* ---- resume -------------------------------------------------------------------------------- */

static enum coroutine_result resume_run(lua_State *L, lua_State *co, int n_args, int *ret_n) {
        struct vm *vm = vm_of(L);
        bool is_boundary = !lua_isyieldable(L) || coroutine_is_closing(L);
        vm->n_boundaries += is_boundary;
        enum coroutine_result result = coroutine_resume(L, co, n_args, ret_n);
        vm->n_boundaries -= is_boundary;
        if (result == COROUTINE_RESULT_PASSING)
                coroutine_mark_parked(co, vm->park_serial);
        return result;
}

/* On with the yield outward, with its values; `k` continues with what comes back. */
static int resume_pass(lua_State *L, lua_State *co, int n, lua_KFunction k) {
        luaL_checkstack(L, n, "too many arguments of a request");
        lua_xmove(co, L, n);
        return lua_yieldk(L, n, 0, k);
}

static int push_error(lua_State *L, const char *message) {
        lua_pushstring(L, message);
        return -1;
}

/* The outcome on L: the number of values, or -1 with a message. */
static int resume_move(lua_State *L, lua_State *co, enum coroutine_result result, int n) {
        if (result == COROUTINE_RESULT_ERROR) {
                lua_xmove(co, L, 1);
                return -1;
        }
        if (!lua_checkstack(L, n + 1)) {
                lua_pop(co, n);
                return push_error(L, "too many results to resume");
        }
        lua_xmove(co, L, n);
        return n;
}

static int resume_answer(lua_State *L, int n) {
        lua_pushboolean(L, n >= 0);
        lua_insert(L, n >= 0 ? -n - 1 : -2);
        return n >= 0 ? n + 1 : 2;
}

/* Back into the inner coroutine, with the top `n_args` values of L. */
static enum coroutine_result resume_again(lua_State *L, lua_State *co, int n_args, int *ret_n) {
        /* Closed meanwhile: it is not parked any more, and lua_resume calls it dead. */
        if (coroutine_is_parked(co))
                coroutine_mark_free(vm_of(L), co);
        if (!lua_checkstack(co, n_args))
                luaL_error(L, "too many results of a request");
        lua_xmove(L, co, n_args);
        return resume_run(L, co, n_args, ret_n);
}

static int resume_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        lua_State *co = lua_tothread(L, 1);
        int n;
        enum coroutine_result result = resume_again(L, co, lua_gettop(L) - 1, &n);
        if (result == COROUTINE_RESULT_PASSING)
                return resume_pass(L, co, n, resume_continue);
        return resume_answer(L, resume_move(L, co, result, n));
}

static lua_State *check_coroutine(lua_State *L) {
        lua_State *co = lua_tothread(L, 1);
        luaL_argexpected(L, co, 1, "thread");
        return co;
}

/* For somebody else than who resumes it here. A captured one may be dead. */
static bool is_waiting(lua_State *co) {
        return coroutine_is_parked(co) && lua_status(co) == LUA_YIELD;
}

static int l_resume(lua_State *L) {
        lua_State *co = check_coroutine(L);
        int n_args = lua_gettop(L) - 1, n;
        if (is_waiting(co))
                return resume_answer(L, push_error(L, "cannot resume non-suspended coroutine"));
        if (!lua_checkstack(co, n_args))
                return resume_answer(L, push_error(L, "too many arguments to resume"));
        lua_xmove(L, co, n_args);
        enum coroutine_result result = resume_run(L, co, n_args, &n);
        if (result == COROUTINE_RESULT_PASSING)
                return resume_pass(L, co, n, resume_continue);
        return resume_answer(L, resume_move(L, co, result, n));
}

/* ---- wrap ---------------------------------------------------------------------------------- */

static int wrap_answer(lua_State *L, lua_State *co, enum coroutine_result result, int n) {
        n = resume_move(L, co, result, n);
        if (n >= 0)
                return n;
        int status = coroutine_is_parked(co) ? LUA_YIELD : lua_status(co);
        if (status != LUA_OK && status != LUA_YIELD) {
                if (coroutine_close(vm_of(L), L, co) != LUA_OK) {
                        lua_xmove(co, L, 1);
                        lua_replace(L, -2);
                }
        }
        if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
                luaL_where(L, 1);
                lua_insert(L, -2);
                lua_concat(L, 2);
        }
        return lua_error(L);
}

static int wrap_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        lua_State *co = lua_tothread(L, lua_upvalueindex(1));
        int n;
        enum coroutine_result result = resume_again(L, co, lua_gettop(L), &n);
        if (result == COROUTINE_RESULT_PASSING)
                return resume_pass(L, co, n, wrap_continue);
        return wrap_answer(L, co, result, n);
}

static int l_wrapped(lua_State *L) {
        lua_State *co = lua_tothread(L, lua_upvalueindex(1));
        int n_args = lua_gettop(L), n;
        if (is_waiting(co))
                return luaL_error(L, "cannot resume non-suspended coroutine");
        if (!lua_checkstack(co, n_args))
                return luaL_error(L, "too many arguments to resume");
        lua_xmove(L, co, n_args);
        enum coroutine_result result = resume_run(L, co, n_args, &n);
        if (result == COROUTINE_RESULT_PASSING)
                return resume_pass(L, co, n, wrap_continue);
        return wrap_answer(L, co, result, n);
}

/* ---- the rest of the library --------------------------------------------------------------- */

static int l_create(lua_State *L) {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_State *co = lua_newthread(L);
        lua_pushvalue(L, 1);
        lua_xmove(L, co, 1);
        return 1;
}

static int l_wrap(lua_State *L) {
        l_create(L);
        lua_pushcclosure(L, l_wrapped, 1);
        return 1;
}

static int l_yield(lua_State *L) {
        if (coroutine_is_closing(L))
                return luaL_error(L, "attempt to yield across a C-call boundary");
        vm_of(L)->yield = VM_YIELD_BASIC;
        return lua_yield(L, lua_gettop(L));
}

static int l_status(lua_State *L) {
        lua_State *co = check_coroutine(L);
        lua_pushstring(L, coroutine_status_name(coroutine_status(L, co)));
        return 1;
}

/* A task's own coroutine has nobody to yield to: libraries that ask are not to wait for him. */
static int l_isyieldable(lua_State *L) {
        lua_State *co = lua_isnone(L, 1) ? L : check_coroutine(L);
        bool is_main = co == vm_of(L)->task->coroutine;
        lua_pushboolean(L, lua_isyieldable(co) && !coroutine_is_closing(co) && !is_main);
        return 1;
}

static int l_running(lua_State *L) {
        struct task *t = vm_of(L)->task;
        bool is_main = t && t->coroutine == L;
        if (is_main)
                t->is_exposed = true;
        lua_pushthread(L);
        lua_pushboolean(L, is_main);
        return 2;
}

/* A coroutine that waits in a syscall: its task is made to give up that wait, and finds the coroutine
 * dead when it goes back in. */
static void close_parked(lua_State *L, lua_State *co) {
        struct worker *w = worker_of(L);
        struct task *t = sched_find_parked(&w->sched, coroutine_park_serial(co));
        if (!t)
                return;
        if (t->coroutine == co)
                luaL_error(L, "cannot close the main coroutine of a task; use os.kill{tid=%d}",
                           (int)t->tid);
        worker_interrupt(w, t);
}

static int l_close(lua_State *L) {
        lua_State *co = check_coroutine(L);
        struct vm *vm = vm_of(L);
        if (coroutine_is_parked(co) && !coroutine_is_captured(co)) {
                close_parked(L, co);
        } else {
                enum coroutine_status status = coroutine_status(L, co);
                if (status != COROUTINE_STATUS_DEAD && status != COROUTINE_STATUS_SUSPENDED)
                        return luaL_error(L, "cannot close a %s coroutine",
                                          coroutine_status_name(status));
        }
        if (vm->n_closing >= HIJACK_CLOSES_MAX)
                return luaL_error(L, "too many nested closes (limit %d)", (int)HIJACK_CLOSES_MAX);
        int status = coroutine_close(vm, L, co);
        lua_pushboolean(L, status == LUA_OK);
        if (status == LUA_OK)
                return 1;
        lua_xmove(co, L, 1);
        return 2;
}

int hijack_open(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "close", l_close },     { "create", l_create }, { "resume", l_resume },
                { "running", l_running }, { "status", l_status }, { "isyieldable", l_isyieldable },
                { "wrap", l_wrap },       { "yield", l_yield },   { NULL, NULL },
        };
        luaL_newlib(L, functions);
        return 1;
}

/* ---- tasks --------------------------------------------------------------------------------- */

static int l_new_coroutine(lua_State *L) {
        struct task *t = lua_touserdata(L, 1);
        lua_State *co = lua_newthread(L);
        t->coroutine_ref = luaL_ref(L, LUA_REGISTRYINDEX);
        t->coroutine = co;
        return 0;
}

/* Handler tasks get their coroutine here; a used one when there is one. */
static bool task_prepare(struct worker *w, struct task *t) {
        if (t->coroutine)
                return true;
        if (w->n_spares > 0) {
                w->n_spares--;
                t->coroutine = w->spares[w->n_spares];
                t->coroutine_ref = w->spare_refs[w->n_spares];
        } else if (vm_protect(&w->vm, l_new_coroutine, t, NULL) != VM_OK) {
                return false;
        }
        lua_pushcfunction(t->coroutine, api_serve);
        return true;
}

static void task_release_coroutine(struct worker *w, struct task *t, bool is_reusable) {
        if (is_reusable && !t->is_exposed && w->n_spares < WORKER_SPARE_COROUTINES) {
                w->spares[w->n_spares] = t->coroutine;
                w->spare_refs[w->n_spares++] = t->coroutine_ref;
        } else {
                vm_unref(&w->vm, t->coroutine_ref);
        }
        t->coroutine = NULL;
}

static void task_end(struct worker *w, struct task *t, int status) {
        bool is_handler = t->binding;
        api_finish_task(w, t, status);
        lua_settop(t->coroutine, status == LUA_OK ? 0 : lua_gettop(t->coroutine));
        task_release_coroutine(w, t, is_handler && status == LUA_OK);
        worker_end_task(w, t);
}

/* Its coroutine never runs again: pending closes run here, on the main thread's account. */
static void task_kill(struct worker *w, struct task *t) {
        if (t->coroutine) {
                w->vm.task = t;
                coroutine_close(&w->vm, NULL, t->coroutine);
                w->vm.task = NULL;
                lua_settop(t->coroutine, 0);
                lua_pushliteral(t->coroutine, "killed");
        }
        api_finish_task(w, t, LUA_ERRRUN);
        if (t->coroutine)
                task_release_coroutine(w, t, false);
        worker_end_task(w, t);
}

/* It gave way, and waits for nothing. */
static bool hijack_goes_on(const struct task *t) {
        return t->state == TASK_STATE_RUNNING || t->state == TASK_STATE_RUNNABLE;
}

void hijack_run(struct worker *w, struct task *t) {
        struct vm *vm = &w->vm;
        if (t->is_killed || !task_prepare(w, t)) {
                task_kill(w, t);
                return;
        }
        lua_State *co = t->coroutine;
        int n_args = t->n_args, n;
        t->n_args = 0;
        coroutine_mark_free(vm, co);
        vm->task = t;
        vm_set_current(vm, co);
        cpu_begin(&w->cpu, t);
        int status = lua_resume(co, vm->main, n_args, &n);
        vm->current = NULL;
        cpu_end(&w->cpu, t, status == LUA_YIELD && hijack_goes_on(t));
        if (status != LUA_YIELD) {
                task_end(w, t, status);
                vm->task = NULL;
                return;
        }
        vm->task = NULL;
        if (vm->yield == VM_YIELD_BASIC) {
                /* A yield that nobody resumed: the rest of the slice goes to the others. */
                lua_pop(co, n);
                t->park_serial = ++vm->park_serial;
        }
        coroutine_mark_parked(co, t->park_serial);
        if (t->is_killed)
                worker_interrupt(w, t);
        if (t->state == TASK_STATE_RUNNING)
                sched_wake(&w->sched, t, NULL);
}
