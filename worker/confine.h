/*
 * confine.h - takes from a worker whatever it does not need, before it reads a byte of its program. Each
 * layer (libipc/confinement.h) stands for itself: one that the kernel lacks is noted, and the others
 * follow.
 */
#pragma once

#include <linux/filter.h>
#include <stdint.h>

#include "libipc/confinement.h"

/* Made once, in the zygote. */
struct confine {
        struct sock_fprog filter;
        int filter_error;   /* why there is none; 0 */
        uint8_t namespaces; /* state of that layer */
};

void confine_init(struct confine *c);
void confine_deinit(struct confine *c);

/* For this process and all its children, for good: what is too slow to be done for each. */
void confine_enter(struct confine *c);

/* In the child, for good. Descriptors above `fd` are closed; the heap of its program may take
 * `memory_bytes` (0: not limited). */
void confine_apply(const struct confine *c,
                   int fd,
                   uint32_t pid,
                   uint64_t memory_bytes,
                   struct confinement *ret);
