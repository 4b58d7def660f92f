/*
 * sqlite.c - the same sets and gets in SQLite, in WAL mode, synced at every commit: --clients threads take
 * turns at one connection, as nothing else lets them commit faster. A set is a commit of --flight rows.
 */
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sample.h"

#define N_KEYS 1000

struct shelf {
        const struct load *load;
        void *value; /* load->size bytes */
        void (*once)(void *shelf);
        pthread_mutex_t mutex;
        sqlite3 *db;
        sqlite3_stmt *begin, *set, *get, *commit;
        unsigned int next;
};

struct thread {
        struct shelf *shelf;
        struct sample *sample;
        pthread_t id;
};

static void must(struct shelf *s, int r, const char *what) {
        if (r != SQLITE_OK && r != SQLITE_DONE && r != SQLITE_ROW)
                die("%s: %s", what, sqlite3_errmsg(s->db));
}

static void run_sql(struct shelf *s, const char *sql) {
        must(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), sql);
}

static void step(struct shelf *s, sqlite3_stmt *statement) {
        must(s, sqlite3_step(statement), sqlite3_sql(statement));
        must(s, sqlite3_reset(statement), "sqlite3_reset");
}

static void bind_key(struct shelf *s, sqlite3_stmt *statement) {
        char name[16];
        int len = snprintf(name, sizeof(name), "k%u", s->next++ % N_KEYS);

        must(s, sqlite3_bind_text(statement, 1, name, len, SQLITE_TRANSIENT), "binding");
}

static void set_one(struct shelf *s) {
        bind_key(s, s->set);
        must(s, sqlite3_bind_blob(s->set, 2, s->value, (int)s->load->size, SQLITE_STATIC),
             "binding");
        step(s, s->set);
}

static void set_once(void *userdata) {
        struct shelf *s = userdata;

        (void)pthread_mutex_lock(&s->mutex);
        if (s->load->flight > 1)
                step(s, s->begin);
        for (int i = 0; i < s->load->flight; i++)
                set_one(s);
        if (s->load->flight > 1)
                step(s, s->commit);
        (void)pthread_mutex_unlock(&s->mutex);
}

static void get_once(void *userdata) {
        struct shelf *s = userdata;

        (void)pthread_mutex_lock(&s->mutex);
        bind_key(s, s->get);
        step(s, s->get);
        (void)pthread_mutex_unlock(&s->mutex);
}

static sqlite3_stmt *prepare(struct shelf *s, const char *sql) {
        sqlite3_stmt *statement;

        must(s, sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL), sql);
        return statement;
}

static void shelf_open(struct shelf *s, const char *directory) {
        char path[4096];

        (void)snprintf(path, sizeof(path), "%s/bench.sqlite", directory);
        must(s, sqlite3_open(path, &s->db), path);
        run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "CREATE TABLE IF NOT EXISTS shelf (key TEXT PRIMARY KEY, value BLOB) WITHOUT "
                   "ROWID");
        s->begin = prepare(s, "BEGIN");
        s->set = prepare(s, "INSERT OR REPLACE INTO shelf VALUES (?, ?)");
        s->get = prepare(s, "SELECT value FROM shelf WHERE key = ?");
        s->commit = prepare(s, "COMMIT");
        run_sql(s, "BEGIN");
        for (int i = 0; i < N_KEYS; i++)
                set_one(s);
        run_sql(s, "COMMIT");
}

static void *thread_run(void *userdata) {
        struct thread *t = userdata;
        struct shelf *s = t->shelf;

        sample_repeat(t->sample, s->load, (unsigned int)s->load->flight, s->once, s);
        return NULL;
}

int main(int argc, char **argv) {
        struct shelf s = { .mutex = PTHREAD_MUTEX_INITIALIZER };
        struct thread threads[SAMPLE_CLIENTS_MAX];
        struct sample *samples;
        struct load l;

        load_parse(&l, &argc, argv);
        if (argc != 3 || (strcmp(argv[1], "set") != 0 && strcmp(argv[1], "get") != 0))
                die("usage: %s set|get DIRECTORY [--size N] [--clients N] [--flight N] [--ms N]",
                    program_invocation_short_name);
        samples = samples_map(l.n_clients);
        s.load = &l;
        s.once = strcmp(argv[1], "set") == 0 ? set_once : get_once;
        s.value = calloc(1, l.size);
        if (!s.value)
                die("out of memory");
        shelf_open(&s, argv[2]);

        for (int i = 0; i < l.n_clients; i++) {
                threads[i] = (struct thread){ .shelf = &s, .sample = &samples[i] };
                if (pthread_create(&threads[i].id, NULL, thread_run, &threads[i]) != 0)
                        die("no thread");
        }
        for (int i = 0; i < l.n_clients; i++)
                (void)pthread_join(threads[i].id, NULL);
        samples_print(samples, &l, 0);
        return 0;
}
