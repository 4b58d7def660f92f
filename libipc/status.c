/*
 * status.c - names and sentences of what a peer is told.
 */
#include "libipc/status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/macros.h"

#define STATUS_UNKNOWN_BUFFERS 4u

static const struct status_row {
        const char *name, *text;
        int exit_code;
} status_rows[] = {
        [STATUS_OK] = { "OK", "done", 0 },
        [STATUS_ERROR] = { "ERROR", "the handler raised an error", 1 },
        [STATUS_NOTBOUND] = { "NOTBOUND", "nobody serves this name in this context", 5 },
        [STATUS_BADCTX] = { "BADCTX", "the calling process has no such handle", 1 },
        [STATUS_DENIED] = { "DENIED", "the context does not grant this", 4 },
        [STATUS_BADARGS] = { "BADARGS", "the arguments do not fit the endpoint", 1 },
        [STATUS_BUSY] = { "BUSY", "too many calls are in flight; try again", 1 },
        [STATUS_CANCELLED] = { "CANCELLED", "the caller withdrew the call", 1 },
        [STATUS_DEAD] = { "DEAD", "the process that should have answered is gone", 1 },
        [STATUS_TIMEOUT] = { "TIMEOUT", "no answer came in time", 8 },
        [STATUS_INCOMPAT] = { "INCOMPAT", "the two descriptions do not fit each other", 1 },
        [STATUS_NOTFOUND] = { "NOTFOUND", "there is no such thing", 5 },
        [STATUS_EXISTS] = { "EXISTS", "it exists already", 1 },
        [STATUS_LIMIT] = { "LIMIT", "a limit would be exceeded", 1 },
        [STATUS_CONFLICT] = { "CONFLICT", "the expected version is not the current one", 1 },
        [STATUS_BADCID] = { "BADCID", "no such call is in progress", 1 },
        [STATUS_NOPROC] = { "NOPROC", "there is no such process", 5 },
        [STATUS_BADCODE] = { "BADCODE", "the source has a mistake", 1 },
        [STATUS_AGAIN] = { "AGAIN", "not possible now; try again", 1 },
        [STATUS_UNAVAIL] = { "UNAVAIL", "a daemon that is needed is down", 69 },
        [STATUS_PROTO] = { "PROTO", "the peer does not keep to the protocol", 1 },
};
static_assert(ARRAY_SIZE(status_rows) == _STATUS_N, "one row per status");

static const char *const exit_reason_names[] = {
        [EXIT_REASON_EXIT] = "exit",       [EXIT_REASON_ERROR] = "error",
        [EXIT_REASON_KILLED] = "killed",   [EXIT_REASON_MEMORY] = "memory",
        [EXIT_REASON_SIGNAL] = "signal",   [EXIT_REASON_PROTOCOL] = "protocol",
        [EXIT_REASON_RUNTIME] = "runtime", [EXIT_REASON_HUNG] = "hung",
        [EXIT_REASON_CPU] = "cpu",
};
static_assert(ARRAY_SIZE(exit_reason_names) == _EXIT_REASON_N, "one name per reason");

static const char *const close_reason_names[] = {
        [CLOSE_REASON_CLOSE] = "close",
        [CLOSE_REASON_EXIT] = "exit",
        [CLOSE_REASON_KILLED] = "killed",
        [CLOSE_REASON_REVOKED] = "revoked",
};
static_assert(ARRAY_SIZE(close_reason_names) == _CLOSE_REASON_N, "one name per reason");

const char *status_name(uint32_t status) {
        static _Thread_local char unknown[STATUS_UNKNOWN_BUFFERS][sizeof("STATUS-4294967295")];
        static _Thread_local size_t next;
        char *text;

        if (status < _STATUS_N)
                return status_rows[status].name;

        text = unknown[next++ % STATUS_UNKNOWN_BUFFERS];
        snprintf(text, sizeof(unknown[0]), "STATUS-%u", status);
        return text;
}

const char *status_text(uint32_t status) {
        return status < _STATUS_N ? status_rows[status].text : "a status of the endpoint's own";
}

int status_exit_code(uint32_t status) {
        return status < _STATUS_N ? status_rows[status].exit_code : 1;
}

const char *exit_reason_name(uint32_t reason) {
        return reason < _EXIT_REASON_N ? exit_reason_names[reason] : "unknown";
}

const char *close_reason_name(uint32_t reason) {
        return reason < _CLOSE_REASON_N ? close_reason_names[reason] : "unknown";
}
