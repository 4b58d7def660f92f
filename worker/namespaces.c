/*
 * namespaces.c - see namespaces.h. The new root is mounted over some directory that every system has, becomes
 * the root in place (pivot_root(".", "."), see pivot_root(2)), and the old one is taken away from above it.
 */
#include "worker/namespaces.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/macros.h"

#define ROOT_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static int unshare_all(void) {
        const int flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
        if (unshare(flags) == 0)
                return 0;
        return errno == EPERM && unshare(CLONE_NEWUSER | flags) == 0 ? 0 : errno;
}

static int mount_empty(void) {
        static const char *const places[] = { "/tmp", "/run", "/var", "/dev" };
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (mount("thox", places[i], "tmpfs", ROOT_FLAGS, "size=4k,nr_inodes=2") == 0)
                        return chdir(places[i]) < 0 ? errno : 0;
        return errno;
}

static int replace_root(void) {
        /* What is mounted here from now on is nobody else's. */
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return errno;
        int r = mount_empty();
        if (r != 0)
                return r;
        if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
            chdir("/") < 0 ||
            mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | ROOT_FLAGS, NULL) < 0)
                return errno;
        return 0;
}

int namespaces_enter(void) {
        int r = unshare_all();
        return r != 0 ? r : replace_root();
}
