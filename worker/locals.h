/*
 * locals.h - what the functions of a coroutine have in their local variables, as text for the report of
 * a program's end. Runs no code of the program and needs no memory.
 */
#pragma once

#include <lua.h>
#include <stddef.h>

/* The innermost functions that have any, innermost first, each after its place:
 *     bot:12: n = 3, name = "x", rows = table
 * At most `size` - 1 bytes; what has no room is left out. */
void locals_write(lua_State *on, char *text, size_t size);
