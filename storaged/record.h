/*
 * record.h - what is known of each data object: its number, under which all its rows are, and its state.
 * Pure rows over a disk.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (but NOTFOUND the transaction is over), < 0.
 */
#pragma once

#include <stdint.h>

#include "libipc/limits.h"
#include "storaged/disk.h"
#include "storaged/history.h"

struct record {
        uint64_t id;       /* never used again */
        uint64_t time_us;  /* wall clock: when it came to be */
        uint64_t revision; /* of its newest change */
        uint64_t born;     /* the revision before its first */
        uint64_t n_keys, key_bytes, stream_bytes;
        uint64_t max_keys, max_bytes;
        struct history history;
        size_t name_len;
        char name[LIMIT_NAME_BYTES];
};

/* By name, by number. */
int record_find(struct disk *d, const void *name, size_t len, struct record *ret);
int record_get(struct disk *d, uint64_t id, struct record *ret);
/* Of the first name behind `name`; empty: of the first. */
int record_after(struct disk *d, const void *name, size_t len, struct record *ret);

/* In a write transaction. record_add gives it its number, and the revision from which it goes on, which
 * is above all those of earlier objects of that name. */
int record_add(struct disk *d, struct record *record);
int record_put(struct disk *d, const struct record *record);
/* Without what else there is under its number. */
int record_remove(struct disk *d, const struct record *record);

/* The same of what is no object: it has a number and rows, but no name in any list. */
int record_add_hidden(struct disk *d, struct record *record);
int record_remove_hidden(struct disk *d, const struct record *record);

/* How many there are. */
int record_count(struct disk *d, uint64_t *ret);

/* The revision from which the next new object goes on. */
int record_next_revision(struct disk *d, uint64_t *ret);
/* It is at least this: for a disk that has forgotten what was before. In a write transaction. */
int record_start_revision(struct disk *d, uint64_t revision);
