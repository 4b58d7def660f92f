/*
 * route_cache.c - see route_cache.h.
 */
#include "initd/route_cache.h"

#include <string.h>

#include "initd/binding.h"

/* The eight bytes at one end of the name stand for all of it: names that share a place take turns. */
static size_t route_cache_place(const struct context *c, const uint8_t *name, size_t len) {
        uint64_t first = 0, last = 0, hash = (uint64_t)(uintptr_t)c + len;
        size_t n = len < sizeof(first) ? len : sizeof(first);
        memcpy(&first, name, n);
        memcpy(&last, name + len - n, n);
        hash = (hash ^ first) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ hash >> 32 ^ last) * UINT64_C(0x9e3779b97f4a7c15);
        return hash >> (64 - ROUTE_CACHE_BITS);
}

struct binding *route_cache_find(const struct route_cache *cache,
                                 const struct context *c,
                                 const void *name,
                                 size_t len) {
        if (len == 0)
                return NULL;
        const struct route_cache_entry *entry = &cache->entries[route_cache_place(c, name, len)];
        if (entry->age != cache->age || entry->context != c)
                return NULL;
        struct binding *b = entry->binding;
        return b->name_len == len && memcmp(b->name, name, len) == 0 ? b : NULL;
}

void route_cache_keep(struct route_cache *cache, const struct context *c, struct binding *binding) {
        size_t place = route_cache_place(c, (const uint8_t *)binding->name, binding->name_len);
        cache->entries[place] =
                (struct route_cache_entry){ .context = c, .binding = binding, .age = cache->age };
}
