/*
 * pool.c - see pool.h.
 */
#include "libipc/base/pool.h"

#include <assert.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#        define POOL_IS_CHECKED 1
#elif defined(__has_feature)
#        if __has_feature(address_sanitizer)
#                define POOL_IS_CHECKED 1
#        endif
#endif
#ifndef POOL_IS_CHECKED
#        define POOL_IS_CHECKED 0
#endif

struct pool_spare {
        struct pool_spare *next;
};

void pool_init(struct pool *p, size_t size, size_t max) {
        assert(size >= sizeof(struct pool_spare));
        *p = (struct pool){ .size = size, .max = POOL_IS_CHECKED ? 0 : max };
}

void pool_deinit(struct pool *p) {
        while (p->spares)
                free(pool_new(p));
}

void *pool_new(struct pool *p) {
        struct pool_spare *spare = p->spares;
        if (!spare)
                return malloc(p->size);
        p->spares = spare->next;
        p->n_spares--;
        return spare;
}

void *pool_free(struct pool *p, void *object) {
        struct pool_spare *spare = object;
        if (!spare || p->n_spares >= p->max) {
                free(spare);
                return NULL;
        }
        spare->next = p->spares;
        p->spares = spare;
        p->n_spares++;
        return NULL;
}
