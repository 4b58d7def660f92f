/*
 * bootstore.c - reads DIR once: first every file into memory, then MANIFEST over what was read, so
 * that what was verified is what is used. Who may ask for what is storaged's and initd's business.
 */
#include "libipc/bootstore.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/file.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/name.h"

#define MANIFEST_NAME "MANIFEST"
#define MANIFEST_BYTES (1u << 20)
#define HASH_CHARS (SHA256_DIGEST_STRING_LENGTH - 1)

struct file {
        struct bootstore_entry entry;
        char *name;     /* owned, as is */
        uint8_t *bytes; /* this */
        bool is_listed; /* in the manifest */
};

struct bootstore {
        struct file *files;
        size_t n_files, cap_files;
};

/* What the functions below share while a store is being read. */
struct reading {
        struct bootstore *store;
        const char *dir;
        int dirfd;
        bool verify;
        char *reason;
};

static const char *const kind_names[] = {
        [STORE_KIND_PROGRAM] = "program",
        [STORE_KIND_LIBRARY] = "library",
        [STORE_KIND_RUNTIME] = "runtime",
        [STORE_KIND_PROPS] = "props",
};
static_assert(ARRAY_SIZE(kind_names) == _STORE_KIND_N, "every kind has a name");

static const char *suffix_of(enum store_kind kind) {
        return kind == STORE_KIND_PROPS ? ".conf" : ".lua";
}

DEFINE_CLEANUP(struct bootstore *, bootstore_free)

const char *store_kind_name(enum store_kind kind) {
        return kind_names[kind];
}

int store_kind_parse(const char *name, size_t len) {
        for (int kind = 0; kind < _STORE_KIND_N; kind++) {
                if (strlen(kind_names[kind]) == len && memcmp(kind_names[kind], name, len) == 0)
                        return kind;
        }
        return -1;
}

/* Remembers the sentence "boot store DIR: ..." and returns BOOTSTORE_E_REFUSED. */
static PRINTF_LIKE(2, 3) int refuse(struct reading *reading, const char *fmt, ...) {
        char what[512];
        va_list args;

        va_start(args, fmt);
        vsnprintf(what, sizeof(what), fmt, args);
        va_end(args);
        if (asprintf(&reading->reason, "boot store %s: %s", reading->dir, what) < 0) {
                reading->reason = NULL;
                return error_origin(ENOMEM);
        }
        return BOOTSTORE_E_REFUSED;
}

static int compare_names(const struct bootstore_entry *a,
                         enum store_kind kind,
                         const void *name,
                         size_t len) {
        if (a->kind != kind)
                return a->kind < kind ? -1 : 1;
        size_t a_len = strlen(a->name);
        int order = memcmp(a->name, name, a_len < len ? a_len : len);
        if (order != 0)
                return order;
        return a_len < len ? -1 : a_len > len;
}

static int compare_files(const void *a, const void *b) {
        const struct bootstore_entry *y = &((const struct file *)b)->entry;
        return compare_names(&((const struct file *)a)->entry, y->kind, y->name, strlen(y->name));
}

static int reserve_file(struct bootstore *b) {
        if (b->n_files < b->cap_files)
                return 0;
        size_t cap = b->cap_files != 0 ? b->cap_files * 2 : 16;
        struct file *files = reallocarray(b->files, cap, sizeof(*files));
        if (!files)
                return error_origin(ENOMEM);
        b->files = files;
        b->cap_files = cap;
        return 0;
}

/* The length of NAME in "NAME.lua"; 0 when the file name is none of that form. */
static size_t stem_length(enum store_kind kind, const char *file, size_t len) {
        const char *suffix = suffix_of(kind);
        const size_t n = strlen(suffix);
        if (len <= n || memcmp(file + len - n, suffix, n) != 0)
                return 0;
        return name_is_valid(file, len - n) ? len - n : 0;
}

static int read_bytes(
        struct reading *reading, const char *path, size_t max, uint8_t **ret, size_t *ret_len) {
        int r = file_read(reading->dirfd, path, max, ret, ret_len);
        if (r == -EFBIG)
                return refuse(reading, "%s is larger than %zu bytes", path, max);
        if (r < 0 && r != -ENOMEM)
                return refuse(reading, "%s cannot be read: %s", path, strerror(-r));
        return error_trace(r);
}

static int read_file(struct reading *reading, enum store_kind kind, const char *file) {
        struct bootstore *b = reading->store;
        struct file f = { .entry.kind = kind };
        char path[sizeof("program/") + NAME_MAX];
        size_t stem = stem_length(kind, file, strlen(file));
        int r;

        snprintf(path, sizeof(path), "%s/%s", kind_names[kind], file);
        if (stem == 0)
                return reading->verify ? refuse(reading, "%s is not in " MANIFEST_NAME, path) : 0;

        r = reserve_file(b);
        if (r != 0)
                return error_trace(r);
        r = read_bytes(reading, path, LIMIT_SOURCE_BYTES, &f.bytes, &f.entry.len);
        if (r != 0)
                return error_trace(r);
        f.name = strndup(file, stem);
        if (!f.name) {
                free(f.bytes);
                return error_origin(ENOMEM);
        }
        f.entry.name = f.name;
        f.entry.bytes = f.bytes;
        b->files[b->n_files++] = f;
        return 0;
}

