/*
 * source.h - bytes that the user names: a file, or "-" for standard input.
 */
#pragma once

#include "libipc/base/buf.h"
#include "thoxctl/command.h"

/* Reads all of it, up to `max` bytes, whole MiB; `bytes` is initialised by the caller. 0, or an exit code
 * after the failure was reported. */
int source_read(const struct invocation *inv, const char *path, size_t max, struct buf *bytes);
