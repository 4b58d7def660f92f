/*
 * grant.c - see grant.h.
 */
#include "storaged/grant.h"

#include <stdlib.h>

#include "libipc/base/error.h"

static void grant_free(struct grant *g) {
        list_remove(&g->link);
        g->type->free(g);
}

static void grant_close(struct service *s, struct grant *g) {
        service_context_close(s, g->handle);
        grant_free(g);
}

static void grant_on_cancel(struct request *request) {
        ((struct grant *)request->userdata)->request = NULL;
}

static int grant_answer(struct grant *g, struct request *request) {
        struct wire_cap cap = { .handle = g->handle };
        struct buf values;
        int r;

        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = value_put_cap(&values, 0);
        if (r == 0 && g->type->put)
                r = g->type->put(g, &values);
        if (r == 0)
                request_answer_with(request, &values, NULL, 0, &cap, 1);
        buf_deinit(&values);
        return error_trace(r);
}

static void grant_on_context(struct service *s, void *context, uint32_t handle) {
        struct grant *g = context;
        struct request *request = take(g->request);

        g->handle = handle;
        if (handle == 0) {
                if (request)
                        request_fail(request, STATUS_LIMIT,
                                     "storaged can own no more contexts (limit %u): close a handle "
                                     "that it gave",
                                     LIMIT_CONTEXTS_OWNED_DAEMON);
                grant_free(g);
                return;
        }
        if (!request) {
                grant_close(s, g);
                return;
        }
        g->n_holders = 1;
        if (grant_answer(g, request) < 0) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                grant_close(s, g);
        }
}

void grant_open_take(struct list *grants, struct request *request, struct grant *g) {
        list_init(&g->link);
        if (request->is_oneway) {
                grant_free(g);
                request_fail(request, STATUS_BADARGS,
                             "a handle is the answer to a call that waits");
                return;
        }
        list_add_tail(grants, &g->link);
        g->request = request;
        request->userdata = g;
        request->on_cancel = grant_on_cancel;

        if (service_context_new(request->service, g->type->endpoints, g, grant_on_context) < 0) {
                request_fail(request, STATUS_ERROR,
                             "storaged cannot make a context now; try again");
                grant_free(g);
        }
}

void grant_on_opened(struct service *s UNUSED, void *context, uint32_t pid UNUSED) {
        ((struct grant *)context)->n_holders++;
}

void grant_on_closed(struct service *s, void *context, uint32_t pid UNUSED) {
        struct grant *g = context;

        if (g->n_holders > 0 && --g->n_holders == 0)
                grant_close(s, g);
}

void grant_free_all(struct list *grants) {
        while (!list_is_empty(grants))
                grant_free(container_of(grants->next, struct grant, link));
}
