/*
 * table.h - hash table of pointers, keyed by a u64 or by a byte string. Open addressing, linear
 * probing, grows at 1/2; keys of byte strings are borrowed from the value's owner and must outlive
 * the entry. Strings are hashed with SipHash-1-3 under a per-process random key, so that no peer
 * can choose names that collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct table_slot;
struct table {
        struct table_slot *slots;
        size_t n_slots; /* power of two, or 0 */
        size_t n_used;
        uint64_t seed[2]; /* of this program; keeps hashes unpredictable */
};

void table_init(struct table *t);
/* Releases the slots; asserts that no entry is left. */
void table_deinit(struct table *t);

/* Room for one more entry, whose add cannot fail. 0, or -ENOMEM. */
int table_reserve(struct table *t);
/* 0, or -ENOMEM. The key must not be present. */
int table_add_u64(struct table *t, uint64_t key, void *value);
int table_add_name(struct table *t, const void *name, size_t len, void *value);
/* In place of the value that the name has; the new owner of the key is that of `value`. */
void table_replace_name(struct table *t, const void *name, size_t len, void *value);
/* NULL when absent. */
void *table_find_u64(const struct table *t, uint64_t key);
void *table_find_name(const struct table *t, const void *name, size_t len);
/* Returns the removed value, NULL when absent. */
void *table_remove_u64(struct table *t, uint64_t key);
void *table_remove_name(struct table *t, const void *name, size_t len);

/* Walks all values: `size_t at = 0; while ((v = table_next(t, &at)))`. Removing the value just
 * returned is allowed; adding is not. */
void *table_next(const struct table *t, size_t *at);
