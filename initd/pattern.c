/*
 * pattern.c - see pattern.h.
 */
#include "initd/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/name.h"

int pattern_list_init(struct pattern_list *l, const ProtobufCBinaryData *patterns, size_t n) {
        if (n == 0)
                return 0;
        if (n > LIMIT_PATTERNS)
                return PATTERN_E_BAD;
        l->items = calloc(n, sizeof(*l->items));
        if (!l->items)
                return error_origin(ENOMEM);
        for (size_t i = 0; i < n; i++) {
                if (!pattern_is_valid(patterns[i].data, patterns[i].len))
                        return PATTERN_E_BAD;
                l->items[i].bytes = malloc(patterns[i].len);
                if (!l->items[i].bytes)
                        return error_origin(ENOMEM);
                memcpy(l->items[i].bytes, patterns[i].data, patterns[i].len);
                l->items[i].len = patterns[i].len;
                l->n_items++;
        }
        return 0;
}

void pattern_list_deinit(struct pattern_list *l) {
        for (size_t i = 0; i < l->n_items; i++)
                free(l->items[i].bytes);
        free(l->items);
        *l = (struct pattern_list){ 0 };
}

bool pattern_list_matches(const struct pattern_list *l, const void *name, size_t len) {
        for (size_t i = 0; i < l->n_items; i++)
                if (pattern_matches(l->items[i].bytes, l->items[i].len, name, len))
                        return true;
        return false;
}
