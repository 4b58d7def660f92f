/*
 * writer.h - changes on their way into the store: source is first checked by runtimed, then all
 * changes that became ready in one turn of the loop share one transaction, then each is answered.
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/loop.h"
#include "libipc/service.h"
#include "storaged/store.h"

struct writer {
        struct store *store;     /* borrowed */
        struct service *service; /* borrowed */
        struct list checking;    /* struct write, owned: runtimed has the source */
        struct list ready;       /* struct write, owned: for the end of this turn */
        struct loop_later commit;
        bool is_paused; /* what is ready stays so */
};

/* The change is durable or has failed, see its result: answer the request. */
typedef void writer_done_fn(struct request *request, const struct store_change *change);

void writer_init(struct writer *w, struct store *store, struct service *service);
/* When the service has ended: forgets changes nobody can be told about. */
void writer_deinit(struct writer *w);

/* Between these two nothing is written; changes wait. */
void writer_pause(struct writer *w);
void writer_resume(struct writer *w);

/* Answers the request in any case, later, by `done` or itself. What the change points to must live as
 * long as the request. */
void writer_add(struct writer *w,
                struct request *request,
                const struct store_change *change,
                writer_done_fn *done);
