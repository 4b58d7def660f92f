/*
 * content.c - see content.h.
 */
#include "storaged/content.h"

#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "storaged/key.h"
#include "storaged/stream.h"

int content_remove(struct disk *d, uint64_t id) {
        int r = key_remove_all(d, id);
        if (r == DISK_OK)
                r = stream_truncate(d, id, 0);
        return r != DISK_OK ? r : history_remove(d, id);
}

static int record_make(struct disk *d, const char *name, size_t len, struct record *ret) {
        *ret = (struct record){
                .time_us = clock_wall_us(),
                .max_keys = LIMIT_OBJECT_KEYS,
                .max_bytes = LIMIT_OBJECT_BYTES,
                .name_len = len,
        };
        memcpy(ret->name, name, len);
        return record_add(d, ret);
}

int content_renew(struct disk *d, const char *name, size_t len, struct record *ret) {
        int r = record_find(d, name, len, ret);
        if (r == DISK_OK)
                r = content_remove(d, ret->id);
        else if (r == DISK_E_NOTFOUND)
                r = record_make(d, name, len, ret);
        if (r != DISK_OK)
                return r;

        ret->revision++;
        ret->n_keys = ret->key_bytes = ret->stream_bytes = 0;
        ret->history = (struct history){ .first = ret->revision + 1 };
        return DISK_OK;
}

int content_add_key(struct disk *d,
                    struct record *to,
                    struct disk_bytes key,
                    struct disk_bytes value) {
        to->n_keys++;
        to->key_bytes += key.len + value.len;
        return key_put(d, to->id, key, NULL,
                       &(struct key_row){ .revision = to->revision, .value = value });
}

static int copy_keys(struct disk *d, uint64_t from, struct record *to) {
        uint8_t key[LIMIT_KEY_BYTES];
        struct disk_bytes found = { key, 0 };
        struct key_row row;
        int r;

        while ((r = key_after(d, from, found, &found, &row)) == DISK_OK) {
                if (found.len > sizeof(key))
                        return error_origin(EBADMSG);
                /* What was found moves with the next write. */
                memcpy(key, found.data, found.len);
                found.data = key;
                if (row.expires_us == 0)
                        r = content_add_key(d, to, found, row.value);
                if (r != DISK_OK)
                        return r;
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}

int content_copy(struct disk *d, const struct record *from, struct record *to) {
        int r = copy_keys(d, from->id, to);
        if (r == DISK_OK)
                r = stream_copy(d, from->id, to->id);
        to->stream_bytes = from->stream_bytes;
        return r;
}
