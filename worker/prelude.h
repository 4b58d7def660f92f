/*
 * prelude.h - the files of lua/, embedded by the build: the prelude, and the parts that it loads when
 * a program first uses them.
 */
#pragma once

#include <stddef.h>

struct prelude_part {
        const char *name; /* of its file, without .lua */
        const char *source;
        size_t len;
};

/* The prelude itself is the first. */
extern const struct prelude_part prelude_parts[];
extern const size_t n_prelude_parts;
