/*
 * store.c - names and versions. Tables (docs/man/thox-store.5):
 *
 *   entries   kind name NUL version(u64 be) -> version, time, is_deleted, note, content (values)
 *   current   kind name                     -> version(u64 be)
 *
 * where kind is one letter. Names hold no control bytes, so NUL ends one and sorts before any longer
 * name, and 0x01 sorts behind all versions of a name.
 *
 * Invariant: `current` names the newest key of `entries`, for every name that has any.
 */
#include "storaged/store.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/error.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/value.h"
#include "storaged/item.h"

#define NAME_END 0x00
#define VERSIONS_END 0x01
#define RECORD_BYTES (LIMIT_SOURCE_BYTES + LIMIT_NOTE_BYTES + 64u)

struct key {
        uint8_t bytes[1 + LIMIT_NAME_BYTES + 1 + sizeof(uint64_t)];
        size_t len;
};

static const char kind_letters[] = {
        [STORE_KIND_PROGRAM] = 'p',
        [STORE_KIND_LIBRARY] = 'l',
        [STORE_KIND_RUNTIME] = 'r',
        [STORE_KIND_PROPS] = 's',
};
static_assert(ARRAY_SIZE(kind_letters) == _STORE_KIND_N, "every kind has a letter");

static struct disk_bytes key_bytes(const struct key *key) {
        return (struct disk_bytes){ key->bytes, key->len };
}

static struct key key_of_name(const struct store_name *name) {
        struct key key = { .bytes = { (uint8_t)kind_letters[name->kind] }, .len = 1 + name->len };

        assert(name->len <= LIMIT_NAME_BYTES);
        if (name->len > 0)
                memcpy(key.bytes + 1, name->bytes, name->len);
        return key;
}

static struct key key_of_version(const struct store_name *name, uint64_t version) {
        struct key key = key_of_name(name);
        uint64_t big = htobe64(version);

        key.bytes[key.len++] = NAME_END;
        memcpy(key.bytes + key.len, &big, sizeof(big));
        key.len += sizeof(big);
        return key;
}

static struct key key_behind_versions(const struct store_name *name) {
        struct key key = key_of_name(name);

        key.bytes[key.len++] = VERSIONS_END;
        return key;
}

static bool key_is_of(struct disk_bytes key, const struct store_name *name) {
        struct key wanted = key_of_version(name, 0);
        return key.len == wanted.len &&
               memcmp(key.data, wanted.bytes, wanted.len - sizeof(uint64_t)) == 0;
}

/*
 * Records.
 */

static int record_put(struct buf *out, const struct store_entry *entry) {
        int r;

        buf_clear(out);
        r = value_put_integer(out, (int64_t)entry->version);
        if (r == 0)
                r = value_put_integer(out, (int64_t)entry->time_us);
        if (r == 0)
                r = value_put_boolean(out, entry->is_deleted);
        if (r == 0)
                r = value_put_bytes(out, entry->note.data, entry->note.len);
        if (r == 0)
                r = value_put_bytes(out, entry->content.data, entry->content.len);
        return error_trace(r);
}

static int record_parse(struct disk_bytes record,
                        const struct store_name *name,
                        struct store_entry *ret) {
        struct store_entry entry = { .name = *name };
        struct value_reader r;

        value_reader_init(&r, record.data, record.len);
        if (!item_take_count(&r, &entry.version) || !item_take_count(&r, &entry.time_us) ||
            !value_get_boolean(&r, &entry.is_deleted) || !item_take_bytes(&r, &entry.note) ||
            !item_take_bytes(&r, &entry.content) || !value_is_done(&r))
                return error_origin(EBADMSG);
        *ret = entry;
        return STORE_OK;
}

/*
 * Reading.
 */

int store_fold(int r) {
        switch ((enum disk_error)r) {
        case DISK_E_NOTFOUND:
                return STORE_E_NOTFOUND;
        case DISK_E_FULL:
                return STORE_E_FULL;
        case DISK_E_IO:
                return STORE_E_IO;
        default:
                return error_fold(r);
        }
}

int store_begin(struct store *s) {
        return store_fold(disk_begin(s->disk, false));
}

void store_end(struct store *s) {
        disk_end(s->disk);
}

static int current_parse(struct disk_bytes value, uint64_t *ret) {
        uint64_t big;
        if (value.len != sizeof(big))
                return error_origin(EBADMSG);
        memcpy(&big, value.data, sizeof(big));
        *ret = be64toh(big);
        return STORE_OK;
}

