/*
 * tree.h - a whole tree of real processes in a directory of its own, started from the build
 * directory (THOX_BUILD). Nothing it starts outlives the test, even when the test crashes.
 *
 *     struct tree t;  tree_start(&t, NULL);  ...  tree_stop(&t);
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tests/helper/peer.h"

#define TREE_ARGS_MAX 12

/* Set `boot` or `dir` before tree_start to replace the defaults. */
struct tree {
        char dir[128];
        char boot[256];
        char socket[160];
        char log[160]; /* initd's and everybody's stderr */
        pid_t pid;
};

/* A directory and the paths in it; tree_start and tree_try do it where it has not been done. */
void tree_prepare(struct tree *t);
/* Starts initd with the arguments (NULL-terminated, or NULL) and waits until it is ready. */
void tree_start(struct tree *t, const char *const *args);
/* SIGTERM, then everything tree_check_end asserts, with exit status 0; removes the directory. */
void tree_stop(struct tree *t);
/* Runs initd to its end and returns its exit status; for trees that do not come up. The log stays. */
int tree_try(struct tree *t, const char *const *args);

/* The end comes by itself: returns the exit status, and asserts that no process, no socket, no lock
 * and no sanitizer's word is left. */
int tree_wait(struct tree *t);
void tree_remove(struct tree *t);
/* The log contains `text`. */
void tree_expect_log(const struct tree *t, const char *text);
