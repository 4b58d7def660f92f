/*
 * capture.c - see capture.h. A Lua file: errors jump out of lua_* calls.
 *
 * A request leaves its function in the middle, after the checks, when the function has done to its
 * stack what it likes. So while something captures, l_capturable keeps the arguments as they came, in
 * a coroutine that never runs; vm->kept_base is where those of the innermost capture begin. Only a
 * function that could be captured there and then keeps any, so nothing that it calls while it checks,
 * a metamethod say, keeps others over them.
 */
#include "worker/capture.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdint.h>

#include "libipc/status.h"
#include "worker/api.h"
#include "worker/coroutine.h"
#include "worker/hijack.h"

#define CAPTURE_REQUESTS "thox.requests" /* registry: kind → function */
#define CAPTURE_KEPT "thox.kept"         /* registry: vm->kept */
#define UPVALUE_FUNCTION 1               /* after the words */
#define UPVALUE_KIND 2

/* ---- requests ------------------------------------------------------------------------------ */

static void keep_arguments(lua_State *L, int kind) {
        struct vm *vm = vm_of(L);
        int n = lua_gettop(L);
        lua_settop(vm->kept, vm->kept_base);
        luaL_checkstack(L, n + 1, "too many arguments");
        if (!lua_checkstack(vm->kept, n + 1))
                luaL_error(L, "too many arguments");
        lua_pushvalue(L, lua_upvalueindex(kind));
        for (int i = 1; i <= n; i++)
                lua_pushvalue(L, i);
        lua_xmove(L, vm->kept, n + 1);
}

static int run_capturable(lua_State *L, int n_words) {
        if (vm_of(L)->captured && hijack_can_park(L))
                keep_arguments(L, n_words + UPVALUE_KIND);
        return lua_tocfunction(L, lua_upvalueindex(n_words + UPVALUE_FUNCTION))(L);
}

/* What every capturable function is to the program: in the same frame, so that errors tell of it, and
 * with the same upvalues, which are words or none. */
static int l_capturable(lua_State *L) {
        return run_capturable(L, 0);
}

static int l_capturable_worded(lua_State *L) {
        return run_capturable(L, _API_WORD_N);
}

/* Adds to the known requests what is at the top. */
static void add_request(lua_State *L, const char *kind) {
        luaL_getsubtable(L, LUA_REGISTRYINDEX, CAPTURE_REQUESTS);
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, kind);
        lua_pop(L, 1);
}

void capture_push(lua_State *L, const char *kind, lua_CFunction fn) {
        lua_pushcfunction(L, fn);
        lua_pushstring(L, kind);
        lua_pushcclosure(L, l_capturable, 2);
        add_request(L, kind);
}

/* capturable(kind, fn): the function to give to programs; os.syscall knows it by its kind. */
static int l_make_capturable(lua_State *L) {
        const char *kind = luaL_checkstring(L, 1);
        lua_CFunction fn = lua_tocfunction(L, 2);
        int n_words = 0;
        luaL_argcheck(L, fn, 2, "a C function is needed");
        lua_settop(L, 2);
        while (lua_getupvalue(L, 2, n_words + 1))
                n_words++;
        lua_pushcfunction(L, fn);
        lua_pushvalue(L, 1);
        assert(n_words == 0 || n_words == _API_WORD_N);
        lua_pushcclosure(L, n_words == 0 ? l_capturable : l_capturable_worded, n_words + 2);
        add_request(L, kind);
        return 1;
}

static bool is_capturable_running(lua_State *L) {
        lua_Debug ar;
        lua_getstack(L, 0, &ar);
        lua_getinfo(L, "f", &ar);
        lua_CFunction fn = lua_tocfunction(L, -1);
        lua_pop(L, 1);
        return fn == l_capturable || fn == l_capturable_worded;
}

int capture_yield(lua_State *L, int n, lua_KContext ctx, lua_KFunction k) {
        struct vm *vm = vm_of(L);
        if (!hijack_can_park(L))
                return hijack_refuse(L);
        vm->park_serial++;
        vm->yield = VM_YIELD_REQUEST;
        return lua_yieldk(L, n, ctx, k);
}

static int return_all(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return lua_gettop(L);
}

