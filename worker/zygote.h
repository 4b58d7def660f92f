/*
 * zygote.h - the process that forks workers: libraries linked, prelude compiled, nothing else done. It
 * holds no Lua state, so a child shares all of its memory until it makes its own.
 */
#pragma once

#include <stdbool.h>

#define ZYGOTE_FD 3 /* its socket to initd, and each child's */

struct zygote_options {
        bool has_no_hooks;
        bool is_confinement_required; /* a worker that lacks a layer runs nothing */
        char **argv;                  /* its memory becomes the children's titles */
        int argc;
};

/* Serves Fork until initd goes: the exit code. In a child it does not return. */
int zygote_run(const struct zygote_options *options);
