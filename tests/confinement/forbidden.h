/*
 * forbidden.h - what no worker may do, each as a function that tries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct forbidden {
        const char *what;
        long (*attempt)(void); /* as a system call: -1 and errno when refused */
        bool is_refused_twice; /* also where there is no filter: by Landlock, limits or capabilities */
};

extern const struct forbidden forbidden[];
extern const size_t n_forbidden;