/* 0 for a name of which the disk knows nothing. */
static int current_version(struct store *s, const struct store_name *name, uint64_t *ret) {
        struct key key = key_of_name(name);
        struct disk_bytes value;
        int r = disk_get(s->disk, DISK_TABLE_CURRENT, key_bytes(&key), &value);
        if (r == DISK_E_NOTFOUND) {
                *ret = 0;
                return STORE_OK;
        }
        return r != DISK_OK ? store_fold(r) : current_parse(value, ret);
}

static struct store_entry boot_entry(const struct bootstore_entry *e) {
        static const char note[] = "boot store";
        return (struct store_entry){
                .name = { e->kind, e->name, strlen(e->name) },
                .note = { note, sizeof(note) - 1 },
                .content = { e->bytes, e->len },
        };
}

static int boot_find(struct store *s, const struct store_name *name, struct store_entry *ret) {
        const struct bootstore_entry *e =
                s->boot ? bootstore_find(s->boot, name->kind, name->bytes, name->len) : NULL;
        if (!e)
                return STORE_E_NOTFOUND;
        *ret = boot_entry(e);
        return STORE_OK;
}

static int version_find(struct store *s,
                        const struct store_name *name,
                        uint64_t version,
                        struct store_entry *ret) {
        struct key key = key_of_version(name, version);
        struct disk_bytes record;
        int r;

        if (version == 0)
                return boot_find(s, name, ret);
        r = disk_get(s->disk, DISK_TABLE_ENTRIES, key_bytes(&key), &record);
        return r != DISK_OK ? store_fold(r) : record_parse(record, name, ret);
}

int store_find(struct store *s,
               const struct store_name *name,
               int64_t version,
               struct store_entry *ret) {
        uint64_t current;
        int r;

        if (version != STORE_VERSION_ANY)
                return version_find(s, name, (uint64_t)version, ret);
        r = current_version(s, name, &current);
        return r != STORE_OK ? r : version_find(s, name, current, ret);
}

int store_before(struct store *s,
                 const struct store_name *name,
                 int64_t version,
                 struct store_entry *ret) {
        struct key key = version == STORE_VERSION_ANY ? key_behind_versions(name) :
                                                        key_of_version(name, (uint64_t)version);
        struct disk_bytes found, record;
        int r;

        if (version == 0)
                return STORE_E_NOTFOUND;
        r = disk_before(s->disk, DISK_TABLE_ENTRIES, key_bytes(&key), &found, &record);
        if (r == DISK_E_NOTFOUND || (r == DISK_OK && !key_is_of(found, name)))
                return boot_find(s, name, ret);
        return r != DISK_OK ? store_fold(r) : record_parse(record, name, ret);
}

static int name_compare(const struct store_name *a, const struct store_name *b) {
        int r = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);
        return r != 0 ? r : (a->len > b->len) - (a->len < b->len);
}

static int boot_after(struct store *s, const struct store_name *name, struct store_entry *ret) {
        for (size_t i = 0; s->boot && i < bootstore_count(s->boot); i++) {
                struct store_entry entry = boot_entry(bootstore_at(s->boot, i));

                if (entry.name.kind == name->kind &&
                    (name->len == 0 || name_compare(&entry.name, name) > 0)) {
                        *ret = entry;
                        return STORE_OK;
                }
        }
        return STORE_E_NOTFOUND;
}

static int disk_name_after(struct store *s,
                           const struct store_name *name,
                           struct store_entry *ret) {
        struct key key = key_of_name(name);
        struct store_name found;
        struct disk_bytes k, value;
        uint64_t version;
        int r = disk_after(s->disk, DISK_TABLE_CURRENT, key_bytes(&key), &k, &value);
        if (r != DISK_OK)
                return store_fold(r);
        if (k.len < 2 || *(const uint8_t *)k.data != key.bytes[0])
                return STORE_E_NOTFOUND;

        r = current_parse(value, &version);
        if (r != STORE_OK)
                return r;
        found = (struct store_name){ name->kind, (const uint8_t *)k.data + 1, k.len - 1 };
        return version_find(s, &found, version, ret);
}

int store_after(struct store *s, const struct store_name *name, struct store_entry *ret) {
        struct store_entry boot, entry;
        int has_boot = boot_after(s, name, &boot) == STORE_OK;
        int r = disk_name_after(s, name, &entry);
        if (r == STORE_E_NOTFOUND && !has_boot)
                return r;
        if (r != STORE_OK && r != STORE_E_NOTFOUND)
                return r;

        if (r == STORE_E_NOTFOUND || (has_boot && name_compare(&boot.name, &entry.name) < 0))
                *ret = boot;
        else
                *ret = entry;
        return STORE_OK;
}

