/*
 * listing_table.h - the kinds of lists, one file each.
 */
#pragma once

#include "initd/listing.h"

extern const struct listing_kind LISTING_CALLS;
extern const struct listing_kind LISTING_HANDLES;
extern const struct listing_kind LISTING_PROCESSES;
extern const struct listing_kind LISTING_SERVICES;

struct binding;
/* For service.describe: the name, and all who serve it, from `first` on. */
void listing_describe_service(struct record *out, const struct binding *first);
