/*
 * name.h - what a name may look like, and patterns over names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Endpoint and program names: 1 to 128 bytes, no control bytes, no '#', no leading '@', no '/',
 * not "." or "..", valid UTF-8. */
bool name_is_valid(const void *name, size_t len);

/* One line of text for people: UTF-8 without control bytes; may be empty. */
bool line_is_valid(const void *line, size_t len);

/* A pattern is a name, or a prefix followed by one final '*' ("log.*", "*"). */
bool pattern_is_valid(const void *pattern, size_t len);
bool pattern_matches(const void *pattern, size_t pattern_len, const void *name, size_t len);
