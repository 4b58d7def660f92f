/*
 * report.h - the ends of a program that nobody wanted, as initd keeps them (process.reports).
 */
#pragma once

#include <jansson.h>

#include "thoxctl/command.h"

/* Those of what `wanted` names, a name or a pid, newest first; a new array. 0, or an exit code. */
int report_list(struct invocation *inv, const char *wanted, json_t **ret_reports);
/* The newest one in full. */
void report_show(const struct output *o, const json_t *reports);
