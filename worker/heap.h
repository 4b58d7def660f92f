/*
 * heap.h - memory for Lua: size classes without headers, because Lua says the size of what it frees.
 * Blocks above HEAP_SMALL_BYTES are malloc's. Small blocks are reused, never given back: a heap lives
 * as long as its process. Sanitizer builds pass everything on to malloc.
 */
#pragma once

#include <stddef.h>

#define HEAP_STEP_BYTES 16u
#define HEAP_SMALL_BYTES 512u
#define HEAP_CLASSES (HEAP_SMALL_BYTES / HEAP_STEP_BYTES)

struct heap_block;

struct heap {
        struct heap_block *free[HEAP_CLASSES];
        char *at, *end;           /* the rest of the newest area */
        struct heap_block *areas; /* all, for heap_deinit */
        size_t next_area_bytes;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);

/* NULL: no memory. `size` and `old_size` are not 0. */
void *heap_new(struct heap *h, size_t size);
void heap_free(struct heap *h, void *ptr, size_t size);
/* NULL leaves the old block as it was. */
void *heap_resize(struct heap *h, void *ptr, size_t old_size, size_t size);
