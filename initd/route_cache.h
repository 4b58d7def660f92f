/*
 * route_cache.h - bindings that calls have found lately. A call by the same name through the same
 * context is routed without hashing the name and without walking the chain of contexts again.
 *
 * What it knows is forgotten as a whole whenever a name, a context or a routing comes or goes. It has
 * a fixed size and one place per name, so it can be made useless but not slow.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct binding;
struct context;

#define ROUTE_CACHE_BITS 10
#define ROUTE_CACHE_ENTRIES (1u << ROUTE_CACHE_BITS)

struct route_cache_entry {
        const struct context *context; /* that was called in */
        struct binding *binding;
        uint64_t age; /* of the cache when it was kept: another one is forgotten */
};

/* Empty when zeroed. */
struct route_cache {
        uint64_t age;
        struct route_cache_entry entries[ROUTE_CACHE_ENTRIES];
};

/* NULL: to be walked. */
struct binding *route_cache_find(const struct route_cache *cache,
                                 const struct context *c,
                                 const void *name,
                                 size_t len);
/* The binding's own name is what led to it. */
void route_cache_keep(struct route_cache *cache, const struct context *c, struct binding *binding);
static inline void route_cache_forget(struct route_cache *cache) {
        cache->age++;
}
