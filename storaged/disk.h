/*
 * disk.h - durable tables of sorted keys, changed in transactions. Beside disk.c
 * only check.c and copy.c touch stored data, in child processes. None knows of names and versions (store.h).
 *
 * One transaction at a time. What a read returns points into the store and is valid until the
 * transaction's next write or its end. A committed transaction survives a crash of the machine; one that
 * was not leaves no trace.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storaged/refusal.h"

enum disk_table {
        DISK_TABLE_ENTRIES,
        DISK_TABLE_CURRENT,
        DISK_TABLE_STREAMS,
        DISK_TABLE_HISTORY,
        DISK_TABLE_EXPIRIES,
        DISK_TABLE_CLOCK,
        DISK_TABLE_OBJECTS,
        DISK_TABLE_RECORDS,
        DISK_TABLE_KEYS,
        DISK_TABLE_COUNTERS,
        DISK_TABLE_SNAPSHOTS,
        _DISK_TABLE_N,
};

enum disk_error {
        DISK_OK = 0,
        DISK_E_REFUSED = REFUSAL, /* disk_open only: unusable, a person must act */
        DISK_E_NOTFOUND = 2,      /* no such key */
        DISK_E_AGAIN = 3,   /* there is more room now; the transaction is over: start it again */
        DISK_E_FULL = 4,    /* no space left; the transaction is over, nothing was changed */
        DISK_E_IO = 5,      /* the device failed; likewise */
        DISK_E_DAMAGED = 6, /* disk_open only: as DISK_E_REFUSED; what is there makes no sense */
};

struct disk_bytes {
        const void *data;
        size_t len;
};

struct disk;

/* Opens what `dir` holds, or creates it, atomically. The file is read whole in a child process first,
 * so that a damaged one is refused instead of killing us later. On DISK_E_REFUSED and _DAMAGED
 * *ret_reason is a malloc'd sentence that names the file and says what to do. */
int disk_open(struct disk **ret, const char *dir, char **ret_reason);
/* One that ends with us, in memory: at most about `max_bytes`, a power of two from 64 MiB on. What a
 * person does with a store (disk_begin_fresh, disk_swap) is not for this. DISK_OK or < 0. */
int disk_open_volatile(struct disk **ret, size_t max_bytes);
struct disk *disk_close(struct disk *d);
const char *disk_path(const struct disk *d); /* for messages */

/* disk_end is due after each successful disk_begin; it drops what was not committed. */
int disk_begin(struct disk *d, bool is_write);
int disk_commit(struct disk *d);
void disk_end(struct disk *d);
/* Another one after each commit: what was read in an equal one is still so. Never 0. */
uint64_t disk_generation(const struct disk *d);

/* DISK_OK, DISK_E_NOTFOUND or < 0. */
int disk_get(struct disk *d, enum disk_table table, struct disk_bytes key, struct disk_bytes *ret);
/* Likewise: the nearest key before or after `key`, which need not exist. */
int disk_before(struct disk *d,
                enum disk_table table,
                struct disk_bytes key,
                struct disk_bytes *ret_key,
                struct disk_bytes *ret_value);
int disk_after(struct disk *d,
               enum disk_table table,
               struct disk_bytes key,
               struct disk_bytes *ret_key,
               struct disk_bytes *ret_value);

/* In a write transaction. */
int disk_put(struct disk *d, enum disk_table table, struct disk_bytes key, struct disk_bytes value);
int disk_remove(struct disk *d, enum disk_table table, struct disk_bytes key);

/* What it takes. */
struct disk_table_stat {
        const char *name;
        uint64_t n_entries, bytes;
};
struct disk_stat {
        uint64_t file_bytes; /* of which: */
        uint64_t used_bytes, free_bytes;
        uint64_t map_bytes; /* the file may grow to this; then it doubles */
        struct disk_table_stat tables[_DISK_TABLE_N];
};
/* In a transaction. 0 or < 0. */
int disk_stat(struct disk *d, struct disk_stat *ret);

/* For making it smaller: disk_begin_fresh gives an empty directory, in which another process puts a
 * data.mdb (copy.h); disk_swap puts that in place of ours, which must not have changed meanwhile;
 * disk_drop_fresh forgets about it. 0 or < 0. */
int disk_begin_fresh(struct disk *d, const char **ret_path);
int disk_swap(struct disk *d);
void disk_drop_fresh(struct disk *d);
/* After the end of a process that read the store, however it ended: what it read may be reused. */
void disk_forget_readers(struct disk *d);
