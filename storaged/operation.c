/*
 * operation.c - see operation.h. The life of one:
 *
 *   operation_start --> the child works --> on_..._done --> answered
 *                             \__ request cancelled: the child is killed
 *
 * Invariant: the writer is paused exactly while a compaction is at work, because what is written then
 * would not be in the new file.
 */
#include "storaged/operation.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/answer.h"
#include "storaged/storaged.h"

static struct operation *operation_of(const struct request *request) {
        return &((struct storaged *)request->service->userdata)->operation;
}

static struct operation *operation_of_job(struct job *job) {
        return container_of(job, struct operation, job);
}

/*
 * What all have in common.
 */

static void on_cancel(struct request *request) {
        struct operation *o = request->userdata;

        o->request = NULL;
        job_kill(&o->job);
}

/* Whether this request may start one now; else it has been answered. */
static bool may_start(struct operation *o, struct request *request) {
        if (request->context)
                request_fail(request, STATUS_DENIED, "a delegated context cannot do this");
        else if (!value_is_done(&request->args))
                request_fail_usage(request);
        else if (job_is_running(&o->job))
                request_fail(request, STATUS_BUSY, "%s is going on: try again when it has ended",
                             o->job.what);
        else
                return true;
        return false;
}

static bool operation_start(struct operation *o,
                            struct request *request,
                            const char *what,
                            child_fn *work,
                            const void *userdata,
                            job_done_fn *done) {
        int r = job_start(&o->job, what, work, userdata, request->fd, done);
        if (r < 0) {
                log_error("%s could not be started error=%s at=%s", what, strerror(-r),
                          error_describe());
                request_fail(request, STATUS_ERROR, "%s could not be started: %s; try again", what,
                             strerror(-r));
                return false;
        }
        o->request = request;
        request->userdata = o;
        request->on_cancel = on_cancel;
        return true;
}

/* The request that waits, or NULL. A reader that was killed still holds what it read. */
static struct request *operation_end(struct operation *o) {
        disk_forget_readers(o->disk);
        return take(o->request);
}

/*
 * The check.
 */

static void note_damage(struct operation *o, const char *how) {
        snprintf(o->damage, sizeof(o->damage), "%s", how);
        log_error("the store is damaged path=%s how=%s", disk_path(o->disk), how);
}

static int put_check(const struct operation *o, struct buf *values) {
        int r = value_put_map(values, 3);
        if (r == 0)
                r = answer_time(values, "time", o->checked_us);
        if (r == 0)
                r = answer_boolean(values, "sound", !*o->damage);
        return r < 0 ? r : answer_text(values, "damage", o->damage);
}

static void on_check_done(struct job *job, const struct child_end *end) {
        struct operation *o = operation_of_job(job);
        struct request *request = operation_end(o);
        char how[CHECK_TEXT_BYTES];
        struct buf values;

        if (!request)
                return;
        if (!end) {
                request_fail(request, STATUS_ERROR, "the check was lost: try again");
                return;
        }
        o->checked_us = clock_wall_us();
        *o->damage = '\0';
        if (!check_is_sound(end, how))
                note_damage(o, how);
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        answer_send(request, put_check(o, &values), &values);
}

void operation_check(struct request *request) {
        struct operation *o = operation_of(request);

        if (!may_start(o, request))
                return;
        o->check = (struct check){ .path = disk_path(o->disk), .is_shared = true };
        operation_start(o, request, "a check", check_work, &o->check, on_check_done);
}

/*
 * Copies.
 */

/* `what`: "the backup", with nothing of it done. */
static void fail_copy(struct operation *o,
                      struct request *request,
                      const char *what,
                      const struct child_end *end) {
        char how[COPY_TEXT_BYTES] = "its process was lost";
        enum copy_error r = end ? copy_result(end, how) : COPY_E_OTHER;

        if (r == COPY_E_DAMAGED)
                note_damage(o, how);
        if (!request)
                return;
        if (r == COPY_E_FULL)
                request_fail(request, STATUS_LIMIT,
                             "no space left for %s (%s); the store is as it was", what, how);
        else if (r == COPY_E_DAMAGED)
                request_fail(request, STATUS_ERROR,
                             "the store %s/data.mdb is damaged (%s): stop the tree and restore a "
                             "backup",
                             disk_path(o->disk), how);
        else
                request_fail(request, STATUS_ERROR, "%s failed: %s; the store is as it was", what,
                             how);
}

