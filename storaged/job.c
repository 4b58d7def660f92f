/*
 * job.c - see job.h.
 */
#include "storaged/job.h"

#include <assert.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

void job_init(struct job *job, struct loop *loop) {
        *job = (struct job){ .loop = loop };
}

static int job_on_end(struct loop_io *io, bool is_readable UNUSED, bool is_writable UNUSED) {
        struct job *job = container_of(io, struct job, io);
        struct child_end end;
        int r;

        loop_io_deinit(&job->io);
        r = child_wait(&job->child, &end);
        job->what = NULL;
        job->done(job, r < 0 ? NULL : &end);
        return 0;
}

static void job_abandon(struct job *job) {
        struct child_end end;

        child_kill(&job->child);
        (void)child_wait(&job->child, &end);
}

int job_start(struct job *job,
              const char *what,
              child_fn *work,
              const void *userdata,
              int keep_fd,
              job_done_fn *done) {
        int r;

        assert(!job_is_running(job));
        r = child_start(&job->child, work, userdata, keep_fd);
        if (r < 0)
                return error_trace(r);
        r = loop_io_init(&job->io, job->loop, job->child.pidfd, job_on_end);
        if (r < 0) {
                job_abandon(job);
                return error_trace(r);
        }
        job->what = what;
        job->done = done;
        return 0;
}

void job_kill(struct job *job) {
        if (job_is_running(job))
                child_kill(&job->child);
}

void job_deinit(struct job *job) {
        if (!job_is_running(job))
                return;
        loop_io_deinit(&job->io);
        job_abandon(job);
        job->what = NULL;
}
