/*
 * pool.h - memory of objects of one size that come and go at the rate of calls: a few released ones
 * are kept for the next. Sanitizer builds keep none, so that every use after release is seen.
 */
#pragma once

#include <stddef.h>

struct pool_spare;

struct pool {
        size_t size, max;
        struct pool_spare *spares;
        size_t n_spares;
};

/* Objects of `size` bytes; at most `max` released ones are kept. */
void pool_init(struct pool *p, size_t size, size_t max);
/* Frees the spares; what is in use stays its owner's to release with pool_free. */
void pool_deinit(struct pool *p);

/* Uninitialized memory; NULL: no memory. */
void *pool_new(struct pool *p);
/* Back to the pool it came from. NULL is fine. Returns NULL. */
void *pool_free(struct pool *p, void *object);
