/*
 * expiry.h - which keys of which objects end by themselves, in the order of their end. Pure rows over a
 * disk; times are those of the lease clock (lease_clock.h), and each key's own record has its time, too.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (the transaction is over), < 0.
 */
#pragma once

#include <stdint.h>

#include "storaged/disk.h"

struct expiry {
        uint64_t time_us; /* never 0 */
        uint64_t id;      /* of the object */
        struct disk_bytes key;
};

/* In a write transaction. Removing one that is not there is an error: DISK_E_NOTFOUND. */
int expiry_add(struct disk *d, const struct expiry *expiry);
int expiry_remove(struct disk *d, const struct expiry *expiry);

/* The one that is due first. DISK_E_NOTFOUND: there is none. */
int expiry_first(struct disk *d, struct expiry *ret);
