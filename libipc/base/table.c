/*
 * table.c - open addressing with linear probing. Removal moves later entries of the run back, so
 * there are no tombstones and a table that is used for long stays as quick as a new one.
 *
 * Invariants: 1. between an entry's home slot and its slot no slot is empty. 2. At most half of the
 * slots are used: a key that is absent is told by two of them. 3. An empty slot has value NULL.
 */
#include "libipc/base/table.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "libipc/base/error.h"

#define TABLE_FIRST_SLOTS 8u
/* In place of a name's length: the key is a number. */
#define TABLE_LEN_U64 UINT32_MAX

struct table_slot {
        union {
                uint64_t key;
                const void *name;
        };
        void *value;
        uint32_t hash, len;
};

void table_init(struct table *t) {
        /* Sixteen random bytes the kernel gave this program at exec: no system call, no failure. */
        const void *random = (const void *)getauxval(AT_RANDOM);

        *t = (struct table){ 0 };
        if (random)
                memcpy(t->seed, random, sizeof(t->seed));
}

void table_deinit(struct table *t) {
        assert(t->n_used == 0);
        free(t->slots);
        t->slots = NULL;
        t->n_slots = 0;
}

static inline uint64_t rotate(uint64_t x, int n) {
        return x << n | x >> (64 - n);
}

/* Inlined, so that the state stays in registers. */
static inline void sip_round(uint64_t v[4]) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t word) {
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
}

/* SipHash-1-3. */
static uint32_t table_hash_name(const struct table *t, const uint8_t *bytes, size_t len) {
        uint64_t v[4] = {
                t->seed[0] ^ UINT64_C(0x736f6d6570736575),
                t->seed[1] ^ UINT64_C(0x646f72616e646f6d),
                t->seed[0] ^ UINT64_C(0x6c7967656e657261),
                t->seed[1] ^ UINT64_C(0x7465646279746573),
        };
        uint64_t last = (uint64_t)len << 56, word;
        size_t at = 0;

        for (; len - at >= sizeof(word); at += sizeof(word)) {
                memcpy(&word, bytes + at, sizeof(word));
                sip_word(v, word);
        }
        for (size_t i = 0; at + i < len; i++)
                last |= (uint64_t)bytes[at + i] << (8 * i);
        sip_word(v, last);

        v[2] ^= 0xff;
        for (int i = 0; i < 3; i++)
                sip_round(v);
        word = v[0] ^ v[1] ^ v[2] ^ v[3];
        return (uint32_t)(word ^ word >> 32);
}

static inline uint32_t table_hash_u64(const struct table *t, uint64_t key) {
        uint64_t x = key ^ t->seed[0];

        x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
        x = (x ^ x >> 32 ^ t->seed[1]) * UINT64_C(0xd6e8feb86659fd93);
        return (uint32_t)(x ^ x >> 32);
}

static inline bool slot_equals(const struct table_slot *a, const struct table_slot *b) {
        if (a->hash != b->hash || a->len != b->len)
                return false;
        if (a->len == TABLE_LEN_U64)
                return a->key == b->key;
        return a->len == 0 || memcmp(a->name, b->name, a->len) == 0;
}

/* Where the key is, or the empty slot where it would go. The table has slots. Inlined, so that a number
 * is compared as one. */
static inline struct table_slot *table_probe(const struct table *t, const struct table_slot *key) {
        const size_t mask = t->n_slots - 1;
        struct table_slot *const slots = t->slots;
        size_t i = key->hash & mask;

        while (slots[i].value && !slot_equals(&slots[i], key))
                i = (i + 1) & mask;
        return &slots[i];
}

static int table_grow(struct table *t) {
        const struct table old = *t;
        struct table_slot *slots;
        size_t n_slots;

        n_slots = old.n_slots > 0 ? old.n_slots * 2 : TABLE_FIRST_SLOTS;
        slots = calloc(n_slots, sizeof(*slots));
        if (!slots)
                return error_origin(ENOMEM);

        t->slots = slots;
        t->n_slots = n_slots;
        for (size_t i = 0; i < old.n_slots; i++)
                if (old.slots[i].value)
                        *table_probe(t, &old.slots[i]) = old.slots[i];
        free(old.slots);
        return 0;
}

