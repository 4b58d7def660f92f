/*
 * fake_disk.c - sorted arrays of keys and values. A write transaction works on a copy that takes the
 * place of the original at commit, so an aborted one leaves no trace.
 */
#include "tests/fake/fake_disk.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/macros.h"

struct row {
        struct disk_bytes key, value; /* both owned */
};

struct rows {
        struct row *at;
        size_t n;
};

struct disk {
        struct rows tables[_DISK_TABLE_N], copies[_DISK_TABLE_N];
        bool is_open, is_write;
        size_t n_puts;
};

static size_t fail_at, max_puts, n_operations, n_commits;
static int fail_result;

void fake_disk_fail_at(size_t n, int result) {
        fail_at = n;
        fail_result = result;
}

void fake_disk_limit_puts(size_t n) {
        max_puts = n;
}

size_t fake_disk_operations(void) {
        return n_operations;
}

size_t fake_disk_commits(void) {
        return n_commits;
}

static struct disk_bytes bytes_copy(struct disk_bytes bytes) {
        void *data = malloc(bytes.len + 1);
        assert(data);
        if (bytes.len > 0)
                memcpy(data, bytes.data, bytes.len);
        return (struct disk_bytes){ data, bytes.len };
}

static void bytes_free(struct disk_bytes bytes) {
        free((void *)(uintptr_t)bytes.data);
}

static void rows_free(struct rows *rows) {
        for (size_t i = 0; i < rows->n; i++) {
                bytes_free(rows->at[i].key);
                bytes_free(rows->at[i].value);
        }
        free(rows->at);
        *rows = (struct rows){ 0 };
}

static void rows_copy(struct rows *to, const struct rows *from) {
        to->n = from->n;
        to->at = calloc(from->n + 1, sizeof(*to->at));
        assert(to->at);
        for (size_t i = 0; i < from->n; i++)
                to->at[i] =
                        (struct row){ bytes_copy(from->at[i].key), bytes_copy(from->at[i].value) };
}

