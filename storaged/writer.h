/*
 * writer.h - group commit: all writes that became ready in one turn of the loop are committed together
 * at its end.
 */
#pragma once

#include <stdbool.h>

#include "libipc/loop.h"
#include "storaged/commit.h"

struct writer {
        struct loop *loop; /* borrowed */
        struct list ready; /* struct write, each its owner's */
        struct loop_later commit;
        bool is_paused; /* what is ready stays so */
};

void writer_init(struct writer *w, struct loop *loop);
/* Forgets the writes that wait; their owners are not told. */
void writer_deinit(struct writer *w);

/* Between these two nothing is written; writes wait. */
void writer_pause(struct writer *w);
void writer_resume(struct writer *w);

/* The write is the writer's until its `done` has run, which is later, or until writer_drop. */
void writer_add(struct writer *w, struct write *write);
/* It never happens. Not from its own functions. */
void writer_drop(struct write *write);
