/*
 * copy.c - see copy.h. The child's status is 0, an errno, or DAMAGED.
 */
#include "storaged/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "storaged/check.h"
#include "storaged/env.h"

#define DAMAGED 127
#define ERRNO_MAX 124 /* what fits between; others become EIO */

static int status_of(int r) {
        if (r < 0)
                return r == MDB_PANIC ? EIO : DAMAGED;
        return r <= ERRNO_MAX ? r : EIO;
}

static int copy_to(const char *from, int fd) {
        MDB_env *env;
        int r = env_open(from, MDB_RDONLY, &env);
        if (r != 0)
                return status_of(r);

        r = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
        env_close(env);
        if (r == 0 && fsync(fd) < 0)
                r = errno;
        return status_of(r);
}

int copy_work(const void *userdata) {
        const struct copy *copy = userdata;
        char path[PATH_MAX];
        int fd CLEANUP(fd_closep) = -1, r;

        if (copy->fd >= 0)
                return copy_to(copy->from, copy->fd);
        if ((size_t)snprintf(path, sizeof(path), "%s/data.mdb", copy->to) >= sizeof(path))
                return ENAMETOOLONG;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        r = fd < 0 ? errno : copy_to(copy->from, fd);
        if (r == 0 && check_work(&(struct check){ .path = copy->to }) != 0)
                r = DAMAGED;
        return r;
}

enum copy_error copy_result(const struct child_end *end, char how[COPY_TEXT_BYTES]) {
        if (end->signal == 0 && end->status == 0)
                return COPY_OK;
        if (end->signal != 0)
                snprintf(how, COPY_TEXT_BYTES, "reading it ends with %s", strsignal(end->signal));
        else if (end->status == DAMAGED)
                snprintf(how, COPY_TEXT_BYTES, "its content makes no sense");
        else
                snprintf(how, COPY_TEXT_BYTES, "%s", strerror(end->status));
        if (end->signal != 0 || end->status == DAMAGED)
                return COPY_E_DAMAGED;
        return end->status == ENOSPC || end->status == EDQUOT || end->status == EFBIG ?
                       COPY_E_FULL :
                       COPY_E_OTHER;
}
