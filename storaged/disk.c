/*
 * disk.c - the tables in LMDB: DIR/stores/data.mdb, one named database each.
 *
 * Invariants: 1. Nothing is opened that a child process has not read whole before (check.c). 2. Only one
 * process at a time uses a directory (directory.c). 3. Commits are synced; no flag trades that for speed.
 *
 * A volatile disk is the same in a memory file: no directory, no check, no sync.
 */
#include "storaged/disk.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/macros.h"
#include "storaged/check.h"
#include "storaged/directory.h"
#include "storaged/env.h"

#define FULL_BYTES (1u << 20) /* a device with less to give is what made a write fail */
#define TURN_KEY "turn"       /* in counters: its value means nothing, but it changes */

struct disk {
        struct directory directory; /* not open when volatile */
        int memory;                 /* -1 unless volatile */
        size_t max_bytes;
        MDB_env *env;
        MDB_dbi tables[_DISK_TABLE_N];
        MDB_txn *txn;    /* that has begun */
        MDB_txn *reader; /* kept from one reading transaction to the next; NULL before the first */
        uint64_t generation;
        uint64_t full_generation; /* when it was last full */
};

DEFINE_CLEANUP(struct disk *, disk_close)

static void disk_drop_reader(struct disk *d) {
        if (d->reader)
                mdb_txn_abort(take(d->reader));
}

static void disk_close_env(struct disk *d) {
        disk_drop_reader(d);
        d->env = env_close(d->env);
}

/* Opens the environment anew: the first time, and after a failed write of its meta page, when LMDB
 * refuses everything else. 0 or LMDB's code; d->env is NULL then. */
static int disk_open_env(struct disk *d) {
        MDB_txn *txn;
        int r;

        disk_close_env(d);
        d->generation++;
        r = d->memory >= 0 ? env_open_memory(d->memory, &d->env) :
                             env_open(d->directory.store, 0, &d->env);
        if (r != 0)
                return r;

        r = mdb_txn_begin(d->env, NULL, 0, &txn);
        if (r == 0) {
                r = env_open_tables(txn, MDB_CREATE, d->tables); /* an older thox had fewer */
                r = env_finish(txn, r);
        }
        if (r != 0)
                disk_close_env(d);
        return r;
}

/*
 * Transactions.
 */

/* LMDB reports a write that came to nothing half way as EIO: what a full device does, and one that
 * reaches the limit of a file's size. */
static bool device_is_full(const struct disk *d) {
        struct statvfs fs;
        return fstatvfs(d->directory.fd, &fs) == 0 &&
               (uint64_t)fs.f_bavail * fs.f_frsize < FULL_BYTES;
}

static bool file_is_full(const struct disk *d) {
        struct rlimit limit;
        mdb_filehandle_t fd;
        struct stat file;

        return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
               mdb_env_get_fd(d->env, &fd) == 0 && fstat(fd, &file) == 0 &&
               (rlim_t)file.st_size + FULL_BYTES > limit.rlim_cur;
}

/* What a transaction frees can be had only by the second one after it. */
static int disk_take_turn(struct disk *d) {
        char name[] = TURN_KEY;
        MDB_val key = { sizeof(name) - 1, name };
        MDB_val value = { sizeof(d->generation), &d->generation };
        MDB_txn *txn;
        int r = mdb_txn_begin(d->env, NULL, 0, &txn);
        if (r != 0)
                return r;

        r = mdb_put(txn, d->tables[DISK_TABLE_COUNTERS], &key, &value, 0);
        r = env_finish(txn, r);
        if (r == 0)
                d->generation++;
        return r;
}

/* There is no more room, unless something was freed since that was last said. */
static int disk_refuse_full(struct disk *d) {
        if (d->full_generation == d->generation)
                return DISK_E_FULL;
        int r = disk_take_turn(d);
        d->full_generation = d->generation;
        return r == 0 ? DISK_E_AGAIN : DISK_E_FULL;
}

