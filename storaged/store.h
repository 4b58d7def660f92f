/*
 * store.h - four stores (programs, libraries, runtimes, properties of services) of named, versioned bytes over a disk and
 * the boot store. Pure rules: no messages, no clock, no files.
 *
 * Versions of a name start at 1 and only grow, also across deletions: a deletion is a version without
 * bytes. The newest LIMIT_VERSIONS are kept. The boot store's entry of a name is its version 0; it is
 * what the name means until there is a version 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/bootstore.h"
#include "storaged/disk.h"
#include "storaged/package.h"

#define STORE_VERSION_ANY INT64_C(-1)

enum store_error {
        STORE_OK = 0,
        STORE_E_NOTFOUND = 1,
        STORE_E_CONFLICT = 2,
        STORE_E_FULL = 3, /* nothing was changed, in this case and the next */
        STORE_E_IO = 4,
        STORE_E_NODATA = 5,  /* of release.h: the data of that version is not kept */
        STORE_E_OBJECTS = 6, /* likewise: there would be one object more than LIMIT_OBJECTS */
};

struct store {
        struct disk *disk;            /* borrowed */
        const struct bootstore *boot; /* borrowed; NULL: none */
};

struct store_name {
        enum store_kind kind;
        const void *bytes; /* valid by name_is_valid */
        size_t len;
};

/* One version. Points into the stores. */
struct store_entry {
        struct store_name name;
        uint64_t version;
        uint64_t time_us; /* wall clock; 0 for the boot store */
        bool is_deleted;
        struct disk_bytes note, content;
};

/* Reads happen between these two; entries are valid until the second. */
int store_begin(struct store *s);
void store_end(struct store *s);

/* `version` of the name, deletions included; STORE_VERSION_ANY: the current one. */
int store_find(struct store *s,
               const struct store_name *name,
               int64_t version,
               struct store_entry *ret);
/* The newest version before `version`; STORE_VERSION_ANY: the current one. */
int store_before(struct store *s,
                 const struct store_name *name,
                 int64_t version,
                 struct store_entry *ret);
/* The current version of the first name after `name` (empty: of the first) of that kind, deletions
 * included. */
int store_after(struct store *s, const struct store_name *name, struct store_entry *ret);

enum store_action {
        STORE_ACTION_SET,
        STORE_ACTION_DELETE,
        STORE_ACTION_ROLLBACK,
        _STORE_ACTION_N,
};

/* What is to become the next version of a name. All it points to is borrowed. */
struct store_change {
        enum store_action action;
        struct store_name name;
        struct disk_bytes content; /* SET */
        int64_t source;         /* ROLLBACK: to this version; STORE_VERSION_ANY: the one before */
        int64_t expect;         /* the current version must be this; 0: the name must not exist */
        struct disk_bytes note; /* SET, DELETE; a rollback says where it went */
        bool with_data;         /* ROLLBACK of a program: its data as well */
        struct package package; /* SET of a program: an import */
        uint64_t time_us;
        char rollback_note[48]; /* private */

        int result;       /* of store_apply: STORE_OK, STORE_E_*, < 0 */
        uint64_t version; /* the new one; with STORE_E_CONFLICT the current one */
};

/* Which version a rollback goes to: STORE_OK, STORE_E_NOTFOUND, < 0. */
int store_source(struct store *s, const struct store_change *change, uint64_t *ret);

/* In a write transaction of the disk (commit.h). DISK_OK: the transaction goes on, whatever the change's
 * result; else what the disk said. */
int store_apply(struct store *s, struct store_change *change);

/* A result of the disk as the store's. */
int store_fold(int r);
