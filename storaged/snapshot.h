/*
 * snapshot.h - the data of a program as it was when a version of it ended, so that both can be rolled back.
 * Pure rows over a disk. A name is that of the program's data object: program:NAME.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (but NOTFOUND the transaction is over), < 0.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "storaged/disk.h"

struct snapshot {
        const char *name;
        size_t len;
        uint64_t version;
        uint64_t id; /* under which its rows are; 0: there was no data */
};

/* That of `version`. */
int snapshot_find(
        struct disk *d, const char *name, size_t len, uint64_t version, struct snapshot *ret);

/* In a write transaction, as all that follow. Keeps what there is as that of `version`, the newest. If
 * nothing was changed since the one before, both share their rows. */
int snapshot_take(struct disk *d, const char *name, size_t len, uint64_t version);
/* Makes the object what it was then. */
int snapshot_restore(struct disk *d, const struct snapshot *s);
/* Forgets those beyond LIMIT_SNAPSHOTS, the oldest first; all. */
int snapshot_trim(struct disk *d, const char *name, size_t len);
int snapshot_forget(struct disk *d, const char *name, size_t len);
