/*
 * offline.c - see offline.h. The directory is locked meanwhile: no tree can start on it.
 */
#include "storaged/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "storaged/check.h"
#include "storaged/directory.h"

#define COPY_BYTES ((size_t)16 << 20) /* at once */

static void free_text(char **text) {
        free(*text);
}

/* The sentence of a success is made like that of a refusal. */
static int say_done(int r) {
        return r == REFUSAL ? OFFLINE_OK : r;
}

static int refuse_missing(const char *store_dir, char **ret_text) {
        return refusal_new(ret_text,
                           "there is no store in %s: a tree makes one when it starts; --dir or "
                           "--store says where another one is",
                           store_dir);
}

int offline_check(const char *store_dir, char **ret_text) {
        struct directory d CLEANUP(directory_deinit) = { .fd = -1 };
        char how[CHECK_TEXT_BYTES];
        int r;

        if (access(store_dir, F_OK) < 0)
                return refuse_missing(store_dir, ret_text);
        r = directory_init(&d, store_dir, ret_text);
        if (r != DIRECTORY_OK)
                return error_trace(r);
        if (!directory_has_store(&d))
                return refuse_missing(store_dir, ret_text);

        r = check_run(&(struct check){ .path = d.store }, how);
        if (r < 0)
                return error_trace(r);
        if (r > 0)
                return refusal_new(ret_text,
                                   "the store %s/data.mdb is damaged (%s): restore a backup with "
                                   "thoxctl restore",
                                   d.store, how);
        return say_done(refusal_new(ret_text, "the store %s is sound", d.store));
}

/* 0 or an errno. What root restores belongs to whom the directory does. */
static int copy_file(int from, const char *to, int directory) {
        int fd CLEANUP(fd_closep) = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct stat owner;
        ssize_t n;

        if (fd < 0)
                return errno;
        do
                n = sendfile(fd, from, NULL, COPY_BYTES);
        while (n > 0);
        if (n < 0 || fstat(directory, &owner) < 0)
                return errno;
        if (geteuid() == 0 && fchown(fd, owner.st_uid, owner.st_gid) < 0)
                return errno;
        return fsync(fd) < 0 ? errno : 0;
}

/* The copy, in the place of what is in the making. 0 or an errno. */
static int copy_in(const struct directory *d, const char *file) {
        char *path CLEANUP(free_text) = NULL;
        int from CLEANUP(fd_closep) = open(file, O_RDONLY | O_CLOEXEC);
        int r = from < 0 ? errno : directory_begin(d);
        if (r != 0)
                return r;

        if (asprintf(&path, "%s/data.mdb", d->fresh) < 0)
                return ENOMEM;
        return copy_file(from, path, d->fd);
}

static int put_in_place(const struct directory *d, char **ret_kept) {
        int r;

        if (!directory_has_store(d))
                return directory_put(d);
        r = directory_keep(d, ret_kept);
        return r != 0 ? r : directory_swap(d);
}

static int restore(const struct directory *d, const char *file, char **ret_text) {
        char *kept CLEANUP(free_text) = NULL;
        char how[CHECK_TEXT_BYTES];
        int r = copy_in(d, file);
        if (r != 0)
                return refusal_new(ret_text, "cannot restore %s to %s: %s; the store is as it was",
                                   file, d->path, strerror(r));

        r = check_run(&(struct check){ .path = d->fresh }, how);
        if (r < 0)
                return error_trace(r);
        if (r > 0)
                return refusal_new(ret_text,
                                   "%s is no backup, or a damaged one (%s): the store is as it was",
                                   file, how);
        r = put_in_place(d, &kept);
        if (r != 0)
                return refusal_new(ret_text, "cannot put %s in place of the store in %s: %s", file,
                                   d->path, strerror(r));
        return say_done(refusal_new(ret_text, "restored %s to %s%s%s", file, d->store,
                                    kept ? "; the store before it is kept in " : "",
                                    kept ? kept : ""));
}

int offline_restore(const char *store_dir, const char *file, char **ret_text) {
        struct directory d CLEANUP(directory_deinit) = { .fd = -1 };
        int r = directory_init(&d, store_dir, ret_text);
        if (r != DIRECTORY_OK)
                return error_trace(r);

        r = restore(&d, file, ret_text);
        directory_drop(&d);
        return error_trace(r);
}
