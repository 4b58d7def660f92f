/*
 * failing_malloc.c - see the header.
 */
#include "tests/helper/failing_malloc.h"

static size_t countdown;
static bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);

void failing_malloc_start(size_t n) {
        countdown = n;
        has_failed = false;
}

void failing_malloc_stop(void) {
        countdown = 0;
}

bool failing_malloc_has_failed(void) {
        return has_failed;
}

static bool fails_now(void) {
        if (countdown == 0 || --countdown > 0)
                return false;
        has_failed = true;
        return true;
}

void *__wrap_malloc(size_t size) {
        return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size) {
        return fails_now() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size) {
        return fails_now() ? NULL : __real_reallocarray(memory, n, size);
}
