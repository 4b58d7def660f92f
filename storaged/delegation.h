/*
 * delegation.h - what store.delegate makes: a context that lets its holders change what has a name with a
 * certain prefix, and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libipc/request.h"

/* Answers the request, later. */
void delegation_open(struct list *grants, struct request *request, const void *prefix, size_t len);

/* `context` is that of a request; NULL, the native context, allows all names. */
bool delegation_allows(const void *context, const void *name, size_t len);
const char *delegation_quote(const void *context); /* its prefix, for messages; see log_quote */
