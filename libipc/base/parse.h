/*
 * parse.h - text to numbers. All return 0 or -EINVAL / -ERANGE and leave the result untouched then.
 */
#pragma once

#include <stdint.h>

int parse_u64(const char *text, uint64_t max, uint64_t *ret);
/* "64M", "1.5G", "4096": powers of 1024, suffixes B K M G T. */
int parse_size(const char *text, uint64_t *ret_bytes);
/* "250ms", "1.5s", "2m", "1h", plain number = seconds. */
int parse_duration(const char *text, uint64_t *ret_us);
