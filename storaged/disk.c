/*
 * disk.c - the tables in LMDB: DIR/stores/data.mdb, one named database each. The only file that
 * includes lmdb.h, and the only one of storaged that forks: LMDB answers damage with SIGBUS, SIGSEGV
 * or a failed assertion, so somebody else reads the file first (disk_check).
 *
 * Invariants: 1. Only one process at a time uses a directory (flock). 2. DIR/stores appears
 * complete, by rename: LMDB does not create its files atomically. 3. Commits are synced; no flag
 * trades that for speed.
 */
#include "storaged/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/file.h"
#include "libipc/base/macros.h"

#define MAP_BYTES ((size_t)64 << 20) /* address space, not memory; doubles when full */
#define FULL_BYTES (1u << 20)        /* a device with less to give is what made a write fail */
#define PAGE_BYTES 4096u
#define N_OTHER_TABLES 1u /* the format's */
#define STORES "stores"
#define STORES_NEW "stores.new"
#define FORMAT_TABLE "format"
#define FORMAT_KEY "format"
#define FORMAT "1"

struct disk {
        int dirfd; /* locked */
        char *path;
        MDB_env *env;
        MDB_dbi tables[_DISK_TABLE_N];
        MDB_txn *txn;
};

static const char *const table_names[] = {
        [DISK_TABLE_ENTRIES] = "entries",
        [DISK_TABLE_CURRENT] = "current",
};
static_assert(ARRAY_SIZE(table_names) == _DISK_TABLE_N, "every table has a name");

DEFINE_CLEANUP(struct disk *, disk_close)

/*
 * The environment. Here and in opening, results are LMDB's: 0, an errno, or a negative code of its own.
 */