static void close_dir(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

/* A kind without a directory has no files; what the manifest lists there is then missing. */
static int open_kind(struct reading *reading, enum store_kind kind, DIR **ret) {
        const char *name = kind_names[kind];
        int fd = openat(reading->dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0)
                return refuse(reading, "%s cannot be opened: %s", name, strerror(errno));
        *ret = fdopendir(fd);
        if (!*ret) {
                fd_close(fd);
                return error_origin(errno);
        }
        return 0;
}

static int read_kind(struct reading *reading, enum store_kind kind) {
        CLEANUP(close_dir) DIR *dir = NULL;
        int r = open_kind(reading, kind, &dir);
        if (r != 0 || !dir)
                return error_trace(r);

        for (;;) {
                errno = 0;
                struct dirent *entry = readdir(dir);
                if (!entry)
                        return errno != 0 ? error_origin(errno) : 0;
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                r = read_file(reading, kind, entry->d_name);
                if (r != 0)
                        return error_trace(r);
        }
}

static struct file *find_file(const struct bootstore *b,
                              enum store_kind kind,
                              const void *name,
                              size_t len) {
        size_t low = 0, high = b->n_files;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare_names(&b->files[middle].entry, kind, name, len);
                if (order == 0)
                        return &b->files[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

/* The file that "kind/NAME.lua" speaks of; NULL when it is missing or the path is none. */
static struct file *find_path(const struct bootstore *b, const char *path, size_t len) {
        const char *slash = memchr(path, '/', len);
        if (!slash)
                return NULL;
        size_t kind_len = (size_t)(slash - path);
        int kind = store_kind_parse(path, kind_len);
        if (kind < 0)
                return NULL;
        size_t stem = stem_length((enum store_kind)kind, slash + 1, len - kind_len - 1);
        return stem > 0 ? find_file(b, (enum store_kind)kind, slash + 1, stem) : NULL;
}

static int check_line(struct reading *reading, size_t number, const char *line, size_t len) {
        char hash[SHA256_DIGEST_STRING_LENGTH];

        if (len <= HASH_CHARS + 2 || memcmp(line + HASH_CHARS, "  ", 2) != 0)
                return refuse(reading, MANIFEST_NAME ":%zu: not \"sha256  kind/NAME.lua\"", number);

        const char *path = line + HASH_CHARS + 2;
        int path_len = (int)(len - HASH_CHARS - 2);
        struct file *f = find_path(reading->store, path, (size_t)path_len);
        if (!f)
                return refuse(reading, "%.*s is missing; reinstall thox", path_len, path);
        if (f->is_listed)
                return refuse(reading, MANIFEST_NAME ":%zu: %.*s is listed twice", number, path_len,
                              path);

        SHA256Data(f->bytes, f->entry.len, hash);
        if (memcmp(hash, line, HASH_CHARS) != 0)
                return refuse(reading,
                              "%.*s was changed (its SHA-256 is not the one in " MANIFEST_NAME
                              "); reinstall thox",
                              path_len, path);
        f->is_listed = true;
        return 0;
}

static int check_all_listed(struct reading *reading) {
        const struct bootstore *b = reading->store;

        for (size_t i = 0; i < b->n_files; i++) {
                const struct bootstore_entry *e = &b->files[i].entry;
                if (!b->files[i].is_listed)
                        return refuse(reading, "%s/%s%s is not in " MANIFEST_NAME,
                                      kind_names[e->kind], e->name, suffix_of(e->kind));
        }
        return 0;
}

static void free_bytes(uint8_t **bytes) {
        free(*bytes);
}

static int check_manifest(struct reading *reading) {
        CLEANUP(free_bytes) uint8_t *text = NULL;
        size_t len, number = 0;
        int r = read_bytes(reading, MANIFEST_NAME, MANIFEST_BYTES, &text, &len);
        if (r != 0)
                return error_trace(r);

        const char *at = (const char *)text, *end = at + len;
        while (at < end) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t line_len = (size_t)((newline ? newline : end) - at);
                r = check_line(reading, ++number, at, line_len);
                if (r != 0)
                        return error_trace(r);
                at += line_len + (newline ? 1 : 0);
        }
        return error_trace(check_all_listed(reading));
}

static int read_store(struct reading *reading) {
        struct bootstore *b = reading->store;
        int r = 0;

        for (int kind = 0; kind < _STORE_KIND_N && r == 0; kind++)
                r = read_kind(reading, (enum store_kind)kind);
        if (r != 0)
                return error_trace(r);
        if (b->n_files != 0)
                qsort(b->files, b->n_files, sizeof(*b->files), compare_files);
        return reading->verify ? error_trace(check_manifest(reading)) : 0;
}

int bootstore_new(struct bootstore **ret, const char *dir, bool verify, char **ret_reason) {
        struct bootstore *b CLEANUP(bootstore_freep) = calloc(1, sizeof(*b));
        if (!b)
                return error_origin(ENOMEM);

        struct reading reading = { .store = b, .dir = dir, .verify = verify };
        int r;
        reading.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (reading.dirfd < 0)
                r = refuse(&reading, "%s", strerror(errno));
        else
                r = read_store(&reading);
        fd_close(reading.dirfd);
        if (r == BOOTSTORE_E_REFUSED)
                *ret_reason = reading.reason;
        if (r != 0)
                return error_trace(r);
        *ret = take(b);
        return 0;
}

struct bootstore *bootstore_free(struct bootstore *b) {
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n_files; i++) {
                free(b->files[i].name);
                free(b->files[i].bytes);
        }
        free(b->files);
        free(b);
        return NULL;
}

const struct bootstore_entry *bootstore_find(const struct bootstore *b,
                                             enum store_kind kind,
                                             const void *name,
                                             size_t len) {
        const struct file *f = find_file(b, kind, name, len);
        return f ? &f->entry : NULL;
}

size_t bootstore_count(const struct bootstore *b) {
        return b->n_files;
}

const struct bootstore_entry *bootstore_at(const struct bootstore *b, size_t i) {
        assert(i < b->n_files);
        return &b->files[i].entry;
}
