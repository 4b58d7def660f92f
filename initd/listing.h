/*
 * listing.h - lists of what initd holds, one row per process, handle, call or service. A long one is
 * written a slice per turn, so that nobody else's calls wait for it, and has at most
 * LIMIT_LISTING_ROWS rows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/record.h"
#include "libipc/loop.h"

struct call;
struct initd;
struct native_request;
struct peer;

struct listing;
struct listing_kind {
        size_t slice;     /* after that many rows the next turn goes on */
        bool is_of_peers; /* goes over what is connected; else over initd, daemons and programs */
        /* Adds the rows of one process, which may be gone. PROCESS_PID_INITD comes first. One that
         * leaves l->inner set is run again for the same process, in a later turn. */
        void (*write)(struct listing *l, uint32_t pid);
};

/* Owned by its call. */
struct listing {
        struct initd *initd;
        const struct listing_kind *kind;
        struct call *call;
        uint32_t of; /* the pid asked about; 0: all */
        struct loop_timer next_turn;
        struct record rows;
        size_t n_rows, n_more; /* more: found, but not shown */
        size_t n_pids, at;
        size_t inner; /* of the kind: where it stopped within one process; 0: at its end */
        size_t slice_end;
        uint32_t pids[];
};

/* Answers {{...}, ...}, and a second value when rows were left out: how many. `pid` 0: all. */
void listing_start(struct native_request *request, const struct listing_kind *kind, uint32_t pid);
/* Enough for this turn. */
bool listing_is_full(const struct listing *l);
/* Where the next row is to be written; NULL: it is only counted. */
struct record *listing_add(struct listing *l);

/* The argument [pid] of lists that show others only what is their own: 0 for all. False: refused. */
bool listing_choose_pid(struct native_request *request, uint32_t *ret_pid);

/* "initd" for NULL. */
const char *listing_peer_name(const struct peer *p);
