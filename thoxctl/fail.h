/*
 * fail.h - the one style of error: what, why, fix, code; on stderr, as text or (--json) as a
 * document.
 *
 *     thoxctl: cannot kill 'bot': no such process
 *       why:  nothing of that name or pid runs in this tree
 *       fix:  thoxctl ps
 *       code: noproc   (thoxctl help noproc)
 *
 * Every reported failure is also an exit code: a command ends with `return fail(...)`.
 */
#pragma once

#include "libipc/base/macros.h"
#include "thoxctl/output.h"

/* Exit codes are contract: docs/man/thoxctl.1. */
enum exit_code {
        EXIT_CODE_OK = 0,
        EXIT_CODE_FAILED = 1,
        EXIT_CODE_USAGE = 2,
        EXIT_CODE_DENIED = 4,
        EXIT_CODE_NOT_FOUND = 5,
        EXIT_CODE_TIMEOUT = 8,
        EXIT_CODE_UNREACHABLE = 69,
        EXIT_CODE_SIGNAL = 128, /* plus its number */
};

struct failure {
        int exit_code;
        const char *code; /* a topic of `thoxctl help` */
        const char *why;  /* NULL: the first line says it all; may have several lines */
        size_t why_len;   /* 0: `why` ends with a NUL */
        const char *fix;  /* NULL when there is nothing to advise */
};

/* Reports and returns failure.exit_code. */
int fail(const struct output *o, struct failure failure, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* -errno as a failure of the local system. */
int fail_errno(const struct output *o, int r, const char *fmt, ...) PRINTF_LIKE(3, 4);