static int disk_enlarge(struct disk *d) {
        MDB_envinfo info;

        mdb_env_info(d->env, &info);
        if (2 * info.me_mapsize <= d->max_bytes &&
            mdb_env_set_mapsize(d->env, 2 * info.me_mapsize) == 0)
                return DISK_E_AGAIN;
        return disk_refuse_full(d);
}

/* LMDB's result code as ours. All but the first two end the transaction. */
static int disk_fold(struct disk *d, int code) {
        if (code == 0)
                return DISK_OK;
        if (code == MDB_NOTFOUND)
                return DISK_E_NOTFOUND;

        disk_end(d);
        if (code == MDB_MAP_FULL)
                return disk_enlarge(d);
        if (code == MDB_TXN_FULL)
                return DISK_E_FULL;
        if (code == ENOSPC || code == EDQUOT || code == EFBIG ||
            ((code == EIO || code == EROFS) && (device_is_full(d) || file_is_full(d))))
                return disk_refuse_full(d);
        if (code == EIO || code == EROFS)
                return DISK_E_IO;
        return error_origin(code > 0 ? code : EBADMSG);
}

/* Reading needs no room: what is not an answer is an error. */
static int disk_fold_read(struct disk *d, int code) {
        int r = disk_fold(d, code);
        return r == DISK_E_NOTFOUND ? r : error_fold(r);
}

static int disk_begin_reading(struct disk *d) {
        int r = d->reader ? mdb_txn_renew(d->reader) :
                            mdb_txn_begin(d->env, NULL, MDB_RDONLY, &d->reader);
        if (r == 0)
                d->txn = d->reader;
        else
                disk_drop_reader(d);
        return r;
}

static int disk_begin_any(struct disk *d, bool is_write) {
        if (!d->env)
                return MDB_PANIC;
        return is_write ? mdb_txn_begin(d->env, NULL, 0, &d->txn) : disk_begin_reading(d);
}

int disk_begin(struct disk *d, bool is_write) {
        int r;

        assert(!d->txn);
        r = disk_begin_any(d, is_write);
        if (r == MDB_PANIC) {
                r = disk_open_env(d);
                if (r == 0)
                        r = disk_begin_any(d, is_write);
        }
        return disk_fold(d, r);
}

int disk_commit(struct disk *d) {
        int r = mdb_txn_commit(take(d->txn));

        if (r == 0)
                d->generation++;
        else
                disk_drop_reader(d);
        return disk_fold(d, r);
}

void disk_end(struct disk *d) {
        MDB_txn *txn = take(d->txn);

        if (txn && txn == d->reader)
                mdb_txn_reset(txn);
        else if (txn)
                mdb_txn_abort(txn);
}

uint64_t disk_generation(const struct disk *d) {
        return d->generation;
}

/*
 * Reading and writing in one.
 */

static MDB_val val(struct disk_bytes bytes) {
        return (MDB_val){ .mv_size = bytes.len, .mv_data = (void *)(uintptr_t)bytes.data };
}

static struct disk_bytes bytes(MDB_val v) {
        return (struct disk_bytes){ .data = v.mv_data, .len = v.mv_size };
}

int disk_get(struct disk *d, enum disk_table table, struct disk_bytes key, struct disk_bytes *ret) {
        MDB_val k = val(key), v;
        int r = disk_fold_read(d, mdb_get(d->txn, d->tables[table], &k, &v));
        if (r == DISK_OK)
                *ret = bytes(v);
        return r;
}

static int cursor_before(MDB_cursor *cursor, MDB_val *k, MDB_val *v) {
        int r = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
        if (r == MDB_NOTFOUND)
                return mdb_cursor_get(cursor, k, v, MDB_LAST);
        return r != 0 ? r : mdb_cursor_get(cursor, k, v, MDB_PREV);
}

