/*
 * capture.h - os.capture: a program plays the system for a coroutine of its own. What the coroutine
 * asks of the system is handed to the capturer as a request, a kind and arguments; what the capturer
 * passes back is what the function inside returns. os.syscall performs a request for real.
 *
 * A request is a function of the API: its kind is the function's name ("channel.recv" for a method),
 * its arguments are those of the function. Every function in the prelude's list of what os has, and
 * every method of a class, is one without any code of its own for it, as long as it does what all have
 * to do: check its arguments, then call api_begin (or hijack_check, when it waits), then act. A
 * function that never does asks nothing of anybody and is not captured: os.handle, or receiving what a
 * channel has. What is built of calls (os.rpc, print, and functions in the prelude) is captured as
 * those calls and the pulls of their answers.
 *
 * Inside a capture nothing is parked and nothing sent. Captures may lie within each other: a request
 * goes to the innermost.
 */
#pragma once

#include <lua.h>

/* Adds capture, syscall, preempt and yield, and what the prelude needs. */
void capture_open(lua_State *L);

/* Pushes the capturable function that `fn`, of no upvalues, is as a request of that kind. */
void capture_push(lua_State *L, const char *kind, lua_CFunction fn);

/* Inside a capture: hands the function that runs to the capturer and returns from it with what comes
 * back; does not return here. Raises where no yield is possible. */
int capture_request(lua_State *L);

/* Inside a capture: makes the top `n` values, a kind and arguments, a request; `k` finds what comes back
 * instead of them. To be returned. */
int capture_yield(lua_State *L, int n, lua_KContext ctx, lua_KFunction k);

/* Inside a capture, the call whose context, name and arguments lie from index 2 up: a request "call",
 * then a request "pull" of its answer. `k` finds above index 1 a status and values or a message. To be
 * returned. */
int capture_call(lua_State *L, lua_KFunction k);
