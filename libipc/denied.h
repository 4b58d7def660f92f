/*
 * denied.h - what programs that are no administrator's may not call: `thoxctl run` without --admin and
 * init's services without `admin` get a context that denies these names and forwards all others.
 */
#pragma once

#include <stddef.h>

extern const char *const denied_names[]; /* patterns of name.h */
extern const size_t denied_n_names;
