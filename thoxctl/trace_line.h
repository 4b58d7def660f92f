/*
 * trace_line.h - one record of the trace (docs/PROTOCOL.md, "Logs and the trace") as a line:
 *
 *     12:34:56.789  greeter[7]        -> fs.open('a.txt', 'r')  @5
 *     12:34:56.790  greeter[7]        <- fs.open = NOTFOUND 'no such file'  0.4 ms
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"

struct trace_line {
        const uint8_t *kind, *program, *name, *reason;
        size_t kind_len, program_len, name_len, reason_len;
        int64_t pid, caller, server, status, size;
        double time, duration;
        bool has_args;
        const uint8_t *args; /* the values, as a sequence */
        size_t args_len;
};

/* False: malformed, for which nobody but the process that is traced needs to be wrong. Points into
 * `values`. */
bool trace_line_parse(struct trace_line *ret, const void *values, size_t len);
/* Whether the process made the call, or answers it. */
bool trace_line_concerns(const struct trace_line *line, uint32_t pid);
/* Appends it without a newline. */
int trace_line_print(struct buf *out, const struct trace_line *line);
