/*
 * json.h - values of the wire (libipc/value.h) as JSON. Everything thoxctl receives, except the
 * bytes of a stored object, becomes JSON first; tables and --json show the same document.
 *
 *   nil null | boolean | integer | float (NaN and infinities as strings) | array | table object
 *   bytes: a string when they are UTF-8, else {"latin1": "one character a byte"}
 *   handle: {"handle": index}
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The whole sequence as an array; NULL when it is malformed or memory is short. */
json_t *json_from_values(const void *bytes, size_t len);
/* A string, or {"latin1": string}. */
json_t *json_from_bytes(const void *bytes, size_t len);
/* Always a string: bytes that are no UTF-8 are read as Latin-1. */
json_t *json_text_from_bytes(const void *bytes, size_t len);

/* The objects of `rows` by their member `key`, texts or numbers; ties stay in order. */
void json_sort(json_t *rows, const char *key, bool is_descending);
