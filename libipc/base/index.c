/*
 * index.c - see index.h.
 */
#include "libipc/base/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "libipc/base/error.h"

#define INDEX_FIRST_HEADS 8u

void index_init(struct index *x) {
        const void *random = (const void *)getauxval(AT_RANDOM);

        *x = (struct index){ 0 };
        if (random)
                memcpy(x->seed, random, sizeof(x->seed));
}

void index_deinit(struct index *x) {
        assert(x->n_used == 0);
        free(x->heads);
        x->heads = NULL;
        x->n_heads = 0;
}

int index_grow(struct index *x) {
        const struct index old = *x;
        size_t n_heads = old.n_heads > 0 ? old.n_heads * 2 : INDEX_FIRST_HEADS;
        struct index_link **heads = calloc(n_heads, sizeof(struct index_link *));

        if (!heads)
                return error_origin(ENOMEM);
        x->heads = heads;
        x->n_heads = n_heads;
        for (size_t i = 0; i < old.n_heads; i++)
                for (struct index_link *link = old.heads[i], *next; link; link = next) {
                        next = link->next;
                        index_push(index_head(x, link->key), link);
                }
        free(old.heads);
        return 0;
}

struct index_link *index_any(const struct index *x) {
        for (size_t i = 0; i < x->n_heads && x->n_used > 0; i++)
                if (x->heads[i])
                        return x->heads[i];
        return NULL;
}
