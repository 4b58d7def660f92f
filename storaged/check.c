/*
 * check.c - every entry of every table is read, in order, and every page is accounted for: it belongs
 * to one table, or it is free. Then all is copied to nowhere, as a backup would be: that looks at the heads
 * of long values, which reading passes over.
 */
#include "storaged/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/macros.h"
#include "storaged/env.h"

#define N_META_PAGES 2u
#define TRIES_MAX 1000

enum check_exit {
        CHECK_EXIT_SOUND = 0,
        CHECK_EXIT_DAMAGED = 1,
        CHECK_EXIT_NEWER = 2,
        CHECK_EXIT_EMPTY = 3,
        CHECK_EXIT_OTHER = 4, /* nothing wrong with its content: opening it will say what is */
};

struct walk {
        MDB_txn *txn;
        size_t page_bytes, n_pages; /* pages accounted for */
};

/* One byte of each page it lies on: what is not there, or not to be had, shows by a signal. */
static uint8_t touch(MDB_val v, size_t page_bytes) {
        const volatile uint8_t *p = v.mv_data;
        uint8_t sum = v.mv_size > 0 ? p[v.mv_size - 1] : 0;

        for (size_t i = 0; i < v.mv_size; i += page_bytes)
                sum ^= p[i];
        return sum;
}

typedef int entry_fn(struct walk *w, MDB_val k, MDB_val v);

/* Counting the entries also ends a walk in circles. */
static int table_walk(struct walk *w, MDB_dbi table, entry_fn *on_entry) {
        MDB_val k, v, previous = { 0 };
        MDB_cursor *cursor;
        MDB_stat stat;
        size_t n = 0;
        int r = mdb_stat(w->txn, table, &stat);
        if (r == 0)
                r = mdb_cursor_open(w->txn, table, &cursor);
        if (r != 0)
                return r;

        w->n_pages += env_n_pages(&stat);
        while ((r = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0 && n++ < stat.ms_entries) {
                touch(k, w->page_bytes);
                touch(v, w->page_bytes);
                r = previous.mv_data && mdb_cmp(w->txn, table, &previous, &k) >= 0 ?
                            MDB_CORRUPTED :
                            on_entry(w, k, v);
                if (r != 0)
                        break;
                previous = k;
        }
        mdb_cursor_close(cursor);
        if (r != MDB_NOTFOUND)
                return r < 0 ? r : MDB_CORRUPTED;
        return n == stat.ms_entries ? 0 : MDB_CORRUPTED;
}

static int entry_ignore(struct walk *w UNUSED, MDB_val k UNUSED, MDB_val v UNUSED) {
        return 0;
}

static int entry_count_free(struct walk *w, MDB_val k UNUSED, MDB_val v) {
        size_t n = env_n_free_pages(v);

        w->n_pages += n;
        return n == SIZE_MAX ? MDB_CORRUPTED : 0;
}

/* An entry of the unnamed table: the name of a table. */
static int entry_walk_table(struct walk *w, MDB_val k, MDB_val v UNUSED) {
        char name[64];
        MDB_dbi table;
        int r;

        if (k.mv_size >= sizeof(name))
                return MDB_CORRUPTED;
        memcpy(name, k.mv_data, k.mv_size);
        name[k.mv_size] = '\0';
        r = mdb_dbi_open(w->txn, name, 0, &table);
        return r != 0 ? r : table_walk(w, table, entry_ignore);
}

/* The newest state, and how many pages the file has in it. A writer may be faster than we are: in vain
 * is better than for ever, and *ret_n_pages 0 then. */
static int newest_begin(MDB_env *env, MDB_txn **ret, size_t *ret_n_pages) {
        MDB_envinfo info;

        *ret_n_pages = 0;
        for (int i = 0; i < TRIES_MAX; i++) {
                int r = mdb_txn_begin(env, NULL, MDB_RDONLY, ret);
                if (r != 0)
                        return r;
                mdb_env_info(env, &info);
                if (info.me_last_txnid == mdb_txn_id(*ret)) {
                        *ret_n_pages = info.me_last_pgno + 1;
                        return 0;
                }
                if (i + 1 < TRIES_MAX)
                        mdb_txn_abort(*ret);
        }
        return 0;
}

static int tables_walk(MDB_txn *txn, size_t n_pages) {
        struct walk w = { .txn = txn, .n_pages = N_META_PAGES };
        MDB_dbi names;
        MDB_stat stat;
        int r;

        mdb_env_stat(mdb_txn_env(txn), &stat);
        w.page_bytes = stat.ms_psize;
        r = mdb_dbi_open(txn, NULL, 0, &names);
        if (r == 0)
                r = table_walk(&w, names, entry_walk_table);
        if (r == 0)
                r = table_walk(&w, ENV_FREE_PAGES, entry_count_free);
        return r == 0 && n_pages != 0 && w.n_pages != n_pages ? MDB_CORRUPTED : r;
}

static int copy_to_nowhere(MDB_env *env) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        int r = fd < 0 ? errno : mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);

        fd_close(fd);
        return r;
}

static int store_walk(const struct check *check) {
        unsigned int flags = MDB_RDONLY | (check->is_shared ? 0 : MDB_NOLOCK);
        MDB_env *env;
        MDB_txn *txn;
        size_t n_pages;
        int r = env_open(check->path, flags, &env);
        if (r == 0)
                r = newest_begin(env, &txn, &n_pages);
        if (r == 0)
                r = env_check_format(txn);
        if (r == 0)
                r = tables_walk(txn, n_pages);
        return r != 0 ? r : copy_to_nowhere(env);
}

int check_work(const void *userdata) {
        int r = store_walk(userdata);
        if (r == MDB_VERSION_MISMATCH)
                return CHECK_EXIT_NEWER;
        if (r == ENOENT || r == EBADF) /* LMDB wants to begin an empty file, which we only read */
                return CHECK_EXIT_EMPTY;
        return r == 0 ? CHECK_EXIT_SOUND : r < 0 ? CHECK_EXIT_DAMAGED : CHECK_EXIT_OTHER;
}

bool check_is_sound(const struct child_end *end, char how[CHECK_TEXT_BYTES]) {
        if (end->signal != 0)
                snprintf(how, CHECK_TEXT_BYTES, "reading it ends with %s", strsignal(end->signal));
        else if (end->status == CHECK_EXIT_DAMAGED)
                snprintf(how, CHECK_TEXT_BYTES, "its content makes no sense");
        else if (end->status == CHECK_EXIT_NEWER)
                snprintf(how, CHECK_TEXT_BYTES, "or a newer thox wrote it");
        else if (end->status == CHECK_EXIT_EMPTY)
                snprintf(how, CHECK_TEXT_BYTES, "it is empty or missing");
        else
                return true;
        return false;
}

int check_run(const struct check *check, char how[CHECK_TEXT_BYTES]) {
        struct child_end end;
        struct child child;
        int r = child_start(&child, check_work, check, -1);
        if (r == 0)
                r = child_wait(&child, &end);
        if (r < 0)
                return error_trace(r);
        return check_is_sound(&end, how) ? 0 : REFUSAL;
}
