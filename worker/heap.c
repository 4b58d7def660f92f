/*
 * heap.c - see heap.h.
 */
#include "worker/heap.h"

#include <stdlib.h>
#include <string.h>

/* The first area is small, so that a program that does little touches little. */
#define HEAP_AREA_FIRST_BYTES (16u << 10)
#define HEAP_AREA_MAX_BYTES (64u << 10)

void heap_init(struct heap *h) {
        *h = (struct heap){ .next_area_bytes = HEAP_AREA_FIRST_BYTES };
}

void heap_deinit(struct heap *h) {
        while (h->areas) {
                struct heap_block *next = h->areas->next;
                free(h->areas);
                h->areas = next;
        }
        heap_init(h);
}

/* The rest of the old area goes to the class that it fills. */
static void heap_retire_area(struct heap *h) {
        size_t rest = (size_t)(h->end - h->at);
        if (rest < HEAP_STEP_BYTES)
                return;
        struct heap_block *block = (struct heap_block *)(void *)h->at;
        block->next = h->free[heap_class(rest)];
        h->free[heap_class(rest)] = block;
}

static int heap_add_area(struct heap *h) {
        struct heap_block *area = malloc(h->next_area_bytes);
        if (!area)
                return -1;
        heap_retire_area(h);
        area->next = h->areas;
        h->areas = area;
        h->at = (char *)area + HEAP_STEP_BYTES;
        h->end = (char *)area + h->next_area_bytes;
        if (h->next_area_bytes < HEAP_AREA_MAX_BYTES)
                h->next_area_bytes *= 2;
        return 0;
}

void *heap_new(struct heap *h, size_t size) {
        if (!heap_is_small(size))
                return malloc(size);
        void *spare = heap_new_spare(h, size);
        if (spare)
                return spare;
        size_t bytes = (heap_class(size) + 1) * HEAP_STEP_BYTES;
        if ((size_t)(h->end - h->at) < bytes && heap_add_area(h) < 0)
                return NULL;
        void *result = h->at;
        h->at += bytes;
        return result;
}

void heap_free_large(void *ptr) {
        free(ptr);
}

void *heap_resize(struct heap *h, void *ptr, size_t old_size, size_t size) {
        if (!heap_is_small(old_size) && !heap_is_small(size))
                return realloc(ptr, size);
        if (heap_is_small(old_size) && heap_is_small(size) &&
            heap_class(old_size) == heap_class(size))
                return ptr;
        void *result = heap_new(h, size);
        if (!result)
                return NULL;
        memcpy(result, ptr, old_size < size ? old_size : size);
        heap_free(h, ptr, old_size);
        return result;
}