int table_reserve(struct table *t) {
        return (t->n_used + 1) * 2 > t->n_slots ? error_trace(table_grow(t)) : 0;
}

static int table_add(struct table *t, struct table_slot entry) {
        struct table_slot *slot;
        int r = table_reserve(t);
        if (r < 0)
                return error_trace(r);

        assert(entry.value);
        slot = table_probe(t, &entry);
        assert(!slot->value);
        *slot = entry;
        t->n_used++;
        return 0;
}

static void *table_find(const struct table *t, struct table_slot key) {
        return t->n_used > 0 ? table_probe(t, &key)->value : NULL;
}

/* Moves back every entry that the new hole separates from its home slot. */
static void table_close_hole(struct table *t, size_t hole) {
        const size_t mask = t->n_slots - 1;

        for (size_t i = (hole + 1) & mask; t->slots[i].value; i = (i + 1) & mask) {
                const size_t home = t->slots[i].hash & mask;

                if (((i - home) & mask) < ((i - hole) & mask))
                        continue;
                t->slots[hole] = t->slots[i];
                hole = i;
        }
        t->slots[hole] = (struct table_slot){ 0 };
}

static void *table_remove(struct table *t, struct table_slot key) {
        struct table_slot *slot;
        void *value;

        if (t->n_used == 0)
                return NULL;

        slot = table_probe(t, &key);
        value = slot->value;
        if (!value)
                return NULL;

        table_close_hole(t, (size_t)(slot - t->slots));
        t->n_used--;
        return value;
}

static inline struct table_slot key_of_u64(const struct table *t, uint64_t key, void *value) {
        return (struct table_slot){
                .key = key,
                .value = value,
                .hash = table_hash_u64(t, key),
                .len = TABLE_LEN_U64,
        };
}

static struct table_slot key_of_name(const struct table *t,
                                     const void *name,
                                     size_t len,
                                     void *value) {
        assert(len < TABLE_LEN_U64);
        return (struct table_slot){
                .name = name,
                .value = value,
                .hash = table_hash_name(t, name, len),
                .len = (uint32_t)len,
        };
}

int table_add_u64(struct table *t, uint64_t key, void *value) {
        return error_trace(table_add(t, key_of_u64(t, key, value)));
}

int table_add_name(struct table *t, const void *name, size_t len, void *value) {
        return error_trace(table_add(t, key_of_name(t, name, len, value)));
}

void table_replace_name(struct table *t, const void *name, size_t len, void *value) {
        const struct table_slot entry = key_of_name(t, name, len, value);
        struct table_slot *slot = table_probe(t, &entry);

        assert(slot->value);
        *slot = entry;
}

void *table_find_u64(const struct table *t, uint64_t key) {
        return table_find(t, key_of_u64(t, key, NULL));
}

void *table_find_name(const struct table *t, const void *name, size_t len) {
        return table_find(t, key_of_name(t, name, len, NULL));
}

void *table_remove_u64(struct table *t, uint64_t key) {
        return table_remove(t, key_of_u64(t, key, NULL));
}

void *table_remove_name(struct table *t, const void *name, size_t len) {
        return table_remove(t, key_of_name(t, name, len, NULL));
}

/* Removing moves entries that follow in the same run (cyclically) back into the hole. So the walk
 * starts before an empty slot, which no run crosses, and goes down: what moves was visited. `at` holds
 * that slot and the number of steps from it. */
void *table_next(const struct table *t, size_t *at) {
        const size_t mask = t->n_slots - 1;
        size_t empty = 0, step = 0;

        if (t->n_used == 0)
                return NULL;
        if (*at > 0) {
                empty = (*at - 1) / t->n_slots;
                step = (*at - 1) % t->n_slots;
        } else {
                while (t->slots[empty].value)
                        empty++;
        }

        while (++step < t->n_slots) {
                void *value = t->slots[(empty - step) & mask].value;

                if (value) {
                        *at = 1 + empty * t->n_slots + step;
                        return value;
                }
        }
        *at = 1 + empty * t->n_slots + t->n_slots - 1;
        return NULL;
}
