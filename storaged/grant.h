/*
 * grant.h - contexts of ours that are given to whoever asked, and end with their last holder. What one
 * allows is for those who embed it: delegation.h, data_grant.h, data_lock.h.
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/service.h"

struct grant;

struct grant_type {
        const struct endpoint_table *endpoints; /* NULL: those of the native context */
        /* What is answered behind the handle; NULL: nothing. 0 or -errno. */
        int (*put)(const struct grant *g, struct buf *values);
        struct grant *(*free)(struct grant *g); /* also of one that nobody got */
};

/* Arrives with its calls as request->context. */
struct grant {
        const struct grant_type *type;

        struct list link;        /* private, as all below */
        struct request *request; /* waits for the context; NULL: answered, cancelled */
        uint32_t handle;
        size_t n_holders; /* handles that others have */
};

/* Answers the request, later, with a handle on a new context. The grant, which is taken, is owned by
 * `grants` then. */
void grant_open_take(struct list *grants, struct request *request, struct grant *g);

/* For struct service. */
void grant_on_opened(struct service *s, void *context, uint32_t pid);
void grant_on_closed(struct service *s, void *context, uint32_t pid);

/* After the service has ended. */
void grant_free_all(struct list *grants);
