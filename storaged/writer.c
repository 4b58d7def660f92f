/*
 * writer.c - check, collect, commit, answer.
 *
 *   writer_add --> checking --write_on_checked--> ready --writer_commit--> done
 *        \______________________________________/
 *          delete, rollback: checked when set
 *
 * Invariant: a write without a request was cancelled. It waits in `checking` for runtimed's answer and
 * never reaches the store.
 */
#include "storaged/writer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"

struct write {
        struct store_change change; /* change.link: in writer.checking or writer.ready */
        struct writer *writer;
        struct request *request;
        writer_done_fn *done;
};

static struct write *write_of(struct list *node) {
        return container_of(node, struct write, change.link);
}

static void write_free(struct write *write) {
        list_remove(&write->change.link);
        free(write);
}

static void write_on_cancel(struct request *request) {
        write_of(&((struct write *)request->userdata)->change.link)->request = NULL;
}

static void write_set_ready(struct write *write) {
        struct writer *w = write->writer;

        list_remove(&write->change.link);
        list_add_tail(&w->ready, &write->change.link);
        loop_later_add(w->service->loop, &w->commit);
}

/* runtimed's refusal, in its own words. */
static void write_refuse(struct write *write,
                         enum thox_status status,
                         struct value_reader *values) {
        const uint8_t *text = NULL;
        size_t len = 0;

        if (status == STATUS_NOTBOUND || status == STATUS_UNAVAIL || status == STATUS_DEAD) {
                request_fail(write->request, STATUS_UNAVAIL,
                             "runtimed, which checks source before it is stored, is not running: "
                             "nothing was stored; try again in a moment");
                return;
        }
        value_get_bytes_opt(values, &text, &len);
        request_fail(write->request, status, "%.*s", (int)len, text ? (const char *)text : "");
}

static void write_on_checked(struct service *s UNUSED,
                             void *userdata,
                             enum thox_status status,
                             struct value_reader *values) {
        struct write *write = userdata;

        if (write->request && status == STATUS_OK) {
                write_set_ready(write);
                return;
        }
        if (write->request)
                write_refuse(write, status, values);
        write_free(write);
}

static int write_check(struct write *write) {
        const struct store_change *c = &write->change;
        struct service *service = write->writer->service;
        struct buf values;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = value_put_text(&values, store_kind_name(c->name.kind));
        if (r == 0)
                r = value_put_bytes(&values, c->name.bytes, c->name.len);
        if (r == 0)
                r = value_put_bytes(&values, c->content.data, c->content.len);
        if (r == 0)
                r = service_call(service, "code.check", &values, write_on_checked, write);
        buf_deinit(&values);
        return error_fold(r);
}

void writer_add(struct writer *w,
                struct request *request,
                const struct store_change *change,
                writer_done_fn *done) {
        struct write *write = calloc(1, sizeof(*write));
        if (!write) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        *write = (struct write){
                .change = *change,
                .writer = w,
                .request = request,
                .done = done,
        };
        request->userdata = write;
        request->on_cancel = write_on_cancel;
        list_add_tail(&w->checking, &write->change.link);

        if (change->action != STORE_ACTION_SET) {
                write_set_ready(write);
        } else if (write_check(write) < 0) {
                log_warn("source could not be sent to runtimed, refusing it error=%s",
                         error_describe());
                request_fail(request, STATUS_ERROR,
                             "cannot ask runtimed to check the source: nothing was stored; try "
                             "again");
                write_free(write);
        }
}

static int writer_commit(struct loop_later *later) {
        struct writer *w = container_of(later, struct writer, commit);
        uint64_t now = clock_wall_us();

        if (w->is_paused)
                return 0;
        list_for_each_safe(node, &w->ready) {
                write_of(node)->change.time_us = now;
                if (!write_of(node)->request)
                        write_free(write_of(node));
        }
        store_commit(w->store, &w->ready);
        while (!list_is_empty(&w->ready)) {
                struct write *write = write_of(w->ready.next);

                write->done(write->request, &write->change);
                write_free(write);
        }
        return 0;
}

void writer_pause(struct writer *w) {
        w->is_paused = true;
}

void writer_resume(struct writer *w) {
        w->is_paused = false;
        loop_later_add(w->service->loop, &w->commit);
}

void writer_init(struct writer *w, struct store *store, struct service *service) {
        *w = (struct writer){ .store = store, .service = service };
        list_init(&w->checking);
        list_init(&w->ready);
        loop_later_init(&w->commit, writer_commit);
}

void writer_deinit(struct writer *w) {
        loop_later_cancel(&w->commit);
        while (!list_is_empty(&w->checking))
                write_free(write_of(w->checking.next));
        while (!list_is_empty(&w->ready))
                write_free(write_of(w->ready.next));
}
