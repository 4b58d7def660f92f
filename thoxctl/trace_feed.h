/*
 * trace_feed.h - the tree's trace as lines: what `thoxctl trace` and `thoxctl run --trace` have in
 * common.
 */
#pragma once

#include <stdio.h>

#include "thoxctl/feed.h"

struct trace_feed {
        struct feed feed;
        uint32_t pid; /* 0: every process of that name */
        FILE *out;
};

/* Listens to what processes of this name do; NULL: all. 0, or an exit code after the failure was
 * reported. */
int trace_feed_open(struct trace_feed *t, struct invocation *inv, const char *name, FILE *out);
/* Shows an event of it; whether there was something to show. */
bool trace_feed_show(const struct trace_feed *t, const struct client_event *e);
