/*
 * refusal.c - see refusal.h.
 */
#include "storaged/refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "libipc/base/error.h"

int refusal_new(char **ret_reason, const char *fmt, ...) {
        va_list args;
        int r;

        va_start(args, fmt);
        r = vasprintf(ret_reason, fmt, args);
        va_end(args);
        return r < 0 ? error_origin(ENOMEM) : REFUSAL;
}
