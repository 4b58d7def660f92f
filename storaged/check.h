/*
 * check.h - reads a store whole, in a child process: LMDB ends a process that comes upon damage.
 */
#pragma once

#include <stdbool.h>

#include "storaged/child.h"

#define CHECK_TEXT_BYTES 128

struct check {
        const char *path; /* of the directory that holds data.mdb */
        bool is_shared;   /* somebody, perhaps we, has it open */
};

/* The work, for child_start; `userdata` is a struct check. */
int check_work(const void *userdata);
/* What that end says: whether the store is sound, and if not, how that showed. */
bool check_is_sound(const struct child_end *end, char how[CHECK_TEXT_BYTES]);

/* Both, waiting for it. 0; > 0 damaged, with a few words in `how`; or < 0. */
int check_run(const struct check *check, char how[CHECK_TEXT_BYTES]);
