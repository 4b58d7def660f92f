/*
 * lock.c - see lock.h.
 *
 *   lock_claim --> waiters --lock_pass--> holders, without a fence --claim_on_fence--> with one
 *
 * Nothing but claim_on_fence and claim_on_timer calls an owner, as the last thing it does.
 */
#include "storaged/lock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/limits.h"

static const char *const lock_mode_names[] = {
        [LOCK_MODE_EXCLUSIVE] = "exclusive",
        [LOCK_MODE_SHARED] = "shared",
};
static_assert(ARRAY_SIZE(lock_mode_names) == _LOCK_MODE_N, "every mode has a name");

const char *lock_mode_name(enum lock_mode mode) {
        return lock_mode_names[mode];
}

int lock_mode_parse(const void *name, size_t len) {
        for (int i = 0; i < _LOCK_MODE_N; i++)
                if (strlen(lock_mode_names[i]) == len && memcmp(lock_mode_names[i], name, len) == 0)
                        return i;
        return -1;
}

void locks_init(struct locks *l, struct loop *loop, struct fence *fence) {
        *l = (struct locks){ .loop = loop, .fence = fence };
        table_init(&l->names);
        list_init(&l->all);
}

void locks_deinit(struct locks *l) {
        assert(list_is_empty(&l->all));
        table_deinit(&l->names);
}

static struct lock *lock_new(struct locks *l, const void *name, size_t len) {
        struct lock *lock = malloc(sizeof(*lock) + len);

        if (!lock)
                return NULL;
        *lock = (struct lock){ .locks = l, .len = len };
        memcpy(lock->name, name, len);
        list_init(&lock->holders);
        list_init(&lock->waiters);
        if (table_add_name(&l->names, lock->name, len, lock) < 0) {
                free(lock);
                return NULL;
        }
        list_add_tail(&l->all, &lock->link);
        l->n_locks++;
        return lock;
}

static void lock_free_unused(struct lock *lock) {
        if (!list_is_empty(&lock->holders) || !list_is_empty(&lock->waiters))
                return;
        table_remove_name(&lock->locks->names, lock->name, lock->len);
        list_remove(&lock->link);
        lock->locks->n_locks--;
        free(lock);
}

static struct lock_claim *claim_of(struct list *node) {
        return container_of(node, struct lock_claim, link);
}

static bool lock_has_claim_of(struct lock *lock, uint32_t pid, int64_t task) {
        struct list *const both[] = { &lock->holders, &lock->waiters };

        for (size_t i = 0; i < ARRAY_SIZE(both); i++)
                list_for_each(node, both[i])
                        if (claim_of(node)->pid == pid && claim_of(node)->task == task)
                                return true;
        return false;
}

/* Holders are one exclusive, or all shared. */
static bool lock_fits(const struct lock *lock, const struct lock_claim *c) {
        if (list_is_empty(&lock->holders))
                return true;
        return c->mode == LOCK_MODE_SHARED &&
               claim_of(lock->holders.next)->mode == LOCK_MODE_SHARED;
}

static void claim_stop_timer(struct lock_claim *c) {
        if (c->has_timer)
                loop_timer_deinit(&c->timer);
        c->has_timer = false;
}

static void claim_leave(struct lock_claim *c) {
        claim_stop_timer(c);
        fence_cancel(&c->fence_wait);
        list_remove(&c->link);
        c->lock = NULL;
        c->fence = 0;
}

static void claim_on_fence(struct fence_wait *w, int r, uint64_t number) {
        struct lock_claim *c = container_of(w, struct lock_claim, fence_wait);

        if (r < 0)
                lock_release(c);
        else
                c->fence = number;
        c->done(c, r);
}

static int claim_on_timer(struct loop_timer *timer) {
        struct lock_claim *c = container_of(timer, struct lock_claim, timer);

        lock_release(c);
        c->done(c, LOCK_E_TIMEOUT);
        return 0;
}

/* Gives the lock to those who waited longest, as many as fit together. */
static void lock_pass(struct lock *lock) {
        while (!list_is_empty(&lock->waiters) && lock_fits(lock, claim_of(lock->waiters.next))) {
                struct lock_claim *c = claim_of(lock->waiters.next);

                claim_stop_timer(c);
                list_remove(&c->link);
                list_add_tail(&lock->holders, &c->link);
                c->time_us = clock_wall_us();
                fence_take(lock->locks->fence, &c->fence_wait);
        }
}

static int claim_start_timer(struct lock_claim *c, uint64_t timeout_us) {
        int r = loop_timer_init(&c->timer, c->lock->locks->loop, claim_on_timer);

        if (r < 0)
                return error_trace(r);
        c->has_timer = true;
        return error_trace(loop_timer_set(&c->timer, timeout_us));
}

/* With a place in the queue at its end. */
static int claim_wait(struct lock_claim *c, uint64_t timeout_us) {
        if (timeout_us == LOCK_WAITS_FOR_EVER)
                return LOCK_OK;
        if (timeout_us == 0)
                return LOCK_E_TIMEOUT;
        return claim_start_timer(c, timeout_us);
}

static void claim_enter(struct lock_claim *c, struct lock *lock) {
        c->lock = lock;
        c->fence = 0;
        c->has_timer = false;
        c->time_us = clock_wall_us();
        c->fence_wait.done = claim_on_fence;
        list_init(&c->fence_wait.link);
        list_add_tail(&lock->waiters, &c->link);
        lock_pass(lock);
}

int lock_claim(
        struct locks *l, const void *name, size_t len, struct lock_claim *c, uint64_t timeout_us) {
        struct lock *lock = table_find_name(&l->names, name, len);
        int r = LOCK_OK;

        c->lock = NULL;
        if (lock && lock_has_claim_of(lock, c->pid, c->task))
                return LOCK_E_EXISTS;
        if (!lock && l->n_locks >= LIMIT_LOCKS)
                return LOCK_E_FULL;
        if (!lock)
                lock = lock_new(l, name, len);
        if (!lock)
                return error_origin(ENOMEM);

        claim_enter(c, lock);
        if (list_is_empty(&c->fence_wait.link))
                r = claim_wait(c, timeout_us);
        if (r != LOCK_OK)
                lock_release(c);
        return r;
}

void lock_release(struct lock_claim *c) {
        struct lock *lock = c->lock;

        if (!lock)
                return;
        claim_leave(c);
        lock_pass(lock);
        lock_free_unused(lock);
}

bool lock_holds(const struct locks *l, const void *name, size_t len, uint64_t fence) {
        struct lock *lock = table_find_name(&l->names, name, len);

        if (!lock || fence == 0)
                return false;
        list_for_each(node, &lock->holders)
                if (claim_of(node)->fence == fence)
                        return true;
        return false;
}
