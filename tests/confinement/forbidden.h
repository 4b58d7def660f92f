/*
 * forbidden.h - what no worker may do, each as a function that tries.
 */
#pragma once

#include <stddef.h>

/* What refuses it where there is no filter. */
enum forbidden_by {
        BY_FILTER_ALONE,
        BY_OTHERS, /* Landlock, limits or capabilities */
        BY_NAMESPACES,
};

struct forbidden {
        const char *what;
        long (*attempt)(void); /* as a system call: -1 and errno when refused */
        enum forbidden_by also;
};

extern const struct forbidden forbidden[];
extern const size_t n_forbidden;
