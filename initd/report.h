/*
 * report.h - what is known of a program's end that nobody wanted: why, where, and what it had been
 * doing. The newest LIMIT_REPORTS are kept, LIMIT_REPORTS_PER_FAMILY of what bears one family's name,
 * for `thoxctl status NAME`. Each is also pushed to whoever of uid 0 listens to the queue `reports` of
 * the native context, with the program's name as key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"

struct process;
struct record;

/* Embedded in struct initd. */
struct reports {
        struct list all; /* struct report, newest first */
        size_t n;
};

#define REPORTS_QUEUE "reports"

void reports_init(struct reports *r);
void reports_deinit(struct reports *r);

/* An instance of `p` ended, as its obituary says. Without memory there is no report. */
void reports_add(struct reports *r, const struct process *p);
/* The reports of `name`, or of `pid` when that is not 0, as {{...}, ...}, newest first. */
void reports_write(
        const struct reports *r, uint32_t pid, const void *name, size_t len, struct record *out);
