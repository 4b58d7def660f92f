/*
 * literal.h - a word of the command line as a Lua value: numbers, true, false, nil, quoted strings and
 * tables as in Lua, everything else as a string.
 */
#pragma once

#include "libipc/base/buf.h"
#include "thoxctl/command.h"

enum literal_error {
        LITERAL_OK = 0,
        LITERAL_E_SYNTAX = 1, /* it begins like a table and is none */
};

/* Appends one value. 0, LITERAL_E_SYNTAX, or -errno of the buffer. */
int literal_put(struct buf *values, const char *word);
/* Reports LITERAL_E_SYNTAX. */
int literal_misused(const struct invocation *inv, const char *word);
