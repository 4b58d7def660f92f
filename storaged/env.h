/*
 * env.h - the LMDB environment that a store is: how it is opened, which tables it has, its format.
 * Only disk.c, check.c and copy.c look at LMDB, all through this header.
 *
 * Results are LMDB's own: 0, an errno, or a negative code.
 */
#pragma once

#include <lmdb.h>
#include <stdint.h>

#include "storaged/disk.h"

/* `flags`: 0, or MDB_RDONLY, and MDB_NOLOCK where nobody else can have it open. */
int env_open(const char *path, unsigned int flags, MDB_env **ret);
/* In the memory file `fd`, which stays the caller's: nothing is locked or synced. */
int env_open_memory(int fd, MDB_env **ret);
MDB_env *env_close(MDB_env *env);

#define ENV_FREE_PAGES ((MDB_dbi)0) /* the table in which LMDB keeps them */

const char *env_table_name(enum disk_table table);
static inline size_t env_n_pages(const MDB_stat *stat) {
        return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}
/* How many free pages an entry of ENV_FREE_PAGES stands for; SIZE_MAX when it makes no sense. */
size_t env_n_free_pages(MDB_val entry);

/* `flags`: 0, or MDB_CREATE. */
int env_open_tables(MDB_txn *txn, unsigned int flags, MDB_dbi ret[_DISK_TABLE_N]);

/* A new environment with its tables, in an empty directory. */
int env_create(const char *path);
/* Whether this thox understands it: 0 or MDB_VERSION_MISMATCH. */
int env_check_format(MDB_txn *txn);

/* Commits when `r` is 0, else drops the transaction and returns r. */
int env_finish(MDB_txn *txn, int r);
