/*
 * package.h - a program with its data as a sequence of values (value.h): what `program.export` answers and
 * `program.import` takes.
 *
 *   "thox package", 1, program, version, source, note,
 *   limit of keys or 0 (there is no data), limit of bytes, stream, number of keys, key, value, key, value, ...
 *
 * Keys are in order. Those that end by themselves are not in it.
 */
#pragma once

#include <stdbool.h>

#include "libipc/base/buf.h"
#include "storaged/disk.h"

struct record;
struct store_entry;

/* Points into the values it was read from. Zeroed: none. */
struct package {
        struct disk_bytes program, source, note;
        uint64_t version;
        uint64_t max_keys, max_bytes;
        struct disk_bytes stream;
        uint64_t n_keys;
        struct disk_bytes keys; /* the rest: n_keys pairs */
};

/* The program and the object as they are, in a reading transaction; `object` is NULL when there is none.
 * 0, -E2BIG or -ENOMEM of the buffer, or another < 0. */
int package_put(struct buf *values,
                struct disk *d,
                const struct store_entry *program,
                const struct record *object);

/* NULL, or what is wrong with it: "the key 17 is longer than 400 bytes". */
const char *package_parse(struct package *ret, struct disk_bytes values);
/* Makes the object of that name what the package has; one without data, or none, leaves it as it is. In a
 * write transaction: DISK_OK, DISK_E_*, < 0. */
int package_restore(const struct package *p, struct disk *d, const char *name, size_t len);
