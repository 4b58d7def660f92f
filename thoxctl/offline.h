/*
 * offline.h - work on a store that no tree uses: thox-storaged does it, in our place.
 */
#pragma once

#include "thoxctl/command.h"

/* Runs `thox-storaged --store DIR option [value]`; comes back only, with an exit code, after a failure
 * that was reported. */
int offline_run(const struct invocation *inv, const char *option, const char *value);
