/*
 * content.h - all that an object holds, keys and stream, as a whole: emptied, and copied to another. Pure
 * rows over a disk, in a write transaction.
 *
 * Keys that end by themselves are no part of what is copied: they mean this moment.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (the transaction is over), < 0.
 */
#pragma once

#include <stddef.h>

#include "storaged/record.h"

/* All rows under the number, with its history. */
int content_remove(struct disk *d, uint64_t id);

/* The object of that name, made if there is none, empty and at its next revision; watchers have to read it
 * again. What is put into it is the caller's to count; record_put is due. */
int content_renew(struct disk *d, const char *name, size_t len, struct record *ret);
/* One key of an object that content_renew has emptied, counted. */
int content_add_key(struct disk *d,
                    struct record *to,
                    struct disk_bytes key,
                    struct disk_bytes value);

/* Adds all that is under `from` to `to`, which has nothing yet, and counts it. Each key gets `to`'s
 * revision. */
int content_copy(struct disk *d, const struct record *from, struct record *to);
