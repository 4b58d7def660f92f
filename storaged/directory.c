/*
 * directory.c - see directory.h. A store appears complete, by rename, because LMDB does not create its
 * files atomically.
 */
#include "storaged/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/file.h"
#include "libipc/base/macros.h"

#define STORE "stores"
#define FRESH "stores.new"
#define KEPT "stores.old."
#define KEPT_MAX 10000u

int directory_refuse(const char *path, const char *error, char **ret_reason) {
        return refusal_new(ret_reason,
                           "cannot use the store directory %s: %s; make it a directory that uid %u "
                           "may write to, with room for the store, or choose another one",
                           path, error, (unsigned int)geteuid());
}

static int directory_lock(struct directory *d, char **ret_reason) {
        int r = file_make_dirs(d->path, 0700);
        if (r < 0)
                return directory_refuse(d->path, strerror(-r), ret_reason);
        d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (d->fd < 0)
                return directory_refuse(d->path, strerror(errno), ret_reason);
        if (flock(d->fd, LOCK_EX | LOCK_NB) == 0)
                return DIRECTORY_OK;
        if (errno != EWOULDBLOCK)
                return directory_refuse(d->path, strerror(errno), ret_reason);
        return refusal_new(ret_reason,
                           "the store directory %s is in use by another tree; stop it, or choose "
                           "another directory",
                           d->path);
}

/* The path of an entry of the directory, or NULL. */
static char *path_new(const char *directory, const char *name) {
        char *path;
        return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

int directory_init(struct directory *d, const char *path, char **ret_reason) {
        *d = (struct directory){
                .fd = -1,
                .path = strdup(path),
                .store = path_new(path, STORE),
                .fresh = path_new(path, FRESH),
        };
        if (!d->path || !d->store || !d->fresh)
                return error_origin(ENOMEM);
        return directory_lock(d, ret_reason);
}

void directory_deinit(struct directory *d) {
        if (d->path)
                fd_close(d->fd);
        free(d->path);
        free(d->store);
        free(d->fresh);
        *d = (struct directory){ .fd = -1 };
}

bool directory_has_store(const struct directory *d) {
        return faccessat(d->fd, STORE, F_OK, 0) == 0 || errno != ENOENT;
}

void directory_drop(const struct directory *d) {
        unlinkat(d->fd, FRESH "/data.mdb", 0);
        unlinkat(d->fd, FRESH "/lock.mdb", 0);
        unlinkat(d->fd, FRESH, AT_REMOVEDIR);
}

int directory_begin(const struct directory *d) {
        /* What an interrupted one left behind is worth nothing: nothing in it was acknowledged. */
        directory_drop(d);
        return mkdirat(d->fd, FRESH, 0700) < 0 ? errno : 0;
}

static int sync_entry(const struct directory *d, const char *name) {
        int fd CLEANUP(fd_closep) = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd >= 0 && fsync(fd) == 0 ? 0 : errno;
}

int directory_put(const struct directory *d) {
        int r = sync_entry(d, FRESH);
        if (r == 0 && renameat(d->fd, FRESH, d->fd, STORE) < 0)
                r = errno;
        return r != 0 ? r : sync_entry(d, ".");
}

/* A second name for its file, so that there is a store at every moment. */
int directory_keep(const struct directory *d, char **ret_path) {
        char name[32], file[48];

        for (unsigned int i = 1; i <= KEPT_MAX; i++) {
                snprintf(name, sizeof(name), KEPT "%u", i);
                snprintf(file, sizeof(file), "%s/data.mdb", name);
                if (mkdirat(d->fd, name, 0700) < 0 && errno == EEXIST)
                        continue;
                if (linkat(d->fd, STORE "/data.mdb", d->fd, file, 0) < 0)
                        return errno;
                *ret_path = path_new(d->path, name);
                return *ret_path ? sync_entry(d, name) : ENOMEM;
        }
        return EEXIST;
}

/* The lock file holds numbers of the old file's transactions. */
int directory_swap(const struct directory *d) {
        int r;

        if (renameat(d->fd, FRESH "/data.mdb", d->fd, STORE "/data.mdb") < 0)
                return errno;
        unlinkat(d->fd, STORE "/lock.mdb", 0);
        r = sync_entry(d, STORE);
        directory_drop(d);
        return r;
}