/*
 * Changing.
 */

/* The newest LIMIT_VERSIONS stay. */
static int versions_trim(struct store *s, const struct store_name *name, uint64_t newest) {
        struct key key;
        int r;

        if (newest <= LIMIT_VERSIONS)
                return STORE_OK;
        key = key_of_version(name, newest - LIMIT_VERSIONS);
        r = disk_remove(s->disk, DISK_TABLE_ENTRIES, key_bytes(&key));
        return r == DISK_E_NOTFOUND ? STORE_OK : r;
}

/* Results are the disk's from here on. */
static int version_put(struct store *s, const struct store_entry *entry, struct buf *record) {
        struct key key = key_of_version(&entry->name, entry->version);
        struct key name = key_of_name(&entry->name);
        uint64_t big = htobe64(entry->version);
        int r = record_put(record, entry);
        if (r < 0)
                return r;

        r = disk_put(s->disk, DISK_TABLE_ENTRIES, key_bytes(&key),
                     (struct disk_bytes){ record->data, record->len });
        if (r == DISK_OK)
                r = disk_put(s->disk, DISK_TABLE_CURRENT, key_bytes(&name),
                             (struct disk_bytes){ &big, sizeof(big) });
        return r != DISK_OK ? r : versions_trim(s, &entry->name, entry->version);
}

static bool change_is_expected(const struct store_change *c, uint64_t current, bool exists) {
        if (c->expect == STORE_VERSION_ANY || (uint64_t)c->expect == current)
                return true;
        return c->expect == 0 && !exists;
}

/* Where a rollback takes its content from. */
static int change_find_source(struct store *s,
                              const struct store_change *c,
                              uint64_t current,
                              struct store_entry *ret) {
        return c->source == STORE_VERSION_ANY ? store_before(s, &c->name, (int64_t)current, ret) :
                                                version_find(s, &c->name, (uint64_t)c->source, ret);
}

int store_source(struct store *s, const struct store_change *c, uint64_t *ret) {
        struct store_entry source;
        uint64_t current;
        int r = current_version(s, &c->name, &current);
        if (r == STORE_OK)
                r = change_find_source(s, c, current, &source);
        *ret = r == STORE_OK ? source.version : 0;
        return r;
}

static void change_set_note(struct store_change *c, uint64_t source) {
        int n = snprintf(c->rollback_note, sizeof(c->rollback_note), "rollback to version %" PRIu64,
                         source);
        c->note = (struct disk_bytes){ c->rollback_note, (size_t)n };
}

/* Decides what the new version is, without writing it. */
static int change_prepare(struct store *s, struct store_change *c, struct store_entry *ret) {
        struct store_entry now, next = { .content = c->content };
        uint64_t current;
        bool exists;
        int r = current_version(s, &c->name, &current);
        if (r != STORE_OK)
                return r;
        r = version_find(s, &c->name, current, &now);
        if (r != STORE_OK && r != STORE_E_NOTFOUND)
                return r;

        exists = r == STORE_OK && !now.is_deleted;
        c->version = current;
        if (!change_is_expected(c, current, exists))
                return STORE_E_CONFLICT;
        if (c->action == STORE_ACTION_DELETE && !exists)
                return STORE_E_NOTFOUND;
        if (c->action == STORE_ACTION_ROLLBACK) {
                r = change_find_source(s, c, current, &next);
                if (r != STORE_OK)
                        return r;
                change_set_note(c, next.version);
        }

        *ret = (struct store_entry){
                .name = c->name,
                .version = current + 1,
                .time_us = c->time_us,
                .is_deleted = c->action == STORE_ACTION_DELETE || next.is_deleted,
                .note = c->note,
                .content = next.content,
        };
        return STORE_OK;
}

int store_apply(struct store *s, struct store_change *c) {
        struct store_entry next;
        struct buf record;
        int r;

        c->result = change_prepare(s, c, &next);
        if (c->result != STORE_OK)
                return c->result < 0 ? c->result : DISK_OK;
        buf_init(&record, RECORD_BYTES);
        r = version_put(s, &next, &record);
        buf_deinit(&record);
        if (r == DISK_OK)
                c->version = next.version;
        return r;
}
