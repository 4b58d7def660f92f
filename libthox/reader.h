/*
 * reader.h - what a message's values become before a program reads them. Private to libthox.
 */
#pragma once

#include "libipc/base/buf.h"
#include "libipc/client.h"
#include "libthox/thox.h"

/* No value takes more than three times its bytes on the wire, which a half float does. */
#define READER_BYTES_MAX (3 * (size_t)LIMIT_MESSAGE_BYTES + 1)

enum reader_error {
        READER_OK = 0,
        READER_E_BAD = 1, /* the values are malformed */
};

/* The event's values into `out`, which is cleared before: checked, so that no later step can fail,
 * with a NUL after each string, and with contexts by number instead of index. */
int reader_import(struct buf *out, const struct client_event *event);
/* All of `values`, which must outlive it. */
struct thox_reader reader_of(const struct buf *values);
