/*
 * family.h - a program that a client or init has run, and whatever it runs, directly or not, also when
 * those in between have ended. Its processes are counted and its log lines rationed together, so that
 * multiplying gains nothing; and it can be ended as a whole.
 *
 * A process that is run with the property `processes` begins a family of its own within its parent's, which
 * counts in both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/journal.h"
#include "libipc/base/list.h"
#include "libipc/limits.h"

struct family {
        struct family *outer; /* reference; NULL: none */
        unsigned n_refs;
        size_t n_processes, limit; /* also those of families within it */
        bool is_ending;            /* nobody may join it any more */
        uint32_t pid;              /* who began it */
        char name[LIMIT_NAME_BYTES + 1];
        struct list kill_calls;       /* they wait for the end of all */
        struct journal_ration ration; /* of the outermost alone */
};

/* One reference for the caller; takes one of `outer` for itself. 0 or -errno. */
int family_new(
        struct family **ret, struct family *outer, size_t limit, uint32_t pid, const char *name);
struct family *family_ref(struct family *f);
struct family *family_unref(struct family *f);

/* A process joins it, or leaves; when the last one has left, those who wait for that are answered. */
void family_join(struct family *f);
void family_leave(struct family *f);
/* Which of it and those around it has no room or is ending; NULL: one more may join. */
const struct family *family_find_closed(const struct family *f);
/* Whether `f` is `outer` or within it. */
bool family_is_within(const struct family *f, const struct family *outer);
struct family *family_outermost(struct family *f);
struct journal_ration *family_ration(struct family *f);
