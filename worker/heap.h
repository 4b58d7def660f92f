/*
 * heap.h - memory for Lua: size classes without headers, because Lua says the size of what it frees.
 * Blocks above HEAP_SMALL_BYTES are malloc's. Small blocks are reused, never given back: a heap lives
 * as long as its process. Sanitizer builds pass everything on to malloc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define HEAP_STEP_BYTES 16u
#define HEAP_SMALL_BYTES 512u
#define HEAP_CLASSES (HEAP_SMALL_BYTES / HEAP_STEP_BYTES)

#if defined(__has_feature)
#        if __has_feature(address_sanitizer)
#                define HEAP_IS_CHECKED 1
#        endif
#elif defined(__SANITIZE_ADDRESS__)
#        define HEAP_IS_CHECKED 1
#endif
#ifndef HEAP_IS_CHECKED
#        define HEAP_IS_CHECKED 0
#endif

struct heap_block {
        struct heap_block *next;
};

struct heap {
        struct heap_block *free[HEAP_CLASSES];
        char *at, *end;           /* the rest of the newest area */
        struct heap_block *areas; /* all, for heap_deinit */
        size_t next_area_bytes;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);

static inline size_t heap_class(size_t size) {
        return (size - 1) / HEAP_STEP_BYTES;
}

static inline bool heap_is_small(size_t size) {
        return !HEAP_IS_CHECKED && size <= HEAP_SMALL_BYTES;
}

/* A small block that is used again; NULL: there is none, ask heap_new. */
static inline void *heap_new_spare(struct heap *h, size_t size) {
        struct heap_block *block = heap_is_small(size) ? h->free[heap_class(size)] : NULL;
        if (block)
                h->free[heap_class(size)] = block->next;
        return block;
}

void heap_free_large(void *ptr);

/* NULL: no memory. `size` and `old_size` are not 0. */
void *heap_new(struct heap *h, size_t size);
static inline void heap_free(struct heap *h, void *ptr, size_t size) {
        if (!heap_is_small(size)) {
                heap_free_large(ptr);
                return;
        }
        struct heap_block *block = ptr;
        block->next = h->free[heap_class(size)];
        h->free[heap_class(size)] = block;
}

/* NULL leaves the old block as it was. */
void *heap_resize(struct heap *h, void *ptr, size_t old_size, size_t size);
