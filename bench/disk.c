/*
 * disk.c - what the disk and LMDB cost by themselves: a record appended and synced, and a transaction of
 * --flight puts.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/sample.h"

#define N_KEYS 1000
#define MAP_BYTES ((size_t)64 << 20)

struct disk {
        const struct load *load;
        char *value; /* load->size bytes */
        int fd;
        MDB_env *env;
        MDB_dbi table;
        unsigned int next;
};

static void append_once(void *userdata) {
        struct disk *d = userdata;

        if (write(d->fd, d->value, d->load->size) != (ssize_t)d->load->size)
                die("write: %m");
        if (fdatasync(d->fd) < 0)
                die("fdatasync: %m");
}

static void append_open(struct disk *d, const char *directory) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/append", directory);
        d->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (d->fd < 0)
                die("%s: %m", path);
}

static void must(int r, const char *what) {
        if (r != 0)
                die("%s: %s", what, mdb_strerror(r));
}

static void lmdb_once(void *userdata) {
        struct disk *d = userdata;
        MDB_val value = { d->load->size, d->value };
        MDB_txn *txn;

        must(mdb_txn_begin(d->env, NULL, 0, &txn), "mdb_txn_begin");
        for (int i = 0; i < d->load->flight; i++) {
                char name[16];
                MDB_val key = { (size_t)snprintf(name, sizeof(name), "k%u", d->next++ % N_KEYS),
                                name };

                must(mdb_put(txn, d->table, &key, &value, 0), "mdb_put");
        }
        must(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void lmdb_open(struct disk *d, const char *directory) {
        char path[4096];
        MDB_txn *txn;

        (void)snprintf(path, sizeof(path), "%s/bench.mdb", directory);
        must(mdb_env_create(&d->env), "mdb_env_create");
        must(mdb_env_set_mapsize(d->env, MAP_BYTES), "mdb_env_set_mapsize");
        must(mdb_env_open(d->env, path, MDB_NOSUBDIR, 0600), path);
        must(mdb_txn_begin(d->env, NULL, 0, &txn), "mdb_txn_begin");
        must(mdb_dbi_open(txn, NULL, 0, &d->table), "mdb_dbi_open");
        must(mdb_txn_commit(txn), "mdb_txn_commit");
}

int main(int argc, char **argv) {
        struct load l;
        struct sample *s;
        struct disk d = { .load = &l, .fd = -1 };

        load_parse(&l, &argc, argv);
        if (argc != 3 || l.n_clients != 1)
                die("usage: %s append|lmdb DIRECTORY [--size N] [--flight N] [--ms N]",
                    program_invocation_short_name);
        s = samples_map(1);
        d.value = calloc(1, l.size);
        if (!d.value)
                die("out of memory");

        if (strcmp(argv[1], "append") == 0) {
                append_open(&d, argv[2]);
                sample_repeat(s, &l, 1, append_once, &d);
        } else if (strcmp(argv[1], "lmdb") == 0) {
                lmdb_open(&d, argv[2]);
                sample_repeat(s, &l, (unsigned int)l.flight, lmdb_once, &d);
        } else {
                die("'%s' is neither append nor lmdb", argv[1]);
        }
        samples_print(s, &l, 0);
        return 0;
}
