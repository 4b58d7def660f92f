/*
 * job.h - a child at work while the loop goes on. One at a time: what they do takes the whole disk.
 */
#pragma once

#include <stdbool.h>

#include "libipc/loop.h"
#include "storaged/child.h"

struct job;

/* The child has ended; another job may be started. `end` is NULL when that cannot be known. */
typedef void job_done_fn(struct job *job, const struct child_end *end);

struct job {
        struct loop *loop; /* borrowed */
        const char *what;  /* "a backup"; NULL: none is running */
        struct child child;
        struct loop_io io;
        job_done_fn *done;
};

void job_init(struct job *job, struct loop *loop);
/* Ends a running one; `done` is not called. */
void job_deinit(struct job *job);

static inline bool job_is_running(const struct job *job) {
        return job->what;
}
/* None may be running. 0 or -errno; after 0 `done` runs once, never inside this function. */
int job_start(struct job *job,
              const char *what,
              child_fn *work,
              const void *userdata,
              int keep_fd,
              job_done_fn *done);
/* The child of one that is running ends at once; `done` hears of it. */
void job_kill(struct job *job);
