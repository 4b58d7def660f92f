/*
 * index.h - intrusive hash table of objects under numbers, for those that come and go at the rate of
 * calls: adding needs no memory but for growth, removing looks for nothing. Chains from heads, of which
 * there are at least twice as many as entries. Numbers are mixed with the random key of table.h: no
 * peer can choose some that collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/macros.h"

/* Embedded in the object; all zero while it is in no index. */
struct index_link {
        struct index_link *next, **at;
        uint64_t key;
};

struct index {
        struct index_link **heads;
        size_t n_heads; /* power of two, or 0 */
        size_t n_used;
        uint64_t seed[2];
};

void index_init(struct index *x);
/* Releases the heads; asserts that no entry is left. */
void index_deinit(struct index *x);
/* Private: twice as many heads. 0 or -ENOMEM. */
int index_grow(struct index *x);

static inline struct index_link **index_head(const struct index *x, uint64_t key) {
        uint64_t hash = key ^ x->seed[0];
        hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
        hash = (hash ^ hash >> 32 ^ x->seed[1]) * UINT64_C(0xd6e8feb86659fd93);
        return &x->heads[(hash ^ hash >> 32) & (x->n_heads - 1)];
}

static inline void index_push(struct index_link **head, struct index_link *link) {
        link->next = *head;
        link->at = head;
        if (link->next)
                link->next->at = &link->next;
        *head = link;
}

/* 0, or -ENOMEM. The key must not be present. */
static inline int index_add(struct index *x, struct index_link *link, uint64_t key) {
        if (x->n_used >= x->n_heads / 2) {
                int r = index_grow(x);
                if (r < 0)
                        return r;
        }
        link->key = key;
        index_push(index_head(x, key), link);
        x->n_used++;
        return 0;
}

/* NULL when absent. */
static inline struct index_link *index_find(const struct index *x, uint64_t key) {
        struct index_link *link = x->n_used > 0 ? *index_head(x, key) : NULL;
        while (link && link->key != key)
                link = link->next;
        return link;
}

/* The object itself. */
#define index_find_in(x, key, type, member)                                                        \
        ({                                                                                         \
                struct index_link *index_found_ = index_find(x, key);                              \
                index_found_ ? container_of(index_found_, type, member) : NULL;                    \
        })

/* Harmless on a link that is in no index. */
static inline void index_remove(struct index *x, struct index_link *link) {
        if (!link->at)
                return;
        *link->at = link->next;
        if (link->next)
                link->next->at = link->at;
        *link = (struct index_link){ 0 };
        x->n_used--;
}

/* One that is there, NULL when none is: for who removes all. */
struct index_link *index_any(const struct index *x);
