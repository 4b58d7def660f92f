/*
 * coroutine.h - what the worker knows of a coroutine beyond Lua: who may go on with it, and running it
 * so that a yield is told apart by whom it is for. The coroutine library (hijack.c), the scheduler's
 * tasks and captures (capture.c) stand on this.
 *
 * A coroutine that waits for something of the system is an ordinary suspended one to Lua, so it is
 * marked: as parked, when the coroutine around it goes on with it; as captured, when os.capture does.
 * Nobody else may, because what he passed would be taken for the system's answer. What os.capture has
 * run stays marked until it has returned: an error's pending closes are under the capture as well.
 */
#pragma once

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/vm.h"

enum coroutine_status {
        COROUTINE_STATUS_RUNNING,
        COROUTINE_STATUS_DEAD,
        COROUTINE_STATUS_SUSPENDED,
        COROUTINE_STATUS_NORMAL,
        _COROUTINE_STATUS_N,
};
const char *coroutine_status_name(enum coroutine_status status);

enum coroutine_result {
        COROUTINE_RESULT_ENDED,   /* its values lie on it */
        COROUTINE_RESULT_ERROR,   /* its error lies on it */
        COROUTINE_RESULT_YIELDED, /* the program's own yield; its values lie on it */
        COROUTINE_RESULT_PASSING, /* a yield for somebody further out; its values lie on it */
};

bool coroutine_is_parked(lua_State *co); /* or captured */
bool coroutine_is_captured(lua_State *co);
bool coroutine_is_closing(lua_State *co);
uint64_t coroutine_park_serial(lua_State *co);
void coroutine_mark_parked(lua_State *co, uint64_t serial);
void coroutine_mark_captured(lua_State *co, uint64_t serial);
/* Whoever holds it may resume it. */
void coroutine_mark_free(struct vm *vm, lua_State *co);

/* As seen by `L`, which runs. */
enum coroutine_status coroutine_status(lua_State *L, lua_State *co);

/* Resumes `co`, free to be resumed, with the top `n_args` values of its stack. */
enum coroutine_result coroutine_resume(lua_State *L, lua_State *co, int n_args, int *ret_n);

/* Runs its pending closes, for `L` (NULL: for the scheduler); it is dead afterwards. Those of a captured
 * one can make no requests. A status of Lua; an error lies on `co`. */
int coroutine_close(struct vm *vm, lua_State *L, lua_State *co);