static int cursor_after(MDB_cursor *cursor, MDB_val *k, MDB_val *v) {
        MDB_val wanted = *k;
        int r = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
        if (r == 0 && k->mv_size == wanted.mv_size &&
            memcmp(k->mv_data, wanted.mv_data, wanted.mv_size) == 0)
                return mdb_cursor_get(cursor, k, v, MDB_NEXT);
        return r;
}

static int disk_step(struct disk *d,
                     enum disk_table table,
                     struct disk_bytes key,
                     int (*step)(MDB_cursor *cursor, MDB_val *k, MDB_val *v),
                     struct disk_bytes *ret_key,
                     struct disk_bytes *ret_value) {
        MDB_cursor *cursor;
        MDB_val k = val(key), v;
        int r = mdb_cursor_open(d->txn, d->tables[table], &cursor);
        if (r != 0)
                return disk_fold_read(d, r);

        r = step(cursor, &k, &v);
        mdb_cursor_close(cursor);
        if (r == 0) {
                *ret_key = bytes(k);
                *ret_value = bytes(v);
        }
        return disk_fold_read(d, r);
}

int disk_before(struct disk *d,
                enum disk_table table,
                struct disk_bytes key,
                struct disk_bytes *ret_key,
                struct disk_bytes *ret_value) {
        return disk_step(d, table, key, cursor_before, ret_key, ret_value);
}

int disk_after(struct disk *d,
               enum disk_table table,
               struct disk_bytes key,
               struct disk_bytes *ret_key,
               struct disk_bytes *ret_value) {
        return disk_step(d, table, key, cursor_after, ret_key, ret_value);
}

int disk_put(struct disk *d,
             enum disk_table table,
             struct disk_bytes key,
             struct disk_bytes value) {
        MDB_val k = val(key), v = val(value);
        return disk_fold(d, mdb_put(d->txn, d->tables[table], &k, &v, 0));
}

int disk_remove(struct disk *d, enum disk_table table, struct disk_bytes key) {
        MDB_val k = val(key);
        return disk_fold(d, mdb_del(d->txn, d->tables[table], &k, NULL));
}

/*
 * What it takes, and making it smaller.
 */

