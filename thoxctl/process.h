/*
 * process.h - processes as people name them: by name or by pid.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "thoxctl/command.h"

/* Those of process.list's `rows` whose pid or name is `wanted`; a new array. A pid wins over a program
 * that is called like one. */
json_t *process_select(const json_t *rows, const char *wanted);
/* The pid of the one that `wanted` names. 0, or an exit code: "cannot `verb` 'wanted': ...". */
int process_find(struct invocation *inv, const char *wanted, const char *verb, uint64_t *ret_pid);
