/*
 * delegation.c - see delegation.h. Only names are judged here; that the readers are free, and what else
 * the holder may call, is endpoints.c's.
 */
#include "storaged/delegation.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/base/log.h"
#include "storaged/grant.h"

struct delegation {
        struct grant grant;
        size_t len;
        uint8_t prefix[];
};

static const struct delegation *delegation_of(const void *context) {
        return container_of(context, const struct delegation, grant);
}

static struct grant *delegation_free(struct grant *g) {
        free(container_of(g, struct delegation, grant));
        return NULL;
}

static const struct grant_type delegation_type = { .free = delegation_free };

void delegation_open(struct list *grants, struct request *request, const void *prefix, size_t len) {
        struct delegation *d = calloc(1, sizeof(*d) + len);

        if (!d) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        d->grant.type = &delegation_type;
        d->len = len;
        memcpy(d->prefix, prefix, len);
        grant_open_take(grants, request, &d->grant);
}

bool delegation_allows(const void *context, const void *name, size_t len) {
        const struct delegation *d = context ? delegation_of(context) : NULL;
        return !d || (len >= d->len && memcmp(name, d->prefix, d->len) == 0);
}

const char *delegation_quote(const void *context) {
        const struct delegation *d = delegation_of(context);
        return log_quote(d->prefix, d->len);
}
