/*
 * sample.h - the tree and its processes at one moment, and what happened since the moment before.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "thoxctl/command.h"

/* Zero-initialise; released by sample_deinit. */
struct sample {
        json_t *tree;      /* of tree.status, with "calls_per_second" and "cpu_percent" of all */
        json_t *processes; /* rows of process.list, each with the same two */
        uint64_t taken_us;
};

/* Asks the tree. `before` may be empty: then there is nothing to compare with and both are 0. Returns 0
 * or an exit code after the failure was reported; *ret is untouched then. */
int sample_take(struct invocation *inv, const struct sample *before, struct sample *ret);
void sample_deinit(struct sample *s);
