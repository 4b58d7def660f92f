/*
 * key.c - one row for each key (docs/man/thox-store.5):
 *
 *   keys   id(u64 be) key -> revision, expires (0: never), value (values)
 *
 * Invariant: `expiries` has an entry for each row that expires, and no other.
 */
#include "storaged/key.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "libipc/value.h"
#include "storaged/expiry.h"

#define ROW_HEAD_BYTES 18u /* at most: two integers */

struct row_key {
        uint64_t id;
        uint8_t key[LIMIT_KEY_BYTES];
} __attribute__((packed));

#define ID_BYTES offsetof(struct row_key, key)

static struct disk_bytes row_key(struct row_key *row, uint64_t id, struct disk_bytes key) {
        assert(key.len <= LIMIT_KEY_BYTES);
        row->id = htobe64(id);
        if (key.len > 0)
                memcpy(row->key, key.data, key.len);
        return (struct disk_bytes){ row, ID_BYTES + key.len };
}

static int row_parse(struct disk_bytes bytes, struct key_row *ret) {
        struct value_reader r;
        int64_t revision, expires_us;

        value_reader_init(&r, bytes.data, bytes.len);
        if (!value_get_integer(&r, &revision) || !value_get_integer(&r, &expires_us) ||
            revision < 0 || expires_us < 0 || r.at == r.end)
                return error_origin(EBADMSG);
        *ret = (struct key_row){ .revision = (uint64_t)revision,
                                 .expires_us = (uint64_t)expires_us,
                                 .value = { r.at, (size_t)(r.end - r.at) } };
        return DISK_OK;
}

int key_find(struct disk *d, uint64_t id, struct disk_bytes key, struct key_row *ret) {
        struct row_key row;
        struct disk_bytes bytes;
        int r = disk_get(d, DISK_TABLE_KEYS, row_key(&row, id, key), &bytes);
        return r != DISK_OK ? r : row_parse(bytes, ret);
}

int key_after(struct disk *d,
              uint64_t id,
              struct disk_bytes key,
              struct disk_bytes *ret_key,
              struct key_row *ret) {
        struct row_key row;
        struct disk_bytes found, bytes;
        int r = disk_after(d, DISK_TABLE_KEYS, row_key(&row, id, key), &found, &bytes);
        if (r != DISK_OK)
                return r;
        if (found.len < ID_BYTES)
                return error_origin(EBADMSG);
        if (memcmp(found.data, &row, ID_BYTES) != 0)
                return DISK_E_NOTFOUND;
        *ret_key =
                (struct disk_bytes){ (const uint8_t *)found.data + ID_BYTES, found.len - ID_BYTES };
        return row_parse(bytes, ret);
}

static int unexpire(struct disk *d, uint64_t id, struct disk_bytes key, const struct key_row *old) {
        if (!old || old->expires_us == 0)
                return DISK_OK;
        return expiry_remove(d, &(struct expiry){ old->expires_us, id, key });
}

int key_put(struct disk *d,
            uint64_t id,
            struct disk_bytes key,
            const struct key_row *old,
            const struct key_row *row) {
        struct row_key at;
        struct buf bytes CLEANUP(buf_deinit);
        int r;

        /* The value may be the disk's own, which is valid until the first write. */
        buf_init(&bytes, ROW_HEAD_BYTES + row->value.len);
        r = value_put_integer(&bytes, (int64_t)row->revision);
        if (r == 0)
                r = value_put_integer(&bytes, (int64_t)row->expires_us);
        if (r == 0)
                r = buf_add(&bytes, row->value.data, row->value.len);
        if (r < 0)
                return error_trace(r);

        r = unexpire(d, id, key, old);
        if (r == DISK_OK && row->expires_us != 0)
                r = expiry_add(d, &(struct expiry){ row->expires_us, id, key });
        return r != DISK_OK ? r :
                              disk_put(d, DISK_TABLE_KEYS, row_key(&at, id, key),
                                       (struct disk_bytes){ bytes.data, bytes.len });
}

int key_remove(struct disk *d, uint64_t id, struct disk_bytes key, const struct key_row *old) {
        struct row_key at;
        int r = unexpire(d, id, key, old);
        return r != DISK_OK ? r : disk_remove(d, DISK_TABLE_KEYS, row_key(&at, id, key));
}

int key_remove_all(struct disk *d, uint64_t id) {
        const struct disk_bytes first = { NULL, 0 };
        struct disk_bytes found;
        struct key_row row;
        int r;

        while ((r = key_after(d, id, first, &found, &row)) == DISK_OK) {
                uint8_t key[LIMIT_KEY_BYTES];

                if (found.len > sizeof(key))
                        return error_origin(EBADMSG);
                memcpy(key, found.data, found.len);
                r = key_remove(d, id, (struct disk_bytes){ key, found.len }, &row);
                if (r != DISK_OK)
                        return r;
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}
