/*
 * counter.c - one row for each (docs/man/thox-store.5):
 *
 *   counters   name -> number(u64 be)
 */
#include "storaged/counter.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/error.h"

static struct disk_bytes row_key(const char *name) {
        return (struct disk_bytes){ name, strlen(name) };
}

int counter_get(struct disk *d, const char *name, uint64_t *ret) {
        struct disk_bytes row;
        uint64_t big;
        int r = disk_get(d, DISK_TABLE_COUNTERS, row_key(name), &row);

        if (r == DISK_E_NOTFOUND) {
                *ret = 0;
                return DISK_OK;
        }
        if (r != DISK_OK)
                return r;
        if (row.len != sizeof(big))
                return error_origin(EBADMSG);
        memcpy(&big, row.data, sizeof(big));
        *ret = be64toh(big);
        return DISK_OK;
}

int counter_set(struct disk *d, const char *name, uint64_t n) {
        uint64_t big = htobe64(n);
        return disk_put(d, DISK_TABLE_COUNTERS, row_key(name),
                        (struct disk_bytes){ &big, sizeof(big) });
}

int counter_add(struct disk *d, const char *name, int64_t by, uint64_t *ret) {
        int r = counter_get(d, name, ret);
        if (r != DISK_OK)
                return r;
        *ret += (uint64_t)by;
        return counter_set(d, name, *ret);
}
