/*
 * test_heap.c - blocks of all sizes keep their content and their distance.
 */
#include "worker/heap.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#define N_BLOCKS 400u

struct block {
        unsigned char *bytes;
        size_t size;
};

static void fill(struct block *b, unsigned value) {
        memset(b->bytes, (int)(value & 0xff), b->size);
}

static void check(const struct block *b, unsigned value, size_t len) {
        for (size_t i = 0; i < len; i++)
                cr_assert_eq(b->bytes[i], value & 0xff);
}

static size_t size_of(unsigned i) {
        return 1 + i * 7 % 1500;
}

Test(heap, blocks_do_not_touch_each_other) {
        struct heap h;
        struct block blocks[N_BLOCKS];
        heap_init(&h);
        for (unsigned i = 0; i < N_BLOCKS; i++) {
                blocks[i].size = size_of(i);
                blocks[i].bytes = heap_new(&h, blocks[i].size);
                cr_assert(blocks[i].bytes);
                cr_assert_eq((uintptr_t)blocks[i].bytes % 8, 0);
                fill(&blocks[i], i);
        }
        for (unsigned i = 0; i < N_BLOCKS; i += 2)
                heap_free(&h, blocks[i].bytes, blocks[i].size);
        for (unsigned i = 0; i < N_BLOCKS; i += 2) {
                blocks[i].bytes = heap_new(&h, blocks[i].size);
                cr_assert(blocks[i].bytes);
                fill(&blocks[i], i);
        }
        for (unsigned i = 0; i < N_BLOCKS; i++) {
                check(&blocks[i], i, blocks[i].size);
                heap_free(&h, blocks[i].bytes, blocks[i].size);
        }
        heap_deinit(&h);
}

Test(heap, resizing_keeps_what_fits) {
        static const size_t sizes[] = { 1, 16, 17, 500, 512, 513, 4000, 512, 30, 100000, 5 };
        struct heap h;
        struct block b = { .size = 8 };
        heap_init(&h);
        b.bytes = heap_new(&h, b.size);
        cr_assert(b.bytes);
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                size_t kept = b.size < sizes[i] ? b.size : sizes[i];
                fill(&b, i);
                b.bytes = heap_resize(&h, b.bytes, b.size, sizes[i]);
                cr_assert(b.bytes);
                b.size = sizes[i];
                check(&b, i, kept);
        }
        heap_free(&h, b.bytes, b.size);
        heap_deinit(&h);
}
