/*
 * refusal.h - why something cannot be used, as one sentence for people that also says what to do.
 */
#pragma once

#include "libipc/base/macros.h"

#define REFUSAL 1 /* what disk.h, directory.h and storaged.h call E_REFUSED */

/* *ret_reason is malloc'd. Returns REFUSAL, or < 0 without memory for it. */
int refusal_new(char **ret_reason, const char *fmt, ...) PRINTF_LIKE(2, 3);
