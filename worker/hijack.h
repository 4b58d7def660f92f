/*
 * hijack.h - the coroutine library that programs see, and how the scheduler runs a task.
 *
 * A syscall that waits, or the end of a slice, parks the whole chain of coroutines from the innermost
 * to the task's own: each hijacked resume between passes the yield outward and, when the task runs
 * again, goes back in. No level of the program's own notices.
 *
 * A parked coroutine cannot be resumed by anybody else (coroutine.h), its status is "normal", and
 * closing it cancels what it waits for.
 */
#pragma once

#include <lua.h>
#include <stdbool.h>

struct task;
struct vm;
struct worker;

/* Pushes the library. */
int hijack_open(lua_State *L);

/* What api_begin is for functions that wait: also raises "syscall across a C-call boundary" when the
 * running coroutine cannot be parked. */
void hijack_check(lua_State *L);
bool hijack_can_park(lua_State *L);
int hijack_refuse(lua_State *L); /* raises that; does not return */

/* Leaves the running task, whose state says what it waits for; `k` continues on L with its stack
 * unchanged. To be returned: `return hijack_park(L, ctx, k);` */
int hijack_park(lua_State *L, lua_KContext ctx, lua_KFunction k);
/* From the hook: the slice is over. */
void hijack_preempt(lua_State *L);
/* The same of one's own will; to be returned, `k` continues. */
int hijack_give_way(lua_State *L, lua_KFunction k);

/* One slice of a task. Afterwards it waits, is in the run queue again, or has ended and is freed. An
 * uncaught error of the main task ends the process. */
void hijack_run(struct worker *w, struct task *t);
