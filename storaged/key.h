/*
 * key.h - the keys of data objects with their values, in order. Pure rows over a disk; a key whose time
 * has come is still a row until somebody removes it.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (but NOTFOUND the transaction is over), < 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storaged/disk.h"

struct key_row {
        uint64_t revision;       /* of its last change */
        uint64_t expires_us;     /* lease clock; 0: never */
        struct disk_bytes value; /* one item (value.h) */
};

static inline bool key_is_alive(const struct key_row *row, uint64_t now_us) {
        return row->expires_us == 0 || row->expires_us > now_us;
}

int key_find(struct disk *d, uint64_t id, struct disk_bytes key, struct key_row *ret);
/* The nearest behind `key`, which need not be there; with an empty one the first. */
int key_after(struct disk *d,
              uint64_t id,
              struct disk_bytes key,
              struct disk_bytes *ret_key,
              struct key_row *ret);

/* In a write transaction, with the entry in the order of expiries. `old`: the row that is there, or
 * NULL; its value is not looked at. */
int key_put(struct disk *d,
            uint64_t id,
            struct disk_bytes key,
            const struct key_row *old,
            const struct key_row *row);
int key_remove(struct disk *d, uint64_t id, struct disk_bytes key, const struct key_row *old);
/* All of an object. */
int key_remove_all(struct disk *d, uint64_t id);
