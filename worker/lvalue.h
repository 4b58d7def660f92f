/*
 * lvalue.h - between Lua values and libipc/value.h. Streaming, no intermediate tree, no recursion. A
 * Lua file: encoding raises on what cannot be sent, before anything is.
 */
#pragma once

#include <lua.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/wire.h"

struct event;
struct syscalls;

/* Writes `n` values from index `first` to s->values and s->caps. Errors name the value by its path:
 * "args[2].x.y: cannot send a function". */
void lvalue_encode(lua_State *L, struct syscalls *s, int first, int n, const char *what);

/* The same for the one value at `index`, whose path begins with `what` alone; all of it is in s->values. */
void lvalue_encode_one(lua_State *L, struct syscalls *s, int index, const char *what);

enum lvalue_target {
        LVALUE_TARGET_STACK,
        LVALUE_TARGET_TABLE, /* one table */
};

/* Pushes the event's values. Returns how many; -1 and nothing pushed when they are malformed. */
int lvalue_decode(lua_State *L, const struct event *e, enum lvalue_target target);
