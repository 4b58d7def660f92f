/*
 * record.c - see record.h. Tables (docs/man/thox-store.5):
 *
 *   objects    name       -> id(u64 be)
 *   records    id(u64 be) -> the fields of struct record but the id (values)
 *
 * and counters (counter.h): "id", the newest given; "objects", how many there are; "revision", the
 * highest of an object that is gone.
 */
#include "storaged/record.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/error.h"
#include "libipc/value.h"
#include "storaged/counter.h"

#define RECORD_BYTES (12u * 9u + 3u + LIMIT_NAME_BYTES)

static struct disk_bytes big_bytes(const uint64_t *big) {
        return (struct disk_bytes){ big, sizeof(*big) };
}

static int big_parse(struct disk_bytes bytes, uint64_t *ret) {
        uint64_t big;
        if (bytes.len != sizeof(big))
                return error_origin(EBADMSG);
        memcpy(&big, bytes.data, sizeof(big));
        *ret = be64toh(big);
        return DISK_OK;
}

int record_count(struct disk *d, uint64_t *ret) {
        return counter_get(d, "objects", ret);
}

int record_next_revision(struct disk *d, uint64_t *ret) {
        return counter_get(d, "revision", ret);
}

int record_start_revision(struct disk *d, uint64_t revision) {
        uint64_t now;
        int r = counter_get(d, "revision", &now);
        return r != DISK_OK || now >= revision ? r : counter_set(d, "revision", revision);
}

/*
 * Rows.
 */

/* The fields that are numbers, in the order in which they are stored. */
static void record_numbers(struct record *r, uint64_t *ret[11]) {
        uint64_t *const numbers[11] = {
                &r->time_us,          &r->revision,        &r->born,
                &r->n_keys,           &r->key_bytes,       &r->stream_bytes,
                &r->max_keys,         &r->max_bytes,       &r->history.first,
                &r->history.n_events, &r->history.n_bytes,
        };
        memcpy(ret, numbers, sizeof(numbers));
}

static int record_parse(struct disk_bytes row, struct record *ret) {
        struct value_reader r;
        const uint8_t *name;
        uint64_t *numbers[11];

        record_numbers(ret, numbers);
        value_reader_init(&r, row.data, row.len);
        if (!value_get_bytes(&r, &name, &ret->name_len) || ret->name_len > sizeof(ret->name))
                return error_origin(EBADMSG);
        memcpy(ret->name, name, ret->name_len);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                int64_t n;
                if (!value_get_integer(&r, &n) || n < 0)
                        return error_origin(EBADMSG);
                *numbers[i] = (uint64_t)n;
        }
        return value_is_done(&r) ? DISK_OK : error_origin(EBADMSG);
}

int record_get(struct disk *d, uint64_t id, struct record *ret) {
        uint64_t big = htobe64(id);
        struct disk_bytes row;
        int r = disk_get(d, DISK_TABLE_RECORDS, big_bytes(&big), &row);
        if (r != DISK_OK)
                return r;
        *ret = (struct record){ .id = id };
        return record_parse(row, ret);
}

/* What `objects` says, there must be. */
static int record_follow(struct disk *d, struct disk_bytes value, struct record *ret) {
        uint64_t id;
        int r = big_parse(value, &id);
        if (r == DISK_OK)
                r = record_get(d, id, ret);
        return r == DISK_E_NOTFOUND ? error_origin(EBADMSG) : r;
}

int record_find(struct disk *d, const void *name, size_t len, struct record *ret) {
        struct disk_bytes value;
        int r = disk_get(d, DISK_TABLE_OBJECTS, (struct disk_bytes){ name, len }, &value);
        return r != DISK_OK ? r : record_follow(d, value, ret);
}

int record_after(struct disk *d, const void *name, size_t len, struct record *ret) {
        struct disk_bytes before = { len > 0 ? name : "", len > 0 ? len : 1 }, key, value;
        int r = disk_after(d, DISK_TABLE_OBJECTS, before, &key, &value);
        return r != DISK_OK ? r : record_follow(d, value, ret);
}

int record_put(struct disk *d, const struct record *record) {
        struct record copy = *record;
        struct buf row CLEANUP(buf_deinit);
        uint64_t *numbers[11], big = htobe64(record->id);
        int r;

        buf_init(&row, RECORD_BYTES);
        r = value_put_bytes(&row, record->name, record->name_len);
        record_numbers(&copy, numbers);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++)
                r = value_put_integer(&row, (int64_t)*numbers[i]);
        if (r < 0)
                return error_trace(r);
        return disk_put(d, DISK_TABLE_RECORDS, big_bytes(&big),
                        (struct disk_bytes){ row.data, row.len });
}

int record_add(struct disk *d, struct record *record) {
        uint64_t n, big;
        int r = counter_add(d, "objects", 1, &n);
        if (r == DISK_OK)
                r = counter_add(d, "id", 1, &record->id);
        if (r == DISK_OK)
                r = counter_get(d, "revision", &record->born);
        if (r != DISK_OK)
                return r;

        record->revision = record->born;
        record->history = (struct history){ .first = record->born + 1 };
        big = htobe64(record->id);
        r = disk_put(d, DISK_TABLE_OBJECTS, (struct disk_bytes){ record->name, record->name_len },
                     big_bytes(&big));
        return r != DISK_OK ? r : record_put(d, record);
}

int record_add_hidden(struct disk *d, struct record *record) {
        int r = counter_add(d, "id", 1, &record->id);
        return r != DISK_OK ? r : record_put(d, record);
}

int record_remove_hidden(struct disk *d, const struct record *record) {
        uint64_t big = htobe64(record->id);
        return disk_remove(d, DISK_TABLE_RECORDS, big_bytes(&big));
}

int record_remove(struct disk *d, const struct record *record) {
        uint64_t n;
        int r = counter_add(d, "objects", -1, &n);
        if (r == DISK_OK)
                r = record_start_revision(d, record->revision + 1);
        if (r == DISK_OK)
                r = record_remove_hidden(d, record);
        return r != DISK_OK ? r :
                              disk_remove(d, DISK_TABLE_OBJECTS,
                                          (struct disk_bytes){ record->name, record->name_len });
}
