/*
 * copy.h - a store written out anew, without its free pages, in a child process: for a backup, and to
 * make a store smaller. Writers go on meanwhile; the copy is what was committed when it began.
 */
#pragma once

#include "storaged/child.h"

#define COPY_TEXT_BYTES 160

struct copy {
        const char *from; /* path of the store */
        int fd; /* an empty file; -1: data.mdb in `to` is made, and read whole at the end */
        const char *to;
};

enum copy_error {
        COPY_OK = 0,
        COPY_E_FULL = 1,
        COPY_E_DAMAGED = 2,
        COPY_E_OTHER = 3,
};

/* The work, for child_start; `userdata` is a struct copy. The file is on the disk when it has ended. */
int copy_work(const void *userdata);
/* What that end says; anything but COPY_OK with a few words in `how`. */
enum copy_error copy_result(const struct child_end *end, char how[COPY_TEXT_BYTES]);
