/*
 * history.h - the newest changes of an object, in order, so that whoever watches it can go on where it
 * stopped. Pure rows over a disk; a revision is kept whole or not at all.
 *
 * Results are disk.h's: DISK_OK, DISK_E_* (the transaction is over), < 0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storaged/disk.h"

enum history_type {
        HISTORY_TYPE_SET,
        HISTORY_TYPE_DEL,
        HISTORY_TYPE_EXPIRE,
        _HISTORY_TYPE_N,
};

const char *history_type_name(enum history_type type); /* "set", "del", "expire" */

/* What is kept. All zero for an object without any; part of its record, and its owner's to store. */
struct history {
        uint64_t
                first; /* the oldest revision of which nothing is missing; 0: none was ever added */
        uint64_t n_events, n_bytes;
};

struct history_event {
        uint64_t revision;
        enum history_type type;
        struct disk_bytes key;
        struct disk_bytes value; /* one item (value.h); empty unless SET */
};

/* One change of a transaction, `number` counting them from 0. Revisions only grow. */
int history_add(struct disk *d,
                uint64_t id,
                struct history *h,
                const struct history_event *event,
                uint32_t number);
/* After a transaction's changes: forgets the oldest revisions beyond LIMIT_HISTORY_EVENTS and
 * LIMIT_HISTORY_BYTES, but never the newest one. */
int history_trim(struct disk *d, uint64_t id, struct history *h);
/* All of it, when the object goes. */
int history_remove(struct disk *d, uint64_t id);

/* Whether everything after `revision` is still there. */
bool history_reaches(const struct history *h, uint64_t revision);

/* Each event after `revision`, in order, until `fn` returns other than DISK_OK, which is returned then.
 * What the event points to is valid during the call. */
typedef int history_fn(void *userdata, const struct history_event *event);
int history_read(struct disk *d, uint64_t id, uint64_t revision, history_fn *fn, void *userdata);
