/*
 * item.h - one item of a sequence of values (libipc/value.h) as the bytes that it is.
 */
#pragma once

#include <stdbool.h>

#include "libipc/value.h"
#include "storaged/disk.h"

/* A string; an integer that is not below 0. False: it is something else, and is not passed. */
bool item_take_bytes(struct value_reader *reader, struct disk_bytes *ret);
bool item_take_count(struct value_reader *reader, uint64_t *ret);
/* One whole item, its bytes. False: there is none. */
bool item_take(struct value_reader *reader, struct disk_bytes *ret);
/* Whether a handle is anywhere in it. */
bool item_has_cap(struct disk_bytes item);
