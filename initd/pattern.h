/*
 * pattern.h - lists of patterns over names, as routings and listeners have them. A list owns its bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/wire.h"

struct pattern_list {
        struct pattern {
                uint8_t *bytes;
                size_t len;
        } * items;
        size_t n_items;
};

enum pattern_error {
        PATTERN_OK = 0,
        PATTERN_E_BAD = 1, /* more than LIMIT_PATTERNS, or not a pattern */
};

/* Into an empty list. On failure what is there already waits for pattern_list_deinit. */
int pattern_list_init(struct pattern_list *l, const ProtobufCBinaryData *patterns, size_t n);
void pattern_list_deinit(struct pattern_list *l);
/* More patterns, which are not looked at. 0 or -errno. */
int pattern_list_add(struct pattern_list *l, const void *bytes, size_t len);
int pattern_list_add_all(struct pattern_list *l, const struct pattern_list *more);
/* Into an empty list: what matches exactly the names that both match. */
int pattern_list_intersect(struct pattern_list *ret,
                           const struct pattern_list *a,
                           const struct pattern_list *b);
/* An empty list matches nothing. */
bool pattern_list_matches(const struct pattern_list *l, const void *name, size_t len);
