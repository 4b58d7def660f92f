/*
 * store_fixture.h - a store over whatever disk the test links, and a boot store with two programs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storaged/store.h"

struct store_fixture {
        char dir[32]; /* holds store/ and boot/ */
        char store_dir[48], boot_dir[48];
        struct bootstore *boot; /* programs "init" and "only-boot" */
        struct disk *disk;
        struct store store;
        int (*apply)(struct store *s, struct store_change *change); /* store_apply */
};

/* How a disk that fails is told by the store. */
struct store_failure {
        int from_disk, from_store;
};
extern const struct store_failure store_failures[];
extern const size_t n_store_failures;

extern struct store_fixture fixture;

void store_fixture_set_up(void);
/* The same, and begins a write transaction. */
void store_fixture_set_up_writing(void);
void store_fixture_tear_down(void);
/* Closes and opens the disk. */
void store_fixture_reopen(void);

/* One change of a program, committed. Fills in the rest of a change for lists. */
struct store_change change_of(enum store_action action,
                              const char *name,
                              const char *content,
                              int64_t expect);
/* At most 64 changes, together. */
void commit_changes(struct store_change *changes, size_t n);
int set(const char *name, const char *content, int64_t expect, uint64_t *ret_version);
int rollback(const char *name, int64_t source, uint64_t *ret_version);

/* The program's content at that version is this; NULL: a deletion. */
bool content_is(const char *name, int64_t version, const char *content);
/* Of the current version; UINT64_MAX when there is none. */
uint64_t current_of(const char *name);
