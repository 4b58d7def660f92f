/*
 * counter.h - numbers by name, durable. Pure rows over a disk; one that was never set is 0.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (the transaction is over), < 0.
 */
#pragma once

#include <stdint.h>

#include "storaged/disk.h"

int counter_get(struct disk *d, const char *name, uint64_t *ret);
/* In a write transaction, as all that follow. */
int counter_set(struct disk *d, const char *name, uint64_t n);
/* *ret: what it is then. */
int counter_add(struct disk *d, const char *name, int64_t by, uint64_t *ret);
