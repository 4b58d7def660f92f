/*
 * literal.h - a word of the command line as a Lua value: numbers, true, false and nil as in Lua, a
 * quoted string without its quotes, everything else as a string.
 */
#pragma once

#include "libipc/base/buf.h"

/* Appends one value; 0 or -errno of the buffer. */
int literal_put(struct buf *values, const char *word);
