/*
 * coroutine.c - see coroutine.h. A Lua file: errors jump out of lua_* calls.
 *
 * The extra space of a coroutine is one word: the address of its struct vm while it may run or be
 * resumed (with FLAG_CLOSING while its pending closes run), or, while it waits, the serial of that
 * wait with FLAG_PARKED, and with FLAG_CAPTURED when os.capture is to go on with it. A serial is never
 * used again, so a mark that outlived its task matches nothing.
 *
 * `vm->yield` tells the kinds of yield apart. It is set immediately before each lua_yield and read
 * immediately after the lua_resume that sees it; values never carry a marker.
 */
#include "worker/coroutine.h"

#include <assert.h>

#include "libipc/base/macros.h"

#define FLAG_PARKED 1u
#define FLAG_CLOSING 2u  /* without FLAG_PARKED */
#define FLAG_CAPTURED 2u /* with FLAG_PARKED */
#define FLAG_BITS 2

static const char *const coroutine_status_names[] = {
        [COROUTINE_STATUS_RUNNING] = "running",
        [COROUTINE_STATUS_DEAD] = "dead",
        [COROUTINE_STATUS_SUSPENDED] = "suspended",
        [COROUTINE_STATUS_NORMAL] = "normal",
};
static_assert(ARRAY_SIZE(coroutine_status_names) == _COROUTINE_STATUS_N, "one name per status");

const char *coroutine_status_name(enum coroutine_status status) {
        return coroutine_status_names[status];
}

/* ---- marks --------------------------------------------------------------------------------- */

static uintptr_t *coroutine_word(lua_State *co) {
        return lua_getextraspace(co);
}

bool coroutine_is_parked(lua_State *co) {
        return (*coroutine_word(co) & FLAG_PARKED) != 0;
}

bool coroutine_is_captured(lua_State *co) {
        return coroutine_is_parked(co) && (*coroutine_word(co) & FLAG_CAPTURED) != 0;
}

bool coroutine_is_closing(lua_State *co) {
        return !coroutine_is_parked(co) && (*coroutine_word(co) & FLAG_CLOSING) != 0;
}

uint64_t coroutine_park_serial(lua_State *co) {
        return *coroutine_word(co) >> FLAG_BITS;
}

void coroutine_mark_parked(lua_State *co, uint64_t serial) {
        *coroutine_word(co) = serial << FLAG_BITS | FLAG_PARKED;
}

void coroutine_mark_captured(lua_State *co, uint64_t serial) {
        *coroutine_word(co) = serial << FLAG_BITS | FLAG_PARKED | FLAG_CAPTURED;
}

void coroutine_mark_free(struct vm *vm, lua_State *co) {
        *coroutine_word(co) = (uintptr_t)vm;
}

enum coroutine_status coroutine_status(lua_State *L, lua_State *co) {
        lua_Debug ar;
        if (co == L)
                return COROUTINE_STATUS_RUNNING;
        if (coroutine_is_captured(co) && lua_status(co) == LUA_YIELD)
                return COROUTINE_STATUS_SUSPENDED;
        if (coroutine_is_captured(co))
                return COROUTINE_STATUS_DEAD;
        if (coroutine_is_parked(co) || coroutine_is_closing(co))
                return COROUTINE_STATUS_NORMAL;
        if (lua_status(co) == LUA_YIELD)
                return COROUTINE_STATUS_SUSPENDED;
        if (lua_status(co) != LUA_OK)
                return COROUTINE_STATUS_DEAD;
        if (lua_getstack(co, 0, &ar))
                return COROUTINE_STATUS_NORMAL;
        return lua_gettop(co) == 0 ? COROUTINE_STATUS_DEAD : COROUTINE_STATUS_SUSPENDED;
}

/* ---- running ------------------------------------------------------------------------------- */

enum coroutine_result coroutine_resume(lua_State *L, lua_State *co, int n_args, int *ret_n) {
        struct vm *vm = vm_of(L);
        vm_set_current(vm, co);
        int status = lua_resume(co, L, n_args, ret_n);
        vm_set_current(vm, L);
        if (status == LUA_OK)
                return COROUTINE_RESULT_ENDED;
        if (status != LUA_YIELD)
                return COROUTINE_RESULT_ERROR;
        if (vm->yield == VM_YIELD_BASIC)
                return COROUTINE_RESULT_YIELDED;
        return COROUTINE_RESULT_PASSING;
}

int coroutine_close(struct vm *vm, lua_State *L, lua_State *co) {
        lua_State *captured = vm->captured;
        if (coroutine_is_captured(co))
                vm->captured = co;
        vm->n_closing++;
        *coroutine_word(co) = (uintptr_t)vm | FLAG_CLOSING;
        vm_set_current(vm, co);
        int status = lua_resetthread(co);
        vm_set_current(vm, L);
        coroutine_mark_free(vm, co);
        vm->n_closing--;
        vm->captured = captured;
        return status;
}
