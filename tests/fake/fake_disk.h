/*
 * fake_disk.h - storaged/disk.h in memory, for tests of what stands on it: it counts, and fails when told.
 */
#pragma once

#include "storaged/disk.h"

/* The n-th operation from now (1: the next; 0: none) returns `result`, once. Operations are begin,
 * get, before, after, put, remove and commit. */
void fake_disk_fail_at(size_t n, int result);
/* Every transaction that puts more than this many keys ends DISK_E_FULL; 0: no limit. */
void fake_disk_limit_puts(size_t n);
size_t fake_disk_operations(void); /* since the disk was opened */
size_t fake_disk_commits(void);