int capture_request(lua_State *L) {
        struct vm *vm = vm_of(L);
        if (!hijack_can_park(L))
                return hijack_refuse(L);
        if (!is_capturable_running(L))
                return luaL_error(L, "this cannot be captured");
        int n = lua_gettop(vm->kept) - vm->kept_base;
        lua_settop(L, 0);
        luaL_checkstack(L, n, "too many arguments");
        lua_xmove(vm->kept, L, n);
        return capture_yield(L, n, 0, return_all);
}

/* ---- calls --------------------------------------------------------------------------------- */

static int finish_call(lua_State *L, lua_KContext k, uint32_t status, const char *message) {
        lua_settop(L, 1);
        lua_pushinteger(L, status);
        lua_pushstring(L, message);
        return ((lua_KFunction)k)(L, LUA_YIELD, 0);
}

static bool is_status(lua_State *L, int index) {
        lua_Integer n = lua_tointeger(L, index);
        return lua_isinteger(L, index) && n >= 0 && n <= UINT32_MAX;
}

static void get_raw(lua_State *L, int index, const char *key) {
        lua_pushstring(L, key);
        lua_rawget(L, index);
}

/* The fields of the answer event at index 2 as a status and values: their number, or -1. */
static int push_event_values(lua_State *L) {
        get_raw(L, 2, "status_code");
        get_raw(L, 2, "args");
        if (!is_status(L, 3) || !lua_istable(L, 4))
                return -1;
        get_raw(L, 4, "n");
        lua_Integer n = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : (lua_Integer)lua_rawlen(L, 4);
        if (n < 0 || n > INT16_MAX)
                return -1;
        luaL_checkstack(L, (int)n, "too many values in an answer");
        lua_settop(L, 4);
        for (lua_Integer i = 1; i <= n; i++)
                lua_rawgeti(L, 4, i);
        lua_remove(L, 4);
        lua_remove(L, 2);
        return (int)n;
}

static int call_on_event(lua_State *L, int status UNUSED, lua_KContext k) {
        lua_settop(L, 2);
        if (!lua_istable(L, 2) || push_event_values(L) < 0)
                return finish_call(L, k, STATUS_PROTO,
                                   "the capture answered the pull of a call with no answer event");
        return ((lua_KFunction)k)(L, LUA_YIELD, 0);
}

static int call_on_cid(lua_State *L, int status UNUSED, lua_KContext k) {
        if (lua_isinteger(L, 2)) {
                lua_settop(L, 2);
                lua_pushliteral(L, "pull");
                lua_insert(L, 2);
                return capture_yield(L, 2, k, call_on_event);
        }
        if (!is_status(L, 3) || lua_tointeger(L, 3) == STATUS_OK)
                return finish_call(L, k, STATUS_PROTO, "the capture gave no cid");
        uint32_t refusal = (uint32_t)lua_tointeger(L, 3);
        return finish_call(L, k, refusal,
                           lua_isstring(L, 4) ? lua_tostring(L, 4) : status_text(refusal));
}

int capture_call(lua_State *L, lua_KFunction k) {
        lua_pushliteral(L, "call");
        lua_insert(L, 2);
        return capture_yield(L, lua_gettop(L) - 1, (lua_KContext)k, call_on_cid);
}

/* ---- capture ------------------------------------------------------------------------------- */

static enum coroutine_result capture_run(lua_State *L, lua_State *co, int n_args, int *ret_n) {
        struct vm *vm = vm_of(L);
        lua_State *captured = vm->captured;
        unsigned n_boundaries = vm->n_boundaries;
        int kept_base = vm->kept_base;
        vm->captured = co;
        vm->n_boundaries = 0; /* requests end here: what is further out does not concern them */
        vm->kept_base = lua_gettop(vm->kept);
        enum coroutine_result result = coroutine_resume(L, co, n_args, ret_n);
        lua_settop(vm->kept, vm->kept_base);
        vm->captured = captured;
        vm->n_boundaries = n_boundaries;
        vm->kept_base = kept_base;
        return result;
}

static int return_preempt(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        lua_pushliteral(L, "preempt");
        return 1;
}

/* The slice is over for every level: those further out are asked first. Each gives way once here, and
 * none later; otherwise the turns would double with each level. */
