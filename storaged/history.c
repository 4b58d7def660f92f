/*
 * history.c - one row for each change (docs/man/thox-store.5):
 *
 *   history   id(u64 be) revision(u64 be) number(u32 be) -> type, key [, value] (values)
 *
 * Invariant: h->n_events and h->n_bytes count the rows of the object, keys of rows included.
 */
#include "storaged/history.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/error.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/value.h"

#define HEAD_BYTES 16u /* of a row's value, at most: type and the length of the key */

/* Forgetting costs as much as adding: it is done for many events at once. */
#define SLACK_EVENTS (LIMIT_HISTORY_EVENTS / 8)
#define SLACK_BYTES (LIMIT_HISTORY_BYTES / 8)

struct row_key {
        uint64_t id, revision;
        uint32_t number;
} __attribute__((packed));

static const char *const type_names[] = {
        [HISTORY_TYPE_SET] = "set",
        [HISTORY_TYPE_DEL] = "del",
        [HISTORY_TYPE_EXPIRE] = "expire",
};
static_assert(ARRAY_SIZE(type_names) == _HISTORY_TYPE_N, "every type has a name");

const char *history_type_name(enum history_type type) {
        return type_names[type];
}

static struct row_key row_key(uint64_t id, uint64_t revision, uint32_t number) {
        return (struct row_key){ htobe64(id), htobe64(revision), htobe32(number) };
}

static struct disk_bytes key_bytes(const struct row_key *key) {
        return (struct disk_bytes){ key, sizeof(*key) };
}

/*
 * Rows.
 */

static int row_put(struct buf *row, const struct history_event *event) {
        int r = value_put_integer(row, event->type);
        if (r == 0)
                r = value_put_bytes(row, event->key.data, event->key.len);
        if (r == 0)
                r = buf_add(row, event->value.data, event->value.len);
        return error_trace(r);
}

static int row_parse(struct disk_bytes row, struct history_event *ret) {
        struct value_reader r;
        const uint8_t *key;
        int64_t type;

        value_reader_init(&r, row.data, row.len);
        if (!value_get_integer(&r, &type) || type < 0 || type >= _HISTORY_TYPE_N ||
            !value_get_bytes(&r, &key, &ret->key.len))
                return error_origin(EBADMSG);
        ret->type = (enum history_type)type;
        ret->key.data = key;
        ret->value = (struct disk_bytes){ r.at, (size_t)(r.end - r.at) };
        return DISK_OK;
}

/* The object's first row behind `after`, which becomes that row's key. */
static int row_next(struct disk *d, struct row_key *after, struct disk_bytes *ret_row) {
        struct disk_bytes key;
        uint64_t id = after->id;
        int r = disk_after(d, DISK_TABLE_HISTORY, key_bytes(after), &key, ret_row);
        if (r != DISK_OK)
                return r;
        if (key.len != sizeof(*after))
                return error_origin(EBADMSG);
        memcpy(after, key.data, sizeof(*after));
        return after->id == id ? DISK_OK : DISK_E_NOTFOUND;
}

/*
 * The whole of it.
 */

int history_add(struct disk *d,
                uint64_t id,
                struct history *h,
                const struct history_event *event,
                uint32_t number) {
        struct row_key key = row_key(id, event->revision, number);
        struct buf row CLEANUP(buf_deinit);
        int r;

        buf_init(&row, HEAD_BYTES + event->key.len + event->value.len);
        r = row_put(&row, event);
        if (r == 0)
                r = disk_put(d, DISK_TABLE_HISTORY, key_bytes(&key),
                             (struct disk_bytes){ row.data, row.len });
        if (r != DISK_OK)
                return r;
        if (h->first == 0)
                h->first = event->revision;
        h->n_events++;
        h->n_bytes += sizeof(key) + row.len;
        return DISK_OK;
}

/* Forgets the oldest revision; false in *ret_more when it is the only one, which stays. */
static int history_remove_first(struct disk *d, uint64_t id, struct history *h, bool *ret_more) {
        struct row_key first = row_key(id, 0, 0), last = row_key(id, UINT64_MAX, UINT32_MAX), at;
        struct disk_bytes key, row;
        int r = row_next(d, &first, &row);
        if (r == DISK_OK)
                r = disk_before(d, DISK_TABLE_HISTORY, key_bytes(&last), &key, &row);
        if (r != DISK_OK)
                return r;
        memcpy(&last, key.data, sizeof(last));
        *ret_more = first.revision != last.revision;
        if (!*ret_more)
                return DISK_OK;

        at = row_key(id, 0, 0);
        while ((r = row_next(d, &at, &row)) == DISK_OK && at.revision == first.revision) {
                h->n_events--;
                h->n_bytes -= sizeof(at) + row.len;
                r = disk_remove(d, DISK_TABLE_HISTORY, key_bytes(&at));
                if (r != DISK_OK)
                        return r;
        }
        if (r == DISK_OK)
                h->first = be64toh(at.revision);
        return r;
}

int history_trim(struct disk *d, uint64_t id, struct history *h) {
        bool more = h->n_events > LIMIT_HISTORY_EVENTS + SLACK_EVENTS ||
                    h->n_bytes > LIMIT_HISTORY_BYTES + SLACK_BYTES;

        while (more && (h->n_events > LIMIT_HISTORY_EVENTS || h->n_bytes > LIMIT_HISTORY_BYTES)) {
                int r = history_remove_first(d, id, h, &more);
                if (r != DISK_OK)
                        return r;
        }
        return DISK_OK;
}

int history_remove(struct disk *d, uint64_t id) {
        struct row_key at = row_key(id, 0, 0);
        struct disk_bytes row;
        int r;

        while ((r = row_next(d, &at, &row)) == DISK_OK) {
                r = disk_remove(d, DISK_TABLE_HISTORY, key_bytes(&at));
                if (r != DISK_OK)
                        return r;
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}

bool history_reaches(const struct history *h, uint64_t revision) {
        return revision + 1 >= h->first;
}

int history_read(struct disk *d, uint64_t id, uint64_t revision, history_fn *fn, void *userdata) {
        struct row_key at = row_key(id, revision, UINT32_MAX);
        struct history_event event;
        struct disk_bytes row;
        int r;

        while ((r = row_next(d, &at, &row)) == DISK_OK) {
                event.revision = be64toh(at.revision);
                r = row_parse(row, &event);
                if (r == DISK_OK)
                        r = fn(userdata, &event);
                if (r != DISK_OK)
                        return r;
        }
        return r == DISK_E_NOTFOUND ? DISK_OK : r;
}
