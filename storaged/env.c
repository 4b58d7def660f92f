/*
 * env.c - see env.h. One named database for each table, and one for the format.
 */
#include "storaged/env.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/macros.h"

#define MAP_BYTES ((size_t)64 << 20) /* address space, not memory; doubles when full */
#define TABLES_MAX 32u               /* of any format */
#define FORMAT_TABLE "format"
#define FORMAT_KEY "format"
#define FORMAT "1"

static const char *const table_names[] = {
        [DISK_TABLE_ENTRIES] = "entries",     [DISK_TABLE_CURRENT] = "current",
        [DISK_TABLE_STREAMS] = "streams",     [DISK_TABLE_HISTORY] = "history",
        [DISK_TABLE_EXPIRIES] = "expiries",   [DISK_TABLE_CLOCK] = "clock",
        [DISK_TABLE_OBJECTS] = "objects",     [DISK_TABLE_RECORDS] = "records",
        [DISK_TABLE_KEYS] = "keys",           [DISK_TABLE_COUNTERS] = "counters",
        [DISK_TABLE_SNAPSHOTS] = "snapshots",
};
static_assert(ARRAY_SIZE(table_names) == _DISK_TABLE_N, "every table has a name");
static_assert(_DISK_TABLE_N < TABLES_MAX, "and there is room for it");

int env_open(const char *path, unsigned int flags, MDB_env **ret) {
        MDB_env *env;
        int r = mdb_env_create(&env);
        if (r != 0)
                return r;

        r = mdb_env_set_maxdbs(env, TABLES_MAX);
        if (r == 0)
                r = mdb_env_set_mapsize(env, MAP_BYTES);
        if (r == 0)
                r = mdb_env_open(env, path, flags | MDB_NOTLS, 0600);
        if (r != 0) {
                mdb_env_close(env);
                return r;
        }
        *ret = env;
        return 0;
}

int env_open_memory(int fd, MDB_env **ret) {
        char path[32];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return env_open(path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, ret);
}

MDB_env *env_close(MDB_env *env) {
        if (env)
                mdb_env_close(env);
        return NULL;
}

const char *env_table_name(enum disk_table table) {
        return table_names[table];
}

/* Their number, then theirs. */
size_t env_n_free_pages(MDB_val entry) {
        size_t n;

        if (entry.mv_size < sizeof(n))
                return SIZE_MAX;
        memcpy(&n, entry.mv_data, sizeof(n));
        return n > entry.mv_size / sizeof(n) - 1 ? SIZE_MAX : n;
}

int env_open_tables(MDB_txn *txn, unsigned int flags, MDB_dbi ret[_DISK_TABLE_N]) {
        for (size_t i = 0; i < _DISK_TABLE_N; i++) {
                int r = mdb_dbi_open(txn, table_names[i], flags, &ret[i]);
                if (r != 0)
                        return r;
        }
        return 0;
}

static MDB_val text_val(const char *text) {
        return (MDB_val){ .mv_size = strlen(text), .mv_data = (void *)(uintptr_t)text };
}

static int format_put(MDB_txn *txn) {
        MDB_val k = text_val(FORMAT_KEY), v = text_val(FORMAT);
        MDB_dbi table;
        int r = mdb_dbi_open(txn, FORMAT_TABLE, MDB_CREATE, &table);
        return r != 0 ? r : mdb_put(txn, table, &k, &v, 0);
}

int env_check_format(MDB_txn *txn) {
        MDB_val k = text_val(FORMAT_KEY), v;
        MDB_dbi table;
        int r = mdb_dbi_open(txn, FORMAT_TABLE, 0, &table);
        if (r == 0)
                r = mdb_get(txn, table, &k, &v);
        if (r != 0)
                return r;
        return v.mv_size == strlen(FORMAT) && memcmp(v.mv_data, FORMAT, v.mv_size) == 0 ?
                       0 :
                       MDB_VERSION_MISMATCH;
}

int env_finish(MDB_txn *txn, int r) {
        if (r == 0)
                return mdb_txn_commit(txn);
        mdb_txn_abort(txn);
        return r;
}

int env_create(const char *path) {
        MDB_dbi tables[_DISK_TABLE_N];
        MDB_env *env;
        MDB_txn *txn;
        int r = env_open(path, 0, &env);
        if (r != 0)
                return r;

        r = mdb_txn_begin(env, NULL, 0, &txn);
        if (r == 0) {
                r = env_open_tables(txn, MDB_CREATE, tables);
                r = env_finish(txn, r == 0 ? format_put(txn) : r);
        }
        env_close(env);
        return r;
}