static int count_free(struct disk *d, uint64_t *ret) {
        MDB_cursor *cursor;
        MDB_val k, v;
        int r = mdb_cursor_open(d->txn, ENV_FREE_PAGES, &cursor);
        if (r != 0)
                return r;

        while ((r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
                size_t n = env_n_free_pages(v);
                if (n == SIZE_MAX)
                        break;
                *ret += n;
        }
        mdb_cursor_close(cursor);
        return r == MDB_NOTFOUND ? 0 : MDB_CORRUPTED;
}

static int stat_tables(struct disk *d, struct disk_stat *stat) {
        for (size_t i = 0; i < _DISK_TABLE_N; i++) {
                MDB_stat table;
                int r = mdb_stat(d->txn, d->tables[i], &table);
                if (r != 0)
                        return r;
                stat->tables[i] = (struct disk_table_stat){
                        .name = env_table_name((enum disk_table)i),
                        .n_entries = table.ms_entries,
                        .bytes = env_n_pages(&table) * table.ms_psize,
                };
        }
        return 0;
}

int disk_stat(struct disk *d, struct disk_stat *ret) {
        struct disk_stat stat = { 0 };
        uint64_t n_free = 0;
        MDB_envinfo info;
        MDB_stat main;
        struct stat file;
        mdb_filehandle_t fd;
        int r = count_free(d, &n_free);
        if (r == 0)
                r = stat_tables(d, &stat);
        if (r == 0)
                r = mdb_env_stat(d->env, &main);
        if (r == 0)
                r = mdb_env_get_fd(d->env, &fd);
        if (r != 0)
                return disk_fold_read(d, r);
        if (fstat(fd, &file) < 0)
                return error_origin(errno);

        mdb_env_info(d->env, &info);
        stat.file_bytes = (uint64_t)file.st_size;
        stat.used_bytes = (info.me_last_pgno + 1 - n_free) * main.ms_psize;
        stat.free_bytes = n_free * main.ms_psize;
        stat.map_bytes = info.me_mapsize;
        *ret = stat;
        return DISK_OK;
}

int disk_begin_fresh(struct disk *d, const char **ret_path) {
        int r = directory_begin(&d->directory);
        if (r != 0)
                return error_origin(r);
        *ret_path = d->directory.fresh;
        return 0;
}

/* Whatever happens there is one file or the other; disk_begin opens it if we cannot. */
int disk_swap(struct disk *d) {
        int swapped, r;

        assert(!d->txn);
        disk_close_env(d);
        swapped = directory_swap(&d->directory);
        r = disk_open_env(d);
        if (r == 0)
                r = swapped;
        return r != 0 ? error_origin(r > 0 ? r : EBADMSG) : 0;
}

void disk_drop_fresh(struct disk *d) {
        directory_drop(&d->directory);
}

void disk_forget_readers(struct disk *d) {
        if (d->env)
                mdb_reader_check(d->env, &(int){ 0 });
}

/*
 * The whole of it.
 */

static int disk_new(struct disk **ret, size_t max_bytes) {
        struct disk *d = calloc(1, sizeof(*d));
        if (!d)
                return error_origin(ENOMEM);
        d->directory.fd = -1;
        d->memory = -1;
        d->max_bytes = max_bytes;
        *ret = d;
        return 0;
}

static int disk_create(const struct disk *d) {
        int r = directory_begin(&d->directory);
        if (r == 0)
                r = env_create(d->directory.fresh);
        return r != 0 ? r : directory_put(&d->directory);
}

static int disk_check(const struct disk *d, char **ret_reason) {
        char how[CHECK_TEXT_BYTES];
        int r = check_run(&(struct check){ .path = d->directory.store }, how);
        if (r <= 0)
                return error_trace(r);
        r = refusal_new(ret_reason,
                        "the store %s/data.mdb is damaged (%s): stop the tree, then restore a "
                        "backup (thoxctl restore) or move the store away",
                        d->directory.store, how);
        return r < 0 ? r : DISK_E_DAMAGED;
}

int disk_open(struct disk **ret, const char *dir, char **ret_reason) {
        struct disk *d CLEANUP(disk_closep) = NULL;
        int r = disk_new(&d, SIZE_MAX);
        if (r < 0)
                return error_trace(r);

        r = directory_init(&d->directory, dir, ret_reason);
        if (r != DIRECTORY_OK)
                return error_trace(r);
        if (!directory_has_store(&d->directory)) {
                r = disk_create(d);
                if (r != 0)
                        return directory_refuse(dir, mdb_strerror(r), ret_reason);
        }
        r = disk_check(d, ret_reason);
        if (r != DISK_OK)
                return error_trace(r);

        r = disk_open_env(d);
        if (r != 0)
                return directory_refuse(dir, mdb_strerror(r), ret_reason);
        disk_forget_readers(d);
        /* A file size limit is to fail the write, not to kill us. */
        signal(SIGXFSZ, SIG_IGN);
        *ret = take(d);
        return DISK_OK;
}

int disk_open_volatile(struct disk **ret, size_t max_bytes) {
        struct disk *d CLEANUP(disk_closep) = NULL;
        int r = disk_new(&d, max_bytes);
        if (r < 0)
                return error_trace(r);

        d->memory = memfd_create("volatile", MFD_CLOEXEC);
        if (d->memory < 0)
                return error_origin(errno);
        r = disk_open_env(d);
        if (r != 0)
                return error_origin(r > 0 ? r : EBADMSG);
        *ret = take(d);
        return DISK_OK;
}

struct disk *disk_close(struct disk *d) {
        if (!d)
                return NULL;
        disk_end(d);
        disk_close_env(d);
        directory_deinit(&d->directory);
        fd_close(d->memory);
        free(d);
        return NULL;
}

const char *disk_path(const struct disk *d) {
        return d->memory >= 0 ? "in memory" : d->directory.store;
}