static int env_open(const char *path, unsigned int flags, MDB_env **ret) {
        MDB_env *env;
        int r = mdb_env_create(&env);
        if (r != 0)
                return r;

        r = mdb_env_set_maxdbs(env, _DISK_TABLE_N + N_OTHER_TABLES);
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

static int tables_open(struct disk *d, MDB_txn *txn, unsigned int flags) {
        for (size_t i = 0; i < _DISK_TABLE_N; i++) {
                int r = mdb_dbi_open(txn, table_names[i], flags, &d->tables[i]);
                if (r != 0)
                        return r;
        }
        return 0;
}

static MDB_env *env_close(MDB_env *env) {
        if (env)
                mdb_env_close(env);
        return NULL;
}

static int txn_finish(MDB_txn *txn, int r) {
        if (r == 0)
                return mdb_txn_commit(txn);
        mdb_txn_abort(txn);
        return r;
}

/* Opens the environment anew: the first time, and after a failed write of its meta page, when LMDB
 * refuses everything else. 0 or LMDB's code; d->env is NULL then. */
static int disk_open_env(struct disk *d) {
        MDB_txn *txn;
        int r;

        d->env = env_close(d->env);
        r = env_open(d->path, 0, &d->env);
        if (r != 0)
                return r;

        r = mdb_txn_begin(d->env, NULL, 0, &txn);
        if (r == 0) {
                r = tables_open(d, txn, 0);
                r = txn_finish(txn, r);
        }
        if (r != 0)
                d->env = env_close(d->env);
        return r;
}

/*
 * Transactions.
 */

/* LMDB reports a write that came to nothing half way as EIO, which is what a full device does. */
static bool device_is_full(const struct disk *d) {
        struct statvfs fs;
        return fstatvfs(d->dirfd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < FULL_BYTES;
}

static int disk_enlarge(struct disk *d) {
        MDB_envinfo info;

        mdb_env_info(d->env, &info);
        return mdb_env_set_mapsize(d->env, 2 * info.me_mapsize) == 0 ? DISK_E_AGAIN : DISK_E_FULL;
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
        if (code == ENOSPC || code == EDQUOT || code == EFBIG || code == MDB_TXN_FULL)
                return DISK_E_FULL;
        if (code == EIO || code == EROFS)
                return device_is_full(d) ? DISK_E_FULL : DISK_E_IO;
        return error_origin(code > 0 ? code : EBADMSG);
}

/* Reading needs no room: what is not an answer is an error. */
static int disk_fold_read(struct disk *d, int code) {
        int r = disk_fold(d, code);
        return r == DISK_E_NOTFOUND ? r : error_fold(r);
}

int disk_begin(struct disk *d, bool is_write) {
        unsigned int flags = is_write ? 0 : MDB_RDONLY;
        int r;

        assert(!d->txn);
        r = d->env ? mdb_txn_begin(d->env, NULL, flags, &d->txn) : MDB_PANIC;
        if (r == MDB_PANIC) {
                r = disk_open_env(d);
                if (r == 0)
                        r = mdb_txn_begin(d->env, NULL, flags, &d->txn);
        }
        return disk_fold(d, r);
}

int disk_commit(struct disk *d) {
        MDB_txn *txn = take(d->txn);
        return disk_fold(d, mdb_txn_commit(txn));
}

void disk_end(struct disk *d) {
        if (d->txn)
                mdb_txn_abort(take(d->txn));
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
 * Creation.
 */

static int format_put(MDB_txn *txn) {
        MDB_val k = val((struct disk_bytes){ FORMAT_KEY, strlen(FORMAT_KEY) });
        MDB_val v = val((struct disk_bytes){ FORMAT, strlen(FORMAT) });
        MDB_dbi table;
        int r = mdb_dbi_open(txn, FORMAT_TABLE, MDB_CREATE, &table);
        return r != 0 ? r : mdb_put(txn, table, &k, &v, 0);
}

static int format_check(MDB_txn *txn) {
        MDB_val k = val((struct disk_bytes){ FORMAT_KEY, strlen(FORMAT_KEY) }), v;
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

/* A file that an interrupted creation left behind is worth nothing: nothing in it was acknowledged. */
static void leftover_remove(int dirfd) {
        unlinkat(dirfd, STORES_NEW "/data.mdb", 0);
        unlinkat(dirfd, STORES_NEW "/lock.mdb", 0);
        unlinkat(dirfd, STORES_NEW, AT_REMOVEDIR);
}

static int env_fill(const char *path) {
        struct disk scratch;
        MDB_env *env;
        MDB_txn *txn;
        int r = env_open(path, 0, &env);
        if (r != 0)
                return r;

        r = mdb_txn_begin(env, NULL, 0, &txn);
        if (r == 0) {
                r = tables_open(&scratch, txn, MDB_CREATE);
                r = txn_finish(txn, r == 0 ? format_put(txn) : r);
        }
        env_close(env);
        return r;
}

static int directory_sync(int dirfd, const char *name) {
        int fd CLEANUP(fd_closep) = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd >= 0 && fsync(fd) == 0 ? 0 : errno;
}

static int disk_create(const struct disk *d, const char *dir) {
        char path[PATH_MAX];
        int r;

        if ((size_t)snprintf(path, sizeof(path), "%s/" STORES_NEW, dir) >= sizeof(path))
                return ENAMETOOLONG;
        leftover_remove(d->dirfd);
        if (mkdirat(d->dirfd, STORES_NEW, 0700) < 0)
                return errno;

        r = env_fill(path);
        if (r == 0)
                r = directory_sync(d->dirfd, STORES_NEW);
        if (r == 0 && renameat(d->dirfd, STORES_NEW, d->dirfd, STORES) < 0)
                r = errno;
        return r != 0 ? r : directory_sync(d->dirfd, ".");
}

/*
 * The check, in a child process.
 */

enum check_exit {
        CHECK_EXIT_SOUND = 0,
        CHECK_EXIT_DAMAGED = 1,
        CHECK_EXIT_OTHER = 2, /* nothing wrong with its content: opening it will say what is */
};

/* One byte of each page it lies on: what is not there, or not to be had, shows by a signal. */
static uint8_t touch(MDB_val v) {
        const volatile uint8_t *p = v.mv_data;
        uint8_t sum = v.mv_size > 0 ? p[v.mv_size - 1] : 0;

        for (size_t i = 0; i < v.mv_size; i += PAGE_BYTES)
                sum ^= p[i];
        return sum;
}

/* Counting the entries also ends a walk in circles. */
static int table_check(MDB_txn *txn, MDB_dbi table) {
        MDB_cursor *cursor;
        MDB_stat stat;
        MDB_val k, v;
        size_t n = 0;
        int r = mdb_stat(txn, table, &stat);
        if (r == 0)
                r = mdb_cursor_open(txn, table, &cursor);
        if (r != 0)
                return r;

        while ((r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0 && n++ < stat.ms_entries) {
                touch(k);
                touch(v);
        }
        mdb_cursor_close(cursor);
        return r == MDB_NOTFOUND && n == stat.ms_entries ? 0 : MDB_CORRUPTED;
}

static int env_check(const char *path) {
        struct disk scratch;
        MDB_dbi names;
        MDB_env *env;
        MDB_txn *txn;
        int r = env_open(path, MDB_RDONLY | MDB_NOLOCK, &env);
        if (r == 0)
                r = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
        if (r == 0)
                r = mdb_dbi_open(txn, NULL, 0, &names);
        if (r == 0)
                r = format_check(txn);
        if (r == 0)
                r = tables_open(&scratch, txn, 0);
        if (r == 0)
                r = table_check(txn, names);
        if (r == 0)
                r = table_check(txn, 0); /* the free pages, which LMDB keeps as table 0 */
        for (size_t i = 0; r == 0 && i < _DISK_TABLE_N; i++)
                r = table_check(txn, scratch.tables[i]);
        return r;
}

static _Noreturn void check_main(const char *path, pid_t parent) {
        const int deadly[] = { SIGABRT, SIGBUS, SIGSEGV, SIGFPE };
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(CHECK_EXIT_OTHER);
        for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
                signal(deadly[i], SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        if (null >= 0)
                dup2(null, STDERR_FILENO); /* LMDB's assertions speak C to people */

        r = env_check(path);
        _exit(r == 0 ? CHECK_EXIT_SOUND : r < 0 ? CHECK_EXIT_DAMAGED : CHECK_EXIT_OTHER);
}

/* 0; > 0 damaged, with how it showed in `how`; or < 0. */
static int disk_check(struct disk *d, char *how, size_t how_size) {
        pid_t parent = getpid(), child = fork();
        int status;

        if (child < 0)
                return error_origin(errno);
        if (child == 0) {
                close(d->dirfd); /* or the lock would outlive us with it */
                check_main(d->path, parent);
        }
        while (waitpid(child, &status, 0) < 0) {
                if (errno != EINTR)
                        return error_origin(errno);
        }

        if (WIFEXITED(status) && WEXITSTATUS(status) != CHECK_EXIT_DAMAGED)
                return 0;
        if (WIFSIGNALED(status))
                snprintf(how, how_size, "reading it ends with %s", strsignal(WTERMSIG(status)));
        else
                snprintf(how, how_size, "its content makes no sense, or a newer thox wrote it");
        return DISK_E_REFUSED;
}

/*
 * The whole of it.
 */

static PRINTF_LIKE(2, 3) int refuse(char **ret_reason, const char *fmt, ...) {
        va_list args;
        int r;

        va_start(args, fmt);
        r = vasprintf(ret_reason, fmt, args);
        va_end(args);
        return r < 0 ? error_origin(ENOMEM) : DISK_E_REFUSED;
}

static int refuse_directory(char **ret_reason, const char *dir, int code) {
        return refuse(ret_reason,
                      "cannot use the store directory %s: %s; make it a directory that uid %u may "
                      "write to, with room for the store, or choose another one",
                      dir, mdb_strerror(code), (unsigned int)geteuid());
}

static int disk_lock(struct disk *d, const char *dir, char **ret_reason) {
        int r = file_make_dirs(dir, 0700);
        if (r < 0)
                return refuse_directory(ret_reason, dir, -r);
        d->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->dirfd < 0)
                return refuse_directory(ret_reason, dir, errno);
        if (flock(d->dirfd, LOCK_EX | LOCK_NB) == 0)
                return DISK_OK;
        if (errno != EWOULDBLOCK)
                return refuse_directory(ret_reason, dir, errno);
        return refuse(
                ret_reason,
                "the store directory %s is in use by another tree; stop it, or choose another "
                "directory",
                dir);
}

static int disk_open_checked(struct disk *d, const char *dir, char **ret_reason) {
        char how[128];
        int r = disk_check(d, how, sizeof(how));
        if (r < 0)
                return error_trace(r);
        if (r > 0)
                return refuse(ret_reason,
                              "the store %s/data.mdb is damaged (%s): move it away or restore a "
                              "backup; thox boots without it",
                              d->path, how);

        r = disk_open_env(d);
        if (r != 0)
                return refuse_directory(ret_reason, dir, r);
        mdb_reader_check(d->env, &(int){ 0 });
        return DISK_OK;
}

int disk_open(struct disk **ret, const char *dir, char **ret_reason) {
        struct disk *d CLEANUP(disk_closep) = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return error_origin(ENOMEM);
        d->dirfd = -1;
        if (asprintf(&d->path, "%s/" STORES, dir) < 0) {
                d->path = NULL;
                return error_origin(ENOMEM);
        }
        r = disk_lock(d, dir, ret_reason);
        if (r != DISK_OK)
                return r;

        if (faccessat(d->dirfd, STORES, F_OK, 0) < 0) {
                r = errno == ENOENT ? disk_create(d, dir) : errno;
                if (r != 0)
                        return refuse_directory(ret_reason, dir, r);
        }
        r = disk_open_checked(d, dir, ret_reason);
        if (r != DISK_OK)
                return r;
        /* A file size limit is to fail the write, not to kill us. */
        signal(SIGXFSZ, SIG_IGN);
        *ret = take(d);
        return DISK_OK;
}

struct disk *disk_close(struct disk *d) {
        if (!d)
                return NULL;
        disk_end(d);
        d->env = env_close(d->env);
        fd_close(d->dirfd);
        free(d->path);
        free(d);
        return NULL;
}

const char *disk_path(const struct disk *d) {
        return d->path;
}
