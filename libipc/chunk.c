/*
 * chunk.c - reference-counted bytes.
 */
#include "libipc/chunk.h"

#include <assert.h>
#include <stdlib.h>

#include "libipc/base/macros.h"

struct chunk *chunk_new(struct chunk_pool *pool, size_t size) {
        struct chunk *chunk;

        /* Small ones stay exact: a stalled half frame must not hold a whole chunk. */
        if (size > CHUNK_BYTES / 4 && size < CHUNK_BYTES)
                size = CHUNK_BYTES;
        if (size == CHUNK_BYTES && pool->n_spares > 0)
                chunk = pool->spares[--pool->n_spares];
        else
                chunk = malloc(sizeof(*chunk) + size);
        if (!chunk)
                return NULL;

        chunk->n_refs = 1;
        chunk->size = size;
        chunk->len = 0;
        chunk->bytes = chunk->own;
        chunk->give_back = NULL;
        return chunk;
}

struct chunk *chunk_new_take(struct chunk_pool *pool, struct buf *values) {
        struct chunk *chunk = malloc(sizeof(*chunk));

        if (!chunk)
                return NULL;
        *chunk = (struct chunk){
                .n_refs = 1,
                .size = values->len,
                .cap = values->cap,
                .len = values->len,
                .bytes = take(values->data),
        };
        values->len = 0;
        values->data = take(pool->spare_bytes);
        values->cap = values->data ? pool->spare_cap : 0;
        return chunk;
}

struct chunk *chunk_new_lent(const void *bytes,
                             size_t len,
                             void (*give_back)(void *owner, int ref),
                             void *owner,
                             int ref) {
        struct chunk *chunk = malloc(sizeof(*chunk));

        if (!chunk)
                return NULL;
        *chunk = (struct chunk){
                .n_refs = 1,
                .size = len,
                .len = len,
                .bytes = (uint8_t *)(uintptr_t)bytes,
                .give_back = give_back,
                .owner = owner,
                .ref = ref,
        };
        return chunk;
}

struct chunk *chunk_ref(struct chunk *chunk) {
        assert(chunk->n_refs > 0);
        chunk->n_refs++;
        return chunk;
}

static void chunk_release_taken(struct chunk *chunk, struct chunk_pool *pool) {
        if (!pool->spare_bytes && chunk->cap <= CHUNK_SPARE_BYTES_MAX) {
                pool->spare_bytes = take(chunk->bytes);
                pool->spare_cap = chunk->cap;
        }
        free(chunk->bytes);
        free(chunk);
}

struct chunk *chunk_unref(struct chunk *chunk, struct chunk_pool *pool) {
        if (!chunk)
                return NULL;

        assert(chunk->n_refs > 0);
        if (--chunk->n_refs > 0)
                return NULL;
        if (chunk->give_back) {
                chunk->give_back(chunk->owner, chunk->ref);
                free(chunk);
        } else if (chunk->bytes != chunk->own) {
                chunk_release_taken(chunk, pool);
        } else if (chunk->size == CHUNK_BYTES && pool->n_spares < CHUNK_POOL_MAX) {
                pool->spares[pool->n_spares++] = chunk;
        } else {
                free(chunk);
        }
        return NULL;
}

void chunk_pool_deinit(struct chunk_pool *pool) {
        while (pool->n_spares > 0)
                free(pool->spares[--pool->n_spares]);
        free(pool->spare_bytes);
        pool->spare_bytes = NULL;
}
