/*
 * fence.h - numbers that only grow, over restarts too, one for each lock that is obtained. They are
 * reserved in blocks by whoever keeps them durably, so that a lock does not cost a commit.
 */
#pragma once

#include <stdint.h>

#include "libipc/loop.h"

#define FENCE_BLOCK 4096u

struct fence {
        struct loop *loop;
        struct loop_later deliver;
        struct list waiting; /* struct fence_wait, borrowed */
        uint64_t next, end;  /* reserved and not given yet */
        bool is_reserving;
        /* Makes durable that all below some `end` are used, then says so to fence_on_reserved; at once
         * or later. */
        void (*reserve)(struct fence *f);
};

struct fence_wait {
        struct list link;
        /* `r` < 0: there is no number. */
        void (*done)(struct fence_wait *w, int r, uint64_t number);
};

void fence_init(struct fence *f, struct loop *loop, void (*reserve)(struct fence *f));
/* Nobody is told anything any more. */
void fence_deinit(struct fence *f);

/* `done` runs once, never inside this function. */
void fence_take(struct fence *f, struct fence_wait *w);
/* Harmless when it was never taken, or is done. */
void fence_cancel(struct fence_wait *w);
/* After `reserve`: the numbers from `next` up to, without, `end` are ours; or r < 0. */
void fence_on_reserved(struct fence *f, int r, uint64_t next, uint64_t end);
