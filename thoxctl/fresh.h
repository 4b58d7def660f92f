/*
 * fresh.h - a file that others write for us: it appears whole under its name, or not at all.
 */
#pragma once

#include "thoxctl/command.h"

struct fresh {
        const char *path; /* what it will be called; borrowed */
        char *temporary;  /* what it is called until then: path.tmp */
        int fd;           /* an empty file */
};

/* An existing file is refused unless --force. 0, or an exit code after the failure was reported;
 * fresh_deinit is due in either case. */
int fresh_init(struct fresh *f, const struct invocation *inv, const char *path);
/* Gives it its name, durably. As above. */
int fresh_commit(struct fresh *f, const struct invocation *inv);
/* What was not committed is gone. */
void fresh_deinit(struct fresh *f);
