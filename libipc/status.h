/*
 * status.h - what a peer is told. Never a C function's return value.
 *
 * Numbers are stable: they are on the wire, in os.status, in scripts. 64 and above belong to
 * endpoints.
 */
#pragma once

#include <stdint.h>

enum thox_status {
        STATUS_OK = 0,
        STATUS_ERROR = 1,    /* the handler raised; value 1 is its message */
        STATUS_NOTBOUND = 2, /* nobody serves this name in this context */
        STATUS_BADCTX = 3,   /* no such handle in the calling process */
        STATUS_DENIED = 4,   /* the context does not grant this */
        STATUS_BADARGS = 5,
        STATUS_BUSY = 6,      /* a limit on calls in flight; try again */
        STATUS_CANCELLED = 7, /* the caller withdrew */
        STATUS_DEAD = 8,      /* whoever should have answered is gone */
        STATUS_TIMEOUT = 9,
        STATUS_INCOMPAT = 10, /* descriptors do not fit */
        STATUS_NOTFOUND = 11,
        STATUS_EXISTS = 12,
        STATUS_LIMIT = 13,    /* a limit on something kept; message names it and its value */
        STATUS_CONFLICT = 14, /* the expected version is not the current one */
        STATUS_BADCID = 15,
        STATUS_NOPROC = 16,
        STATUS_BADCODE = 17, /* source does not compile; message has file and line */
        STATUS_AGAIN = 18,
        STATUS_UNAVAIL = 19, /* a needed daemon is down */
        STATUS_PROTO = 20,
        _STATUS_N,
};

/* "OK", "NOTBOUND", ...; "STATUS-77" style text for others (rotating static buffer). */
const char *status_name(uint32_t status);
/* One sentence for people. */
const char *status_text(uint32_t status);
/* thoxctl's exit code for it: 0, 1, 4 DENIED, 5 NOTFOUND NOTBOUND NOPROC, 8 TIMEOUT, 69 UNAVAIL. */
int status_exit_code(uint32_t status);

/* How a process ended. */
enum exit_reason {
        EXIT_REASON_EXIT = 0,     /* returned or os.exit */
        EXIT_REASON_ERROR = 1,    /* uncaught Lua error */
        EXIT_REASON_KILLED = 2,   /* os.kill, thoxctl kill, shutdown */
        EXIT_REASON_MEMORY = 3,   /* memory limit */
        EXIT_REASON_SIGNAL = 4,   /* died by a signal nobody here sent */
        EXIT_REASON_PROTOCOL = 5, /* sent something malformed */
        EXIT_REASON_RUNTIME = 6,  /* a runtime's set-up failed; the program never started */
        EXIT_REASON_HUNG = 7,     /* stopped reading */
        EXIT_REASON_CPU = 8,      /* limit of CPU time in one turn */
        _EXIT_REASON_N,
};
/* What a worker's process ends with that cannot say more: above LIMIT_EXIT_STATUS. */
#define WORKER_EXIT_CPU 124

const char *exit_reason_name(uint32_t reason);

/* Why the owner of a context got Closed. */
enum close_reason {
        CLOSE_REASON_CLOSE = 0,
        CLOSE_REASON_EXIT = 1,
        CLOSE_REASON_KILLED = 2,
        CLOSE_REASON_REVOKED = 3,
        _CLOSE_REASON_N,
};
const char *close_reason_name(uint32_t reason);
