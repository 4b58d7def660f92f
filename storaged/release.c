/*
 * release.c - see release.h.
 */
#include "storaged/release.h"

#include <string.h>

#include "storaged/record.h"
#include "storaged/snapshot.h"

size_t release_object_name(char ret[LIMIT_NAME_BYTES], const void *program, size_t len) {
        size_t prefix_len = strlen(RELEASE_PREFIX);

        if (prefix_len + len > LIMIT_NAME_BYTES)
                return 0;
        memcpy(ret, RELEASE_PREFIX, prefix_len);
        memcpy(ret + prefix_len, program, len);
        return prefix_len + len;
}

int release_has_data(struct store *s, const struct store_entry *entry, bool *ret) {
        struct snapshot snapshot;
        char name[LIMIT_NAME_BYTES];
        size_t len = release_object_name(name, entry->name.bytes, entry->name.len);
        int r = STORE_E_NOTFOUND;

        if (entry->name.kind == STORE_KIND_PROGRAM && len > 0)
                r = store_fold(snapshot_find(s->disk, name, len, entry->version, &snapshot));
        *ret = r == STORE_OK;
        return r == STORE_E_NOTFOUND ? STORE_OK : r;
}

/* The data that a rollback brings back. */
static int find_data(struct store *s,
                     const struct store_change *c,
                     const char *name,
                     size_t len,
                     struct snapshot *ret) {
        uint64_t version;
        int r = store_source(s, c, &version);
        if (r == STORE_OK)
                r = store_fold(snapshot_find(s->disk, name, len, version, ret));
        return r == STORE_E_NOTFOUND ? STORE_E_NODATA : r;
}

/* Whether the program's object is there, or may come to be. */
static int check_objects(struct store *s, const char *name, size_t len) {
        struct record object;
        uint64_t n = 0;
        int r = record_find(s->disk, name, len, &object);

        if (r == DISK_E_NOTFOUND)
                r = record_count(s->disk, &n);
        if (r != DISK_OK)
                return store_fold(r);
        return n < LIMIT_OBJECTS ? STORE_OK : STORE_E_OBJECTS;
}

/* Before anything is written. */
static int check_data(struct store *s,
                      const struct store_change *c,
                      const char *name,
                      size_t len,
                      struct snapshot *ret_back) {
        int r = STORE_OK;

        if (!c->with_data && c->package.max_keys == 0)
                return STORE_OK;
        if (len == 0)
                return STORE_E_NODATA;
        if (c->with_data)
                r = find_data(s, c, name, len, ret_back);
        return r == STORE_OK ? check_objects(s, name, len) : r;
}

static int change_data(struct store *s,
                       const struct store_change *c,
                       const char *name,
                       size_t len,
                       const struct snapshot *back) {
        int r = snapshot_take(s->disk, name, len, c->version - 1);
        if (r == DISK_OK && c->with_data)
                r = snapshot_restore(s->disk, back);
        if (r == DISK_OK)
                r = package_restore(&c->package, s->disk, name, len);
        return r != DISK_OK ? r : snapshot_trim(s->disk, name, len);
}

int release_apply(struct store *s, struct store_change *c) {
        struct snapshot back = { .id = 0 };
        char name[LIMIT_NAME_BYTES];
        size_t len = 0;
        int r;

        if (c->name.kind == STORE_KIND_PROGRAM)
                len = release_object_name(name, c->name.bytes, c->name.len);
        c->result = check_data(s, c, name, len, &back);
        if (c->result != STORE_OK)
                return c->result < 0 ? c->result : DISK_OK;
        r = store_apply(s, c);
        if (r != DISK_OK || c->result != STORE_OK || len == 0)
                return r;
        return change_data(s, c, name, len, &back);
}
