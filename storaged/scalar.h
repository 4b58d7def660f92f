/*
 * scalar.h - stored values that are compared and counted: one nil, boolean, number or string (value.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storaged/disk.h"

bool scalar_is_nil(struct disk_bytes item);
bool scalar_is_one(struct disk_bytes item);
/* As Lua's `==`: 1 and 1.0 are equal. False when either is no scalar. */
bool scalar_is_equal(struct disk_bytes a, struct disk_bytes b);
/* False: it is something else. */
bool scalar_get_integer(struct disk_bytes item, int64_t *ret);
