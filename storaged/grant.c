/*
 * grant.c - contexts with a prefix. Only names are judged here; that the readers are free, and what
 * else a grant's holder may call, is endpoints.c's.
 */
#include "storaged/grant.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"

struct grant {
        struct list link;        /* in the owner's list */
        struct request *request; /* waits for the context; NULL: answered, cancelled */
        uint32_t handle;
        size_t n_holders; /* handles that others have */
        size_t prefix_len;
        uint8_t prefix[];
};

static void grant_free(struct grant *g) {
        list_remove(&g->link);
        free(g);
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
                                     "that store.delegate gave",
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

void grant_open(struct list *grants, struct request *request, const void *prefix, size_t len) {
        struct grant *g = calloc(1, sizeof(*g) + len);
        if (!g) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        memcpy(g->prefix, prefix, len);
        g->prefix_len = len;
        g->request = request;
        list_add_tail(grants, &g->link);
        request->userdata = g;
        request->on_cancel = grant_on_cancel;

        if (service_context_new(request->service, g, grant_on_context) < 0) {
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

bool grant_allows(const struct grant *g, const void *name, size_t len) {
        return !g || (len >= g->prefix_len && memcmp(name, g->prefix, g->prefix_len) == 0);
}

const char *grant_quote_prefix(const struct grant *g) {
        return log_quote(g->prefix, g->prefix_len);
}

void grant_free_all(struct list *grants) {
        while (!list_is_empty(grants))
                grant_free(container_of(grants->next, struct grant, link));
}
