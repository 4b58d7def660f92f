/*
 * intake.h - changes of the three stores on their way to the writer: source is checked by runtimed
 * first.
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/service.h"
#include "storaged/data.h"
#include "storaged/store.h"
#include "storaged/writer.h"

struct intake {
        struct store *store;     /* borrowed */
        struct service *service; /* borrowed */
        struct writer *writer;   /* borrowed */
        struct data *data;       /* borrowed */
        struct list checking;    /* struct submission, owned: runtimed has the source */
};

/* The change is durable or has failed, see its result: answer the request. */
typedef void intake_done_fn(struct request *request, const struct store_change *change);

void intake_init(struct intake *in,
                 struct store *store,
                 struct service *service,
                 struct writer *writer,
                 struct data *data);
/* When the service has ended: forgets changes nobody can be told about. */
void intake_deinit(struct intake *in);

/* Answers the request in any case, later, by `done` or itself. What the change points to must live as
 * long as the request. */
void intake_add(struct intake *in,
                struct request *request,
                const struct store_change *change,
                intake_done_fn *done);