static bool fd_is_empty_file(int fd) {
        struct stat st;
        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static uint64_t fd_size(int fd) {
        struct stat st;
        return fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void on_backup_done(struct job *job, const struct child_end *end) {
        struct operation *o = operation_of_job(job);
        struct request *request = operation_end(o);
        char how[COPY_TEXT_BYTES];
        struct buf values;

        if (!end || copy_result(end, how) != COPY_OK) {
                /* A child that we killed ourselves has no story to tell. */
                if (request)
                        fail_copy(o, request, "the backup", end);
                return;
        }
        if (!request)
                return;
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        answer_send(request, value_put_integer(&values, (int64_t)fd_size(request->fd)), &values);
}

void operation_backup(struct request *request) {
        struct operation *o = operation_of(request);

        if (!may_start(o, request))
                return;
        if (!fd_is_empty_file(request->fd)) {
                request_fail_usage(request);
                return;
        }
        o->copy = (struct copy){ .from = disk_path(o->disk), .fd = request->fd };
        operation_start(o, request, "a backup", copy_work, &o->copy, on_backup_done);
}

static int store_stat(struct operation *o, struct disk_stat *ret) {
        int r = disk_begin(o->disk, false);
        if (r == DISK_OK)
                r = disk_stat(o->disk, ret);
        disk_end(o->disk);
        return error_fold(r);
}

static uint64_t store_size(struct operation *o) {
        struct disk_stat stat;
        return store_stat(o, &stat) == 0 ? stat.file_bytes : 0;
}

static void compact_finish(struct operation *o, struct request *request) {
        struct buf values;
        int r = disk_swap(o->disk);

        writer_resume(o->writer);
        if (r < 0) {
                log_error("the smaller store could not be put in place error=%s at=%s",
                          strerror(-r), error_describe());
                request_fail(request, STATUS_ERROR,
                             "the smaller store could not be put in place of %s: %s; nothing is "
                             "lost; see the log (thoxctl logs storaged)",
                             disk_path(o->disk), strerror(-r));
                return;
        }
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = value_put_integer(&values, (int64_t)o->size_before);
        if (r == 0)
                r = value_put_integer(&values, (int64_t)store_size(o));
        answer_send(request, r, &values);
}

static void on_compact_done(struct job *job, const struct child_end *end) {
        struct operation *o = operation_of_job(job);
        struct request *request = operation_end(o);
        char how[COPY_TEXT_BYTES];

        if (request && end && copy_result(end, how) == COPY_OK) {
                compact_finish(o, request);
                return;
        }
        if (request)
                fail_copy(o, request, "the smaller store", end);
        disk_drop_fresh(o->disk);
        writer_resume(o->writer);
}

void operation_compact(struct request *request) {
        struct operation *o = operation_of(request);
        const char *path;
        int r;

        if (!may_start(o, request))
                return;
        r = disk_begin_fresh(o->disk, &path);
        if (r < 0) {
                request_fail(request, STATUS_ERROR, "cannot make a new store beside %s: %s",
                             disk_path(o->disk), strerror(-r));
                return;
        }
        o->size_before = store_size(o);
        o->copy = (struct copy){ .from = disk_path(o->disk), .fd = -1, .to = path };
        if (operation_start(o, request, "a compaction", copy_work, &o->copy, on_compact_done))
                writer_pause(o->writer);
        else
                disk_drop_fresh(o->disk);
}

/*
 * Statistics.
 */

static int put_tables(const struct disk_stat *stat, struct buf *values) {
        int r = value_put_text(values, "tables");
        if (r == 0)
                r = value_put_array(values, ARRAY_SIZE(stat->tables));
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stat->tables); i++) {
                r = value_put_map(values, 3);
                if (r == 0)
                        r = answer_text(values, "name", stat->tables[i].name);
                if (r == 0)
                        r = answer_integer(values, "entries", stat->tables[i].n_entries);
                if (r == 0)
                        r = answer_integer(values, "size", stat->tables[i].bytes);
        }
        return r;
}

static int put_stats(const struct operation *o, const struct disk_stat *stat, struct buf *values) {
        int r = value_put_map(values, job_is_running(&o->job) ? 8 : 7);
        if (r == 0)
                r = answer_text(values, "path", disk_path(o->disk));
        if (r == 0)
                r = answer_integer(values, "size", stat->file_bytes);
        if (r == 0)
                r = answer_integer(values, "used", stat->used_bytes);
        if (r == 0)
                r = answer_integer(values, "free", stat->free_bytes);
        if (r == 0)
                r = answer_integer(values, "map", stat->map_bytes);
        if (r == 0)
                r = put_tables(stat, values);
        if (r == 0 && job_is_running(&o->job))
                r = answer_text(values, "operation", o->job.what);
        if (r == 0)
                r = value_put_text(values, "check");
        return r < 0 ? r : put_check(o, values);
}

void operation_stats(struct request *request) {
        struct operation *o = operation_of(request);
        struct disk_stat stat;
        struct buf values;
        int r;

        if (!value_is_done(&request->args)) {
                request_fail_usage(request);
                return;
        }
        r = store_stat(o, &stat);
        if (r < 0) {
                request_fail(request, STATUS_ERROR, "the store %s cannot be read: %s",
                             disk_path(o->disk), strerror(-r));
                return;
        }
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        answer_send(request, put_stats(o, &stat, &values), &values);
}

void operation_init(struct operation *o,
                    struct loop *loop,
                    struct disk *disk,
                    struct writer *writer) {
        *o = (struct operation){
                .disk = disk,
                .writer = writer,
                .checked_us = clock_wall_us(),
        };
        job_init(&o->job, loop);
}

void operation_deinit(struct operation *o) {
        job_deinit(&o->job);
}
