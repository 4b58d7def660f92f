/*
 * compile.h - Lua source to a checked binary chunk.
 *
 * Only source text is accepted, never a precompiled chunk: loading a forged one corrupts the VM that
 * does. Nothing is ever run here.
 */
#pragma once

#include <stddef.h>

#include "libipc/base/buf.h"

#define COMPILE_MESSAGE_BYTES 512

enum compile_error {
        COMPILE_OK = 0,
        COMPILE_E_REFUSED = 1, /* `message` says why, as "name:line: what" where there is a line */
};

/*
 * Compiles one chunk and appends it to `binary` (NULL: only check). Like the stock interpreter it
 * passes over a byte order mark and a first line that begins with '#'. Line numbers and names stay in
 * the chunk, so that errors at run time can name them.
 *
 * `chunk` is Lua's chunk name: "@hello" reads as "hello" in messages. `message` has room for
 * COMPILE_MESSAGE_BYTES. -errno of `binary`, or -ENOMEM.
 */
int compile_source(
        const char *chunk, const void *source, size_t len, struct buf *binary, char *message);
