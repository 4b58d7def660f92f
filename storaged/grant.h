/*
 * grant.h - contexts of ours that let their holders change names with a certain prefix: what
 * store.delegate makes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libipc/base/list.h"
#include "libipc/service.h"

struct grant;

/* Answers the request, later, with a handle on a new context whose calls arrive with the grant as
 * their request->context. The grant is owned by `grants` and ends with its last holder. */
void grant_open(struct list *grants, struct request *request, const void *prefix, size_t len);

/* For struct service. */
void grant_on_opened(struct service *s, void *context, uint32_t pid);
void grant_on_closed(struct service *s, void *context, uint32_t pid);

/* A NULL grant, the native context, allows all names. */
bool grant_allows(const struct grant *g, const void *name, size_t len);
const char *grant_quote_prefix(const struct grant *g); /* for messages; see log_quote */

/* After the service has ended. */
void grant_free_all(struct list *grants);