static int finish_preempt(lua_State *L) {
        struct worker *w = worker_of(L);
        if ((w->vm.captured || sched_has_runnable(&w->sched)) && hijack_can_park(L))
                return hijack_give_way(L, return_preempt);
        return return_preempt(L, LUA_OK, 0);
}

static int return_kind(lua_State *L, lua_State *co, const char *kind, int n) {
        lua_settop(L, 1);
        luaL_checkstack(L, n + 1, "too many results to capture");
        if (kind)
                lua_pushstring(L, kind);
        lua_xmove(co, L, n);
        return lua_gettop(L) - 1;
}

static int push_failure(lua_State *L, const char *message) {
        lua_pushliteral(L, "error");
        lua_pushstring(L, message);
        return 2;
}

/* capture(co, ...) */
static int l_capture(lua_State *L) {
        lua_State *co = lua_tothread(L, 1);
        luaL_argexpected(L, co, 1, "thread");
        int n_args = lua_gettop(L) - 1, n;
        enum coroutine_status status = coroutine_status(L, co);
        if (status != COROUTINE_STATUS_SUSPENDED && status != COROUTINE_STATUS_DEAD)
                return push_failure(L, "cannot resume non-suspended coroutine");
        if (!lua_checkstack(co, n_args))
                return push_failure(L, "too many arguments to capture");
        sched_arm(&worker_of(L)->sched);
        if (coroutine_is_captured(co))
                coroutine_mark_free(vm_of(L), co);
        lua_xmove(L, co, n_args);
        enum coroutine_result result = capture_run(L, co, n_args, &n);
        if (result == COROUTINE_RESULT_ENDED)
                return return_kind(L, co, "return", n);
        struct vm *vm = vm_of(L);
        enum vm_yield yield = vm->yield;
        coroutine_mark_captured(co, ++vm->park_serial);
        if (result == COROUTINE_RESULT_ERROR)
                return return_kind(L, co, "error", 1);
        if (result == COROUTINE_RESULT_YIELDED)
                return return_kind(L, co, "yield", n);
        return yield == VM_YIELD_PREEMPT ? finish_preempt(L) : return_kind(L, co, NULL, n);
}

/* syscall(kind, ...) */
static int l_syscall(lua_State *L) {
        luaL_checkstring(L, 1);
        lua_getfield(L, LUA_REGISTRYINDEX, CAPTURE_REQUESTS);
        lua_pushvalue(L, 1);
        if (lua_rawget(L, -2) != LUA_TFUNCTION)
                return luaL_error(L, "bad argument #1 to 'syscall' ('%s' is no kind of request)",
                                  lua_tostring(L, 1));
        lua_replace(L, 1);
        lua_pop(L, 1);
        lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, return_all);
        return return_all(L, LUA_OK, 0);
}

/* What os.syscall("preempt") performs: nothing, because os.capture has given way before it said so. */
static int l_preempt(lua_State *L UNUSED) {
        return 0;
}

static int return_nothing(lua_State *L UNUSED, int status UNUSED, lua_KContext ctx UNUSED) {
        return 0;
}

/* What os.syscall("yield", ...) performs: what a yield of a task itself does, the others' turn. */
static int l_yield(lua_State *L) {
        if (!hijack_can_park(L))
                return hijack_refuse(L);
        return hijack_give_way(L, return_nothing);
}

/* runner(): a number for what runs beside others: a task, or the coroutine of a capture. */
static int l_runner(lua_State *L) {
        const struct vm *vm = vm_of(L);
        lua_State *co = vm->captured ? vm->captured : vm->task->coroutine;
        lua_pushinteger(L, (lua_Integer)(uintptr_t)co);
        return 1;
}

/* is_captured() */
static int l_is_captured(lua_State *L) {
        lua_pushboolean(L, vm_of(L)->captured != NULL);
        return 1;
}

void capture_open(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "capture", l_capture },
                { "syscall", l_syscall },
                { "preempt", l_preempt },
                { "yield", l_yield },
                { "capturable", l_make_capturable },
                { "runner", l_runner },
                { "is_captured", l_is_captured },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
        vm_of(L)->kept = lua_newthread(L);
        lua_setfield(L, LUA_REGISTRYINDEX, CAPTURE_KEPT);
}
