/*
 * buf.h - growable bytes with a hard maximum.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/macros.h"

struct buf {
        uint8_t *data;
        size_t len, cap;
        size_t max; /* buf_reserve refuses to go past it */
};

void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);

/* Room for `n` more bytes at data + len; -ENOMEM, or -E2BIG past the maximum. */
int buf_reserve(struct buf *b, size_t n);
int buf_add(struct buf *b, const void *bytes, size_t n);
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline void buf_clear(struct buf *b) {
        b->len = 0;
}
