/*
 * failing_malloc.h - lets the n-th allocation of the linked code fail. Needs the linker's --wrap for
 * malloc, calloc, realloc and reallocarray (failing_malloc_link_args in tests/meson.build).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th allocation returns NULL, n counted from 1; the others succeed. */
void failing_malloc_start(size_t n);
void failing_malloc_stop(void);
/* Whether that happened since the last start. */
bool failing_malloc_has_failed(void);
