/*
 * buf.c - growable bytes with a hard maximum.
 */
#include "libipc/base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"

#define BUF_FIRST_BYTES 64u

void buf_init(struct buf *b, size_t max) {
        *b = (struct buf){ .max = max };
}

void buf_deinit(struct buf *b) {
        free(b->data);
        b->data = NULL;
        b->len = b->cap = 0;
}

static size_t buf_next_cap(const struct buf *b, size_t wanted) {
        size_t cap = b->cap > 0 ? b->cap : BUF_FIRST_BYTES;

        while (cap < wanted)
                cap = cap > SIZE_MAX / 2 ? wanted : cap * 2;
        return cap < b->max ? cap : b->max;
}

int buf_reserve(struct buf *b, size_t n) {
        size_t cap;
        uint8_t *data;

        assert(b->len <= b->cap);
        if (n <= b->cap - b->len)
                return 0;
        if (b->len > b->max || n > b->max - b->len)
                return error_origin(E2BIG);

        cap = buf_next_cap(b, b->len + n);
        data = realloc(b->data, cap);
        if (!data)
                return error_origin(ENOMEM);

        b->data = data;
        b->cap = cap;
        return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t n) {
        int r;

        r = buf_reserve(b, n);
        if (r < 0)
                return error_trace(r);

        if (n > 0)
                memcpy(b->data + b->len, bytes, n);
        b->len += n;
        return 0;
}

static int buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
static int buf_vprintf(struct buf *b, const char *fmt, va_list args) {
        va_list again;
        int n, r;

        va_copy(again, args);
        n = vsnprintf(NULL, 0, fmt, again);
        va_end(again);
        if (n < 0)
                return error_origin(EINVAL);

        /* vsnprintf wants room for its NUL, which is not part of the content. */
        r = buf_reserve(b, (size_t)n + 1);
        if (r < 0)
                return error_trace(r);

        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, args);
        b->len += (size_t)n;
        return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...) {
        va_list args;
        int r;

        va_start(args, fmt);
        r = buf_vprintf(b, fmt, args);
        va_end(args);
        return error_trace(r);
}
