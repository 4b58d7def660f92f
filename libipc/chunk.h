/*
 * chunk.h - reference-counted bytes: what connections read long frames into and write from. Several
 * segments of several output queues may point into one chunk.
 *
 * Most chunks are of one size; a few of those are kept for reuse (struct chunk_pool), because fresh
 * memory of that size costs more in page faults than the copying of its bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/limits.h"

/* Room for the fragment that senders make: its values, and a header with a few caps. */
#define CHUNK_BYTES (LIMIT_FRAGMENT_BYTES + 1024u)
/* As many peers can have output in one turn without a system call for memory. */
#define CHUNK_POOL_MAX 16u
/* One large message must not keep its memory for ever. */
#define CHUNK_SPARE_BYTES_MAX ((size_t)4 << 20)

struct chunk {
        uint32_t n_refs;
        size_t size;
        size_t cap;                              /* of `bytes` when taken */
        size_t len;                              /* bytes written so far */
        uint8_t *bytes;                          /* `own`, taken from a buffer, or lent */
        void (*give_back)(void *owner, int ref); /* of lent bytes */
        void *owner;
        int ref;
        uint8_t own[];
};

struct chunk_pool {
        struct chunk *spares[CHUNK_POOL_MAX];
        size_t n_spares;
        uint8_t *spare_bytes; /* a taken buffer whose chunk is gone */
        size_t spare_cap;
};

/* Empty, of at least `size` bytes, with one reference; NULL without memory. */
struct chunk *chunk_new(struct chunk_pool *pool, size_t size);
/* With the content of `values`, which is left empty but for the memory that was taken the last time;
 * NULL without memory, then `values` is as it was. */
struct chunk *chunk_new_take(struct chunk_pool *pool, struct buf *values);
/* Bytes that stay somebody else's: give_back(owner, ref) is called once, when nobody needs them any
 * more. NULL without memory; then it is not called. */
struct chunk *chunk_new_lent(const void *bytes,
                             size_t len,
                             void (*give_back)(void *owner, int ref),
                             void *owner,
                             int ref);
struct chunk *chunk_ref(struct chunk *chunk);
/* Returns NULL. The last reference gives the memory to the pool or frees it. */
struct chunk *chunk_unref(struct chunk *chunk, struct chunk_pool *pool);

void chunk_pool_deinit(struct chunk_pool *pool);
