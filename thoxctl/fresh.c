/*
 * fresh.c - see fresh.h. A lock tells two of us apart from one that was killed and left its file.
 */
#include "thoxctl/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "libipc/base/fd.h"

static int refuse_existing(const struct invocation *inv, const char *path) {
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                      .code = "exists",
                                      .why = "there is a file of that name",
                                      .fix = "choose another one, or --force to replace it" },
                    "cannot write '%s'", path);
}

int fresh_init(struct fresh *f, const struct invocation *inv, const char *path) {
        *f = (struct fresh){ .path = path, .fd = -1 };
        if (!inv->is_forced && access(path, F_OK) == 0)
                return refuse_existing(inv, path);
        if (asprintf(&f->temporary, "%s.tmp", path) < 0) {
                f->temporary = NULL;
                return fail_errno(&inv->output, -ENOMEM, "cannot write '%s'", path);
        }
        f->fd = open(f->temporary, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (f->fd < 0)
                return fail_errno(&inv->output, -errno, "cannot write '%s'", f->temporary);
        if (flock(f->fd, LOCK_EX | LOCK_NB) < 0) {
                f->fd = fd_close(f->fd);
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                              .code = "busy",
                                              .why = "another thoxctl is writing it" },
                            "cannot write '%s'", f->temporary);
        }
        if (ftruncate(f->fd, 0) < 0)
                return fail_errno(&inv->output, -errno, "cannot write '%s'", f->temporary);
        return 0;
}

/* -errno or 0. */
static int sync_directory_of(const char *path) {
        char *copy = strdup(path);
        int fd CLEANUP(fd_closep) =
                copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        int r = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

        free(copy);
        return r;
}

int fresh_commit(struct fresh *f, const struct invocation *inv) {
        int r = fsync(f->fd) < 0 ? -errno : 0;

        if (r == 0 && renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path,
                                inv->is_forced ? 0 : RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r == -EEXIST)
                return refuse_existing(inv, f->path);
        if (r < 0)
                return fail_errno(&inv->output, r, "cannot write '%s'", f->path);
        f->fd = fd_close(f->fd);
        r = sync_directory_of(f->path);
        return r < 0 ? fail_errno(&inv->output, r, "cannot write the directory of '%s'", f->path) :
                       0;
}

void fresh_deinit(struct fresh *f) {
        if (f->fd >= 0)
                unlink(f->temporary);
        f->fd = fd_close(f->fd);
        free(f->temporary);
        f->temporary = NULL;
}
