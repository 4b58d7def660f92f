/*
 * lock.h - the advisory locks of one data object: who holds which, who waits. They are only in memory;
 * what outlives us are their fences.
 *
 * Claims of one lock are served in the order in which they came: what is shared waits behind an exclusive
 * claim that waits already, so nobody starves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/loop.h"
#include "storaged/fence.h"

#define LOCK_WAITS_FOR_EVER UINT64_MAX

enum lock_mode {
        LOCK_MODE_EXCLUSIVE,
        LOCK_MODE_SHARED,
        _LOCK_MODE_N,
};

enum lock_error {
        LOCK_OK = 0,
        LOCK_E_EXISTS = 1, /* the same task holds it, or waits for it */
        LOCK_E_TIMEOUT = 2,
        LOCK_E_FULL = 3, /* LIMIT_LOCKS */
};

struct locks {
        struct loop *loop;   /* borrowed */
        struct fence *fence; /* borrowed */
        struct table names;  /* name → struct lock */
        struct list all;     /* struct lock, owned, oldest first */
        size_t n_locks;
};

/* There is one as long as somebody holds it or waits for it. */
struct lock {
        struct list link; /* in locks.all */
        struct locks *locks;
        struct list holders, waiters; /* struct lock_claim, in their order */
        size_t len;
        char name[];
};

/* One who wants a lock. Embedded in what its owner keeps; the first group is the owner's to fill in. */
struct lock_claim {
        enum lock_mode mode;
        uint32_t pid;
        int64_t task; /* with pid: whose claim it is */
        /* Granted, with a fence; LOCK_E_TIMEOUT; or < 0, because no fence could be reserved. Except after
         * LOCK_OK the claim is nobody's any more. */
        void (*done)(struct lock_claim *c, int result);

        struct lock *lock; /* NULL: no claim at present */
        struct list link;  /* private */
        uint64_t fence;    /* 0: not granted */
        uint64_t time_us;  /* wall clock: since when it holds or waits */
        struct fence_wait fence_wait;
        struct loop_timer timer;
        bool has_timer;
};

const char *lock_mode_name(enum lock_mode mode);
/* The mode, or -1. */
int lock_mode_parse(const void *name, size_t len);

void locks_init(struct locks *l, struct loop *loop, struct fence *fence);
/* Every claim has been released. */
void locks_deinit(struct locks *l);

/* LOCK_OK: `done` will run once, never inside this function, unless lock_release comes first. Else
 * LOCK_E_*, or < 0, and nothing has happened. `timeout_us` 0: only if it is free. */
int lock_claim(
        struct locks *l, const void *name, size_t len, struct lock_claim *c, uint64_t timeout_us);
/* Stops holding or waiting; harmless when it does neither. The next may get it. */
void lock_release(struct lock_claim *c);

/* Whether somebody holds it with this fence. */
bool lock_holds(const struct locks *l, const void *name, size_t len, uint64_t fence);
