/*
 * prelude.h - lua/prelude.lua, embedded by the build.
 */
#pragma once

#include <stddef.h>

extern const char prelude_source[];
extern const size_t prelude_source_len;
