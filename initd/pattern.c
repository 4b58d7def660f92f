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

int pattern_list_add(struct pattern_list *l, const void *bytes, size_t len) {
        struct pattern *grown = reallocarray(l->items, l->n_items + 1, sizeof(*grown));
        if (!grown)
                return error_origin(ENOMEM);
        l->items = grown;
        uint8_t *copy = malloc(len);
        if (!copy)
                return error_origin(ENOMEM);
        memcpy(copy, bytes, len);
        l->items[l->n_items++] = (struct pattern){ .bytes = copy, .len = len };
        return 0;
}

int pattern_list_add_all(struct pattern_list *l, const struct pattern_list *more) {
        for (size_t i = 0; i < more->n_items; i++) {
                int r = pattern_list_add(l, more->items[i].bytes, more->items[i].len);
                if (r < 0)
                        return error_trace(r);
        }
        return 0;
}

/* Whether some pattern of the list matches all that `p` matches. A prefix is matched like a name: its
 * '*' is one byte more of it, which no prefix but itself and shorter ones can match. */
static bool pattern_list_covers(const struct pattern_list *l, const struct pattern *p) {
        for (size_t i = 0; i < l->n_items; i++) {
                const struct pattern *other = &l->items[i];
                bool is_same = other->len == p->len && memcmp(other->bytes, p->bytes, p->len) == 0;
                bool is_prefix = other->bytes[other->len - 1] == '*';
                if (is_same ||
                    (is_prefix && pattern_matches(other->bytes, other->len, p->bytes, p->len)))
                        return true;
        }
        return false;
}

static int pattern_list_add_covered(struct pattern_list *ret,
                                    const struct pattern_list *from,
                                    const struct pattern_list *by) {
        for (size_t i = 0; i < from->n_items; i++) {
                const struct pattern *p = &from->items[i];
                if (!pattern_list_covers(by, p) || pattern_list_covers(ret, p))
                        continue;
                if (ret->n_items >= LIMIT_PATTERNS)
                        return PATTERN_E_BAD;
                int r = pattern_list_add(ret, p->bytes, p->len);
                if (r < 0)
                        return error_trace(r);
        }
        return 0;
}

int pattern_list_intersect(struct pattern_list *ret,
                           const struct pattern_list *a,
                           const struct pattern_list *b) {
        int r = pattern_list_add_covered(ret, a, b);
        return r != 0 ? r : pattern_list_add_covered(ret, b, a);
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
