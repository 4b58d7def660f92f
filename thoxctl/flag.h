/*
 * flag.h - every flag of thoxctl in one table, and how its value is read into the invocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "thoxctl/command.h"

enum flag_kind {
        FLAG_KIND_SWITCH,   /* bool */
        FLAG_KIND_USER,     /* wants_system = 0 */
        FLAG_KIND_SYSTEM,   /* wants_system = 1 */
        FLAG_KIND_COLOR,    /* applied to the output at once */
        FLAG_KIND_TEXT,     /* const char * */
        FLAG_KIND_RESTART,  /* const char *, one of its words */
        FLAG_KIND_NUMBER,   /* uint64_t */
        FLAG_KIND_DURATION, /* uint64_t, microseconds */
        FLAG_KIND_SIZE,     /* uint64_t, bytes */
        _FLAG_KIND_N,
};

struct flag {
        const char *name;
        char letter;       /* 0: long only */
        bool is_global;    /* every verb takes it */
        const char *value; /* NULL: none */
        const char *summary;
        enum flag_kind kind;
        size_t offset; /* in struct invocation */
};

extern const struct flag FLAGS[];
extern const size_t N_FLAGS;

/* What `command` (NULL: only the global ones) accepts, its own first; a global flag of the same name
 * as one of its own gives way. Returns how many. */
size_t flag_list(const struct command *command, const struct flag **ret, size_t max);
/* Stores `value`; an exit code after a bad one was reported. */
int flag_apply(struct invocation *inv, const struct flag *flag, const char *value);
