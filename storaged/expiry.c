/*
 * expiry.c - one row for each key that expires (docs/man/thox-store.5):
 *
 *   expiries   time(u64 be) id(u64 be) key -> nothing
 */
#include "storaged/expiry.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"

struct row_key {
        uint64_t time, id; /* big-endian */
        uint8_t key[LIMIT_KEY_BYTES];
};

#define HEAD_BYTES offsetof(struct row_key, key)

static struct disk_bytes row_key(struct row_key *row, const struct expiry *expiry) {
        assert(expiry->time_us > 0 && expiry->key.len <= LIMIT_KEY_BYTES);
        row->time = htobe64(expiry->time_us);
        row->id = htobe64(expiry->id);
        memcpy(row->key, expiry->key.data, expiry->key.len);
        return (struct disk_bytes){ row, HEAD_BYTES + expiry->key.len };
}

int expiry_add(struct disk *d, const struct expiry *expiry) {
        struct row_key row;
        return disk_put(d, DISK_TABLE_EXPIRIES, row_key(&row, expiry),
                        (struct disk_bytes){ "", 0 });
}

int expiry_remove(struct disk *d, const struct expiry *expiry) {
        struct row_key row;
        return disk_remove(d, DISK_TABLE_EXPIRIES, row_key(&row, expiry));
}

int expiry_first(struct disk *d, struct expiry *ret) {
        static const uint8_t start[sizeof(uint64_t)]; /* before all rows: no time is 0 */
        struct disk_bytes row, nothing;
        uint64_t time, id;
        int r = disk_after(d, DISK_TABLE_EXPIRIES, (struct disk_bytes){ start, sizeof(start) },
                           &row, &nothing);
        if (r != DISK_OK)
                return r;
        if (row.len < HEAD_BYTES)
                return error_origin(EBADMSG);

        memcpy(&time, row.data, sizeof(time));
        memcpy(&id, (const uint8_t *)row.data + sizeof(time), sizeof(id));
        *ret = (struct expiry){ .time_us = be64toh(time),
                                .id = be64toh(id),
                                .key = { (const uint8_t *)row.data + HEAD_BYTES,
                                         row.len - HEAD_BYTES } };
        return DISK_OK;
}