static int bytes_compare(struct disk_bytes a, struct disk_bytes b) {
        int r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
        return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

/* Index of the first row that is not before `key`. */
static size_t rows_find(const struct rows *rows, struct disk_bytes key, bool *ret_is_equal) {
        size_t i = 0;
        while (i < rows->n && bytes_compare(rows->at[i].key, key) < 0)
                i++;
        *ret_is_equal = i < rows->n && bytes_compare(rows->at[i].key, key) == 0;
        return i;
}

static int operation(struct disk *d) {
        n_operations++;
        if (fail_at == 0 || --fail_at > 0)
                return DISK_OK;
        disk_end(d);
        return fail_result;
}

/* Reads know no full disk. */
static int operation_read(struct disk *d) {
        int r = operation(d);
        return r > 0 ? -EIO : r;
}

static struct rows *rows_of(struct disk *d, enum disk_table table) {
        assert(d->is_open);
        return d->is_write ? &d->copies[table] : &d->tables[table];
}

int disk_open(struct disk **ret, const char *dir UNUSED, char **ret_reason UNUSED) {
        struct disk *d = calloc(1, sizeof(*d));
        assert(d);
        fail_at = max_puts = n_operations = n_commits = 0;
        *ret = d;
        return DISK_OK;
}

struct disk *disk_close(struct disk *d) {
        if (!d)
                return NULL;
        disk_end(d);
        for (size_t i = 0; i < _DISK_TABLE_N; i++)
                rows_free(&d->tables[i]);
        free(d);
        return NULL;
}

const char *disk_path(const struct disk *d UNUSED) {
        return "memory";
}

int disk_begin(struct disk *d, bool is_write) {
        int r = operation(d);
        if (r != DISK_OK)
                return r;
        assert(!d->is_open);
        d->is_open = true;
        d->is_write = is_write;
        d->n_puts = 0;
        for (size_t i = 0; is_write && i < _DISK_TABLE_N; i++)
                rows_copy(&d->copies[i], &d->tables[i]);
        return DISK_OK;
}

uint64_t disk_generation(const struct disk *d UNUSED) {
        return n_commits + 1;
}

int disk_commit(struct disk *d) {
        int r = operation(d);
        if (r != DISK_OK)
                return r;
        assert(d->is_open && d->is_write);
        for (size_t i = 0; i < _DISK_TABLE_N; i++) {
                rows_free(&d->tables[i]);
                d->tables[i] = d->copies[i];
                d->copies[i] = (struct rows){ 0 };
        }
        n_commits++;
        disk_end(d);
        return DISK_OK;
}

void disk_end(struct disk *d) {
        d->is_open = false;
        for (size_t i = 0; i < _DISK_TABLE_N; i++)
                rows_free(&d->copies[i]);
}

int disk_get(struct disk *d, enum disk_table table, struct disk_bytes key, struct disk_bytes *ret) {
        int r = operation_read(d);
        if (r != DISK_OK)
                return r;
        bool is_equal;
        const struct rows *rows = rows_of(d, table);
        size_t i = rows_find(rows, key, &is_equal);
        if (!is_equal)
                return DISK_E_NOTFOUND;
        *ret = rows->at[i].value;
        return DISK_OK;
}

int disk_before(struct disk *d,
                enum disk_table table,
                struct disk_bytes key,
                struct disk_bytes *ret_key,
                struct disk_bytes *ret_value) {
        int r = operation_read(d);
        if (r != DISK_OK)
                return r;
        bool is_equal;
        const struct rows *rows = rows_of(d, table);
        size_t i = rows_find(rows, key, &is_equal);
        if (i == 0)
                return DISK_E_NOTFOUND;
        *ret_key = rows->at[i - 1].key;
        *ret_value = rows->at[i - 1].value;
        return DISK_OK;
}

int disk_after(struct disk *d,
               enum disk_table table,
               struct disk_bytes key,
               struct disk_bytes *ret_key,
               struct disk_bytes *ret_value) {
        int r = operation_read(d);
        if (r != DISK_OK)
                return r;
        bool is_equal;
        const struct rows *rows = rows_of(d, table);
        size_t i = rows_find(rows, key, &is_equal) + (is_equal ? 1 : 0);
        if (i >= rows->n)
                return DISK_E_NOTFOUND;
        *ret_key = rows->at[i].key;
        *ret_value = rows->at[i].value;
        return DISK_OK;
}

int disk_put(struct disk *d,
             enum disk_table table,
             struct disk_bytes key,
             struct disk_bytes value) {
        int r = operation(d);
        if (r != DISK_OK)
                return r;
        assert(d->is_write);
        if (max_puts > 0 && ++d->n_puts > max_puts) {
                disk_end(d);
                return DISK_E_FULL;
        }
        bool is_equal;
        struct rows *rows = rows_of(d, table);
        size_t i = rows_find(rows, key, &is_equal);
        if (is_equal) {
                bytes_free(rows->at[i].value);
        } else {
                rows->at = reallocarray(rows->at, rows->n + 1, sizeof(*rows->at));
                assert(rows->at);
                memmove(rows->at + i + 1, rows->at + i, (rows->n - i) * sizeof(*rows->at));
                rows->at[i].key = bytes_copy(key);
                rows->n++;
        }
        rows->at[i].value = bytes_copy(value);
        return DISK_OK;
}

int disk_remove(struct disk *d, enum disk_table table, struct disk_bytes key) {
        int r = operation(d);
        if (r != DISK_OK)
                return r;
        assert(d->is_write);
        bool is_equal;
        struct rows *rows = rows_of(d, table);
        size_t i = rows_find(rows, key, &is_equal);
        if (!is_equal)
                return DISK_E_NOTFOUND;
        bytes_free(rows->at[i].key);
        bytes_free(rows->at[i].value);
        rows->n--;
        memmove(rows->at + i, rows->at + i + 1, (rows->n - i) * sizeof(*rows->at));
        return DISK_OK;
}

int disk_open_volatile(struct disk **ret, size_t max_bytes UNUSED) {
        return disk_open(ret, NULL, NULL);
}
