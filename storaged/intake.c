/*
 * intake.c - see intake.h.
 *
 *   intake_add --> checking --submission_on_checked--> the writer's --> done
 *        \______________________________________________/
 *          delete, rollback: checked when set
 *
 * Invariant: a submission without a request was cancelled. It waits in `checking` for runtimed's answer
 * and never reaches the writer.
 */
#include "storaged/intake.h"

#include <stdlib.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/release.h"

struct submission {
        struct write write;
        struct list link; /* in intake.checking */
        struct intake *intake;
        struct store_change change;
        struct request *request;
        intake_done_fn *done;
};

static struct submission *submission_of(struct write *write) {
        return container_of(write, struct submission, write);
}

static void submission_free(struct submission *s) {
        list_remove(&s->link);
        writer_drop(&s->write);
        free(s);
}

static int submission_apply(struct write *write) {
        struct submission *s = submission_of(write);
        return release_apply(s->intake->store, &s->change);
}

/* Whoever watches the program's data learns that it is other data. */
static void submission_wake(const struct submission *s) {
        const struct store_name *program = &s->change.name;
        char name[LIMIT_NAME_BYTES];
        size_t len = release_object_name(name, program->bytes, program->len);
        struct object *o = data_find(s->intake->data, DATA_KIND_PERSISTENT, name, len);

        if (o)
                data_wake(o);
}

static void submission_on_written(struct write *write, int r) {
        struct submission *s = submission_of(write);

        if (r != DISK_OK)
                s->change.result = store_fold(r);
        if (s->change.result == STORE_OK && (s->change.with_data || s->change.package.max_keys > 0))
                submission_wake(s);
        s->done(s->request, &s->change);
        submission_free(s);
}

static void submission_on_cancel(struct request *request) {
        struct submission *s = request->userdata;

        if (list_is_empty(&s->link))
                submission_free(s);
        else
                s->request = NULL;
}

static void submission_write(struct submission *s) {
        list_remove(&s->link);
        s->change.time_us = clock_wall_us();
        writer_add(s->intake->writer, &s->write);
}

/* runtimed's refusal, in its own words. */
static void submission_refuse(struct submission *s,
                              enum thox_status status,
                              struct value_reader *values) {
        const uint8_t *text = NULL;
        size_t len = 0;

        if (status == STATUS_NOTBOUND || status == STATUS_UNAVAIL || status == STATUS_DEAD) {
                request_fail(s->request, STATUS_UNAVAIL,
                             "runtimed, which checks source before it is stored, is not running: "
                             "nothing was stored; try again in a moment");
                return;
        }
        value_get_bytes_opt(values, &text, &len);
        request_fail(s->request, status, "%.*s", (int)len, text ? (const char *)text : "");
}

static void submission_on_checked(struct service *service UNUSED,
                                  void *userdata,
                                  enum thox_status status,
                                  struct value_reader *values) {
        struct submission *s = userdata;

        if (s->request && status == STATUS_OK) {
                submission_write(s);
                return;
        }
        if (s->request)
                submission_refuse(s, status, values);
        submission_free(s);
}

static int submission_check(struct submission *s) {
        const struct store_change *c = &s->change;
        struct service *service = s->intake->service;
        struct buf values;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = value_put_text(&values, store_kind_name(c->name.kind));
        if (r == 0)
                r = value_put_bytes(&values, c->name.bytes, c->name.len);
        if (r == 0)
                r = value_put_bytes(&values, c->content.data, c->content.len);
        if (r == 0)
                r = service_call(service, "code.check", &values, submission_on_checked, s);
        buf_deinit(&values);
        return error_fold(r);
}

void intake_add(struct intake *in,
                struct request *request,
                const struct store_change *change,
                intake_done_fn *done) {
        struct submission *s = calloc(1, sizeof(*s));
        if (!s) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        *s = (struct submission){
                .write = { .disk = in->store->disk,
                           .apply = submission_apply,
                           .done = submission_on_written },
                .intake = in,
                .change = *change,
                .request = request,
                .done = done,
        };
        list_init(&s->write.link);
        list_init(&s->link);
        list_add_tail(&in->checking, &s->link);
        request->userdata = s;
        request->on_cancel = submission_on_cancel;

        if (change->action != STORE_ACTION_SET) {
                submission_write(s);
        } else if (submission_check(s) < 0) {
                log_warn("source could not be sent to runtimed, refusing it error=%s",
                         error_describe());
                request_fail(request, STATUS_ERROR,
                             "cannot ask runtimed to check the source: nothing was stored; try "
                             "again");
                submission_free(s);
        }
}

void intake_init(struct intake *in,
                 struct store *store,
                 struct service *service,
                 struct writer *writer,
                 struct data *data) {
        *in = (struct intake){ .store = store, .service = service, .writer = writer, .data = data };
        list_init(&in->checking);
}

void intake_deinit(struct intake *in) {
        while (!list_is_empty(&in->checking))
                submission_free(container_of(in->checking.next, struct submission, link));
}
