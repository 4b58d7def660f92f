/*
 * directory.h - the directory in which a store is kept: whose it is, and how a new store takes its
 * place there. Knows nothing of what is in a store.
 */
#pragma once

#include <stdbool.h>

#include "storaged/refusal.h"

struct directory {
        int fd; /* locked; -1: not open */
        char *path;
        char *store; /* path of the store: a directory with data.mdb and lock.mdb */
        char *fresh; /* path of one in the making */
};

enum directory_error {
        DIRECTORY_OK = 0,
        DIRECTORY_E_REFUSED = REFUSAL,
};

/* Makes it if it is missing, and locks it: one process at a time. */
int directory_init(struct directory *d, const char *path, char **ret_reason);
/* Also when init failed, or never ran on a zeroed one. */
void directory_deinit(struct directory *d);

bool directory_has_store(const struct directory *d);

/* 0 or an errno. A store is made in `fresh`, which directory_begin makes anew, empty. Then
 * directory_put makes it the store, durably, where there was none. A crash leaves a leftover at most. */
int directory_begin(const struct directory *d);
int directory_put(const struct directory *d);
/* Or its data.mdb takes the place of the store's, which nobody has open. */
int directory_swap(const struct directory *d);
/* Before that: the store stays, under the name that *ret_path (malloc'd) says. */
int directory_keep(const struct directory *d, char **ret_path);
/* Removes what is in the making. */
void directory_drop(const struct directory *d);

/* "cannot use the store directory: `error`", with what to do. */
int directory_refuse(const char *path, const char *error, char **ret_reason);
