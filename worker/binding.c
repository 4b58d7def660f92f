/*
 * binding.c - see binding.h.
 */
#include "worker/binding.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"

#define BINDING_KEY_BYTES (sizeof(uint32_t) + LIMIT_NAME_BYTES)

void bindings_init(struct bindings *b) {
        *b = (struct bindings){ 0 };
        table_init(&b->by_key);
        list_init(&b->all);
}

static size_t binding_make_key(uint8_t *key, uint32_t handle, const void *name, size_t len) {
        memcpy(key, &handle, sizeof(handle));
        memcpy(key + sizeof(handle), name, len);
        return sizeof(handle) + len;
}

struct binding *binding_new(uint32_t handle, const void *name, size_t len) {
        struct binding *b = calloc(1, sizeof(*b) + sizeof(handle) + len);
        if (!b)
                return NULL;
        b->handle = handle;
        b->handler = BINDING_NO_HANDLER;
        b->key_len = binding_make_key(b->key, handle, name, len);
        list_init(&b->link);
        call_queue_init(&b->calls);
        return b;
}

struct binding *binding_free(struct binding *b) {
        if (!b)
                return NULL;
        assert(call_queue_is_empty(&b->calls) && b->n_running == 0);
        free(b);
        return NULL;
}

int binding_add(struct bindings *all, struct binding *b) {
        int r = table_add_name(&all->by_key, b->key, b->key_len, b);
        if (r < 0)
                return error_trace(r);
        list_add_tail(&all->all, &b->link);
        all->n_handlers += binding_has_handler(b);
        return 0;
}

void binding_remove(struct bindings *all, struct binding *b) {
        table_remove_name(&all->by_key, b->key, b->key_len);
        list_remove(&b->link);
        all->n_handlers -= binding_has_handler(b);
        if (all->latest == b)
                all->latest = NULL;
        b->is_removed = true;
}

static bool binding_has_key(const struct binding *b, const uint8_t *key, size_t len) {
        return b->key_len == len && memcmp(b->key, key, len) == 0;
}

struct binding *binding_find(struct bindings *all, uint32_t handle, const void *name, size_t len) {
        uint8_t key[BINDING_KEY_BYTES];
        if (len > LIMIT_NAME_BYTES)
                return NULL;
        size_t key_len = binding_make_key(key, handle, name, len);
        if (!all->latest || !binding_has_key(all->latest, key, key_len))
                all->latest = table_find_name(&all->by_key, key, key_len);
        return all->latest;
}

struct binding *binding_find_sid(const struct bindings *all, uint32_t sid) {
        list_for_each(node, &all->all) {
                struct binding *b = container_of(node, struct binding, link);
                if (b->sid == sid)
                        return b;
        }
        return NULL;
}
