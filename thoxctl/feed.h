/*
 * feed.h - a queue of the native context as a stream of lines: listening, waiting, counting, until
 * enough has come, time is up, or nobody reads.
 */
#pragma once

#include <stdint.h>

#include "libipc/client.h"
#include "thoxctl/command.h"

#define FEED_MATCH_MAX 2u

struct feed {
        struct invocation *inv;
        const char *queue;
        const char *verb; /* of failures: "cannot `verb` 'QUEUE'" */
        const char *match[FEED_MATCH_MAX];
        size_t n_match;
        /* Writes one event; whether there was something to write. */
        bool (*show)(struct feed *feed, const struct client_event *e);
};

/* Listens. 0, or an exit code after the failure was reported. */
int feed_open(const struct feed *feed);
/* Shows inv->n_count events, or all that come. An exit code. */
int feed_run(struct feed *feed);

/* Reports a refusal: "cannot `verb` 'what'". */
int feed_refused(const struct invocation *inv,
                 const struct client_reply *reply,
                 const char *verb,
                 const char *what);

/* Appends a wall time as "12:34:56.789". */
int feed_put_time(struct buf *b, uint64_t wall_us);
