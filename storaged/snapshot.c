/*
 * snapshot.c - see snapshot.h. A table (docs/man/thox-store.5):
 *
 *   snapshots   name NUL version(u64 be) -> id(u64 be)
 *
 * The rows are as an object's, and so is the record, but no name leads to it.
 */
#include "storaged/snapshot.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "storaged/content.h"
#include "storaged/record.h"

struct row_key {
        size_t len;
        uint8_t bytes[LIMIT_NAME_BYTES + 1 + sizeof(uint64_t)];
};

static struct row_key row_key(const char *name, size_t len, uint64_t version) {
        struct row_key key = { .len = len + 1 + sizeof(version) };
        uint64_t big = htobe64(version);

        assert(len <= LIMIT_NAME_BYTES);
        memcpy(key.bytes, name, len);
        memcpy(key.bytes + len + 1, &big, sizeof(big));
        return key;
}

static struct disk_bytes key_bytes(const struct row_key *key) {
        return (struct disk_bytes){ key->bytes, key->len };
}

static int big_parse(const void *bytes, size_t len, uint64_t *ret) {
        uint64_t big;

        if (len != sizeof(big))
                return error_origin(EBADMSG);
        memcpy(&big, bytes, sizeof(big));
        *ret = be64toh(big);
        return DISK_OK;
}

/* The row that was found, if it is of this name. */
static int row_parse(const char *name,
                     size_t len,
                     struct disk_bytes key,
                     struct disk_bytes value,
                     struct snapshot *ret) {
        const uint8_t *bytes = key.data;
        int r;

        if (key.len != len + 1 + sizeof(uint64_t) || memcmp(bytes, name, len) != 0 || bytes[len])
                return DISK_E_NOTFOUND;
        *ret = (struct snapshot){ .name = name, .len = len };
        r = big_parse(bytes + len + 1, sizeof(uint64_t), &ret->version);
        return r != DISK_OK ? r : big_parse(value.data, value.len, &ret->id);
}

int snapshot_find(
        struct disk *d, const char *name, size_t len, uint64_t version, struct snapshot *ret) {
        struct row_key key = row_key(name, len, version);
        struct disk_bytes value;
        int r = disk_get(d, DISK_TABLE_SNAPSHOTS, key_bytes(&key), &value);
        return r != DISK_OK ? r : row_parse(name, len, key_bytes(&key), value, ret);
}

static int snapshot_before(
        struct disk *d, const char *name, size_t len, uint64_t version, struct snapshot *ret) {
        struct row_key key = row_key(name, len, version);
        struct disk_bytes found, value;
        int r = disk_before(d, DISK_TABLE_SNAPSHOTS, key_bytes(&key), &found, &value);
        return r != DISK_OK ? r : row_parse(name, len, found, value, ret);
}

/*
 * Taking one.
 */

/* Whether the rows of `s` are what the object has now. */
static int is_unchanged(struct disk *d,
                        const struct snapshot *s,
                        const struct record *object,
                        bool *ret) {
        struct record kept;
        int r;

        *ret = false;
        if (s->id == 0)
                return DISK_OK;
        r = record_get(d, s->id, &kept);
        if (r == DISK_OK)
                *ret = kept.born == object->born && kept.revision == object->revision;
        return r == DISK_E_NOTFOUND ? error_origin(EBADMSG) : r;
}

static int copy_object(struct disk *d, const struct record *object, uint64_t *ret_id) {
        struct record copy = *object;
        int r;

        copy.n_keys = copy.key_bytes = copy.stream_bytes = 0;
        copy.history = (struct history){ .first = 0 };
        r = record_add_hidden(d, &copy);
        if (r == DISK_OK)
                r = content_copy(d, object, &copy);
        *ret_id = copy.id;
        return r != DISK_OK ? r : record_put(d, &copy);
}

/* Under which number the object's present content is kept. */
static int keep_object(struct disk *d, const struct snapshot *s, uint64_t *ret_id) {
        struct snapshot before;
        struct record object;
        bool is_same = false;
        int r = record_find(d, s->name, s->len, &object);
        if (r == DISK_E_NOTFOUND) {
                *ret_id = 0;
                return DISK_OK;
        }
        if (r == DISK_OK)
                r = snapshot_before(d, s->name, s->len, s->version, &before);
        if (r == DISK_OK)
                r = is_unchanged(d, &before, &object, &is_same);
        if (r != DISK_OK && r != DISK_E_NOTFOUND)
                return r;
        if (!is_same)
                return copy_object(d, &object, ret_id);
        *ret_id = before.id;
        return DISK_OK;
}

int snapshot_take(struct disk *d, const char *name, size_t len, uint64_t version) {
        struct snapshot s = { .name = name, .len = len, .version = version };
        struct row_key key = row_key(name, len, version);
        uint64_t big;
        int r = keep_object(d, &s, &s.id);

        big = htobe64(s.id);
        return r != DISK_OK ? r :
                              disk_put(d, DISK_TABLE_SNAPSHOTS, key_bytes(&key),
                                       (struct disk_bytes){ &big, sizeof(big) });
}

/*
 * Giving it back.
 */

int snapshot_restore(struct disk *d, const struct snapshot *s) {
        struct record object, kept;
        int r = content_renew(d, s->name, s->len, &object);

        if (r == DISK_OK && s->id != 0)
                r = record_get(d, s->id, &kept);
        if (r == DISK_OK && s->id != 0)
                r = content_copy(d, &kept, &object);
        return r != DISK_OK ? r : record_put(d, &object);
}

/*
 * Forgetting.
 */

/* The rows go with the newest snapshot that has them. */
static int snapshot_remove(struct disk *d, const struct snapshot *s) {
        struct row_key key = row_key(s->name, s->len, s->version);
        struct disk_bytes found, value;
        struct snapshot next = { .id = 0 };
        struct record kept = { .id = s->id };
        int r = disk_after(d, DISK_TABLE_SNAPSHOTS, key_bytes(&key), &found, &value);
        if (r == DISK_OK)
                r = row_parse(s->name, s->len, found, value, &next);
        if (r == DISK_E_NOTFOUND || r == DISK_OK)
                r = disk_remove(d, DISK_TABLE_SNAPSHOTS, key_bytes(&key));
        if (r != DISK_OK || s->id == 0 || s->id == next.id)
                return r;
        r = content_remove(d, s->id);
        return r != DISK_OK ? r : record_remove_hidden(d, &kept);
}

/* All but the newest `n`, of which there are few. The oldest goes first: later ones share its rows. */
static int forget_beyond(struct disk *d, const char *name, size_t len, size_t n) {
        struct snapshot all[LIMIT_SNAPSHOTS + 1];
        uint64_t version = UINT64_MAX;
        size_t n_all = 0;
        int r = DISK_OK;

        while (n_all < ARRAY_SIZE(all) &&
               (r = snapshot_before(d, name, len, version, &all[n_all])) == DISK_OK)
                version = all[n_all++].version;
        if (r == DISK_E_NOTFOUND)
                r = DISK_OK;
        while (r == DISK_OK && n_all > n)
                r = snapshot_remove(d, &all[--n_all]);
        return r;
}

int snapshot_trim(struct disk *d, const char *name, size_t len) {
        return forget_beyond(d, name, len, LIMIT_SNAPSHOTS);
}

int snapshot_forget(struct disk *d, const char *name, size_t len) {
        return forget_beyond(d, name, len, 0);
}
