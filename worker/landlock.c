/*
 * landlock.c - see landlock.h. Numbers of our own: the system's header may be older than the kernel.
 */
#include "worker/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/macros.h"

#define LANDLOCK_CREATE_VERSION 1u

/* struct landlock_ruleset_attr of ABI 6; an older kernel takes what it does not know when it is 0. */
struct landlock_rules {
        uint64_t files, network, scoped;
};

/* Everything that the ABI of that number can forbid. */
static const struct landlock_rules rules_of_abi[] = {
        { 0x0000, 0, 0 }, { 0x1fff, 0, 0 }, { 0x3fff, 0, 0 }, { 0x7fff, 0, 0 },
        { 0x7fff, 3, 0 }, { 0xffff, 3, 0 }, { 0xffff, 3, 3 },
};

int landlock_apply(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_VERSION);
        if (abi < 0)
                return errno;
        if ((size_t)abi >= ARRAY_SIZE(rules_of_abi))
                abi = ARRAY_SIZE(rules_of_abi) - 1;
        const struct landlock_rules *rules = &rules_of_abi[abi];
        int fd = (int)syscall(SYS_landlock_create_ruleset, rules, sizeof(*rules), 0);
        if (fd < 0)
                return errno;
        int error = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? errno : 0;
        fd_close(fd);
        return error;
}
