/*
 * writer.h - values of a message to be. Private to libthox.
 */
#pragma once

#include "libipc/base/buf.h"
#include "libipc/base/macros.h"
#include "libipc/wire.h"
#include "libthox/thox.h"

struct thox_writer {
        struct buf values;
        struct wire_cap *caps;
        size_t n_caps;
        int error; /* the first one; nothing is written after it */
};
DEFINE_CLEANUP(struct thox_writer *, thox_writer_free)

/* Whether it can be sent: 0, or what went wrong. NULL, which stands for no values, can. */
int writer_check(const struct thox_writer *w);
