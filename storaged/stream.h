/*
 * stream.h - the bytes of an object's stream, in chunks, so that a change in the middle of it writes
 * what it changes and no more. Pure rows over a disk: how long a stream is, and may be, is its owner's
 * to remember.
 *
 * What was never written reads as zeroes. Results are disk.h's: DISK_OK, DISK_E_* (the transaction is
 * over), < 0.
 */
#pragma once

#include <stdint.h>

#include "libipc/base/buf.h"
#include "storaged/disk.h"

/* Appends `len` bytes from `from` on to `out`. In a transaction. */
int stream_read(struct disk *d, uint64_t id, uint64_t from, size_t len, struct buf *out);

/* In a write transaction. The bytes are borrowed, and not the disk's own. */
int stream_write(struct disk *d, uint64_t id, uint64_t from, struct disk_bytes bytes);
/* All of a stream as that of another object, which has none. */
int stream_copy(struct disk *d, uint64_t from, uint64_t to);
/* Forgets what lies at `size` and behind. 0: all. */
int stream_truncate(struct disk *d, uint64_t id, uint64_t size);
