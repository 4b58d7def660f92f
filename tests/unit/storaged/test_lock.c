/*
 * test_lock.c - who gets a lock, when, and with which fence.
 */
#include "storaged/lock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/limits.h"
#include "tests/fake/fake_loop.h"
#include "tests/helper/failing_malloc.h"

#define WAITING 100 /* no result yet */
#define FOR_EVER LOCK_WAITS_FOR_EVER

static struct loop loop;
static struct fence fence;
static struct locks locks;
static unsigned int n_reserved;
static bool is_disk_full, is_disk_slow;

struct claimant {
        struct lock_claim claim;
        int result;
};
static struct claimant a, b, c, d;

static void on_done(struct lock_claim *claim, int result) {
        struct claimant *who = container_of(claim, struct claimant, claim);

        cr_assert_eq(who->result, WAITING, "told twice");
        who->result = result;
}

static void reserve(struct fence *f) {
        n_reserved++;
        if (is_disk_full)
                fence_on_reserved(f, -ENOSPC, 0, 0);
        else if (!is_disk_slow)
                fence_on_reserved(f, 0, f->end + 1, f->end + 1 + 3);
}

static void setup(void) {
        cr_assert_eq(loop_init(&loop), 0);
        fence_init(&fence, &loop, reserve);
        locks_init(&locks, &loop, &fence);
}

static void teardown(void) {
        struct claimant *const all[] = { &a, &b, &c, &d };

        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                lock_release(&all[i]->claim);
        cr_assert_eq(locks.n_locks, 0);
        cr_assert_eq(fake_loop_n_timers(&loop), 0);
        locks_deinit(&locks);
        fence_deinit(&fence);
        loop_deinit(&loop);
}

TestSuite(lock, .init = setup, .fini = teardown);

/* As task 1 of process `pid`. */
static int claim(struct claimant *who, uint32_t pid, enum lock_mode mode, uint64_t timeout_us) {
        who->result = WAITING;
        who->claim = (struct lock_claim){ .mode = mode, .pid = pid, .task = 1, .done = on_done };
        int r = lock_claim(&locks, "l", 1, &who->claim, timeout_us);
        fake_loop_settle(&loop);
        return r;
}

static void want(struct claimant *who, uint32_t pid, enum lock_mode mode) {
        cr_assert_eq(claim(who, pid, mode, FOR_EVER), LOCK_OK);
}

static void release(struct claimant *who) {
        lock_release(&who->claim);
        fake_loop_settle(&loop);
}

static bool holds(const struct claimant *who) {
        return who->result == LOCK_OK && lock_holds(&locks, "l", 1, who->claim.fence);
}

Test(lock, the_second_exclusive_one_gets_it_when_the_first_lets_go) { /* row 76 */
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        want(&b, 2, LOCK_MODE_EXCLUSIVE);
        cr_assert(holds(&a));
        cr_assert_eq(b.result, WAITING);
        release(&a);
        cr_assert(holds(&b));
        cr_assert_not(holds(&a));
}

Test(lock, what_is_shared_is_held_together) { /* row 76 */
        want(&a, 1, LOCK_MODE_SHARED);
        want(&b, 2, LOCK_MODE_SHARED);
        want(&c, 3, LOCK_MODE_EXCLUSIVE);
        cr_assert(holds(&a) && holds(&b));
        release(&a);
        cr_assert_eq(c.result, WAITING);
        release(&b);
        cr_assert(holds(&c));
}

Test(lock, readers_that_keep_coming_starve_no_writer) { /* row 76 */
        want(&a, 1, LOCK_MODE_SHARED);
        want(&b, 2, LOCK_MODE_EXCLUSIVE);
        want(&c, 3, LOCK_MODE_SHARED);
        want(&d, 4, LOCK_MODE_SHARED);
        cr_assert_eq(c.result, WAITING);
        release(&a);
        cr_assert(holds(&b));
        cr_assert_eq(c.result, WAITING);
        release(&b);
        cr_assert(holds(&c) && holds(&d));
}

Test(lock, a_writer_that_gives_up_lets_the_readers_behind_it_through) { /* row 76 */
        want(&a, 1, LOCK_MODE_SHARED);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_EXCLUSIVE, CLOCK_S_US), LOCK_OK);
        want(&c, 3, LOCK_MODE_SHARED);
        want(&d, 4, LOCK_MODE_EXCLUSIVE);
        fake_loop_advance(&loop, CLOCK_S_US);
        cr_assert_eq(b.result, LOCK_E_TIMEOUT);
        cr_assert(holds(&c));
        cr_assert_eq(d.result, WAITING);
        release(&d);
        cr_assert_eq(d.result, WAITING, "who withdrew is told nothing");
}

Test(lock, waiting_ends_on_time_and_holding_does_not) { /* row 76 */
        cr_assert_eq(claim(&a, 1, LOCK_MODE_EXCLUSIVE, CLOCK_S_US), LOCK_OK);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_EXCLUSIVE, CLOCK_S_US), LOCK_OK);
        fake_loop_advance(&loop, CLOCK_S_US - 1);
        cr_assert_eq(b.result, WAITING);
        fake_loop_advance(&loop, 1);
        cr_assert_eq(b.result, LOCK_E_TIMEOUT);
        cr_assert(holds(&a));
        release(&a);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_EXCLUSIVE, 0), LOCK_OK);
        cr_assert(holds(&b));
}

Test(lock, without_time_to_wait_it_is_now_or_never) { /* row 76 */
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_SHARED, 0), LOCK_E_TIMEOUT);
        cr_assert_eq(b.result, WAITING);
        release(&a);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_SHARED, 0), LOCK_OK);
        cr_assert_eq(claim(&c, 3, LOCK_MODE_SHARED, 0), LOCK_OK);
        cr_assert(holds(&b) && holds(&c));
}

Test(lock, a_task_cannot_take_twice_what_it_has_or_waits_for) { /* row 76 */
        want(&a, 1, LOCK_MODE_SHARED);
        cr_assert_eq(claim(&b, 1, LOCK_MODE_SHARED, FOR_EVER), LOCK_E_EXISTS);
        want(&c, 2, LOCK_MODE_EXCLUSIVE);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_EXCLUSIVE, FOR_EVER), LOCK_E_EXISTS);

        b.claim = (struct lock_claim){ .pid = 1, .task = 2, .done = on_done };
        cr_assert_eq(lock_claim(&locks, "l", 1, &b.claim, FOR_EVER), LOCK_OK,
                     "another task may wait");
        release(&a);
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
}

Test(lock, locks_with_other_names_are_others) { /* row 76 */
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        b = (struct claimant){ .claim = { .pid = 1, .task = 1, .done = on_done },
                               .result = WAITING };
        cr_assert_eq(lock_claim(&locks, "ll", 2, &b.claim, FOR_EVER), LOCK_OK);
        fake_loop_settle(&loop);
        cr_assert_eq(b.result, LOCK_OK);
        cr_assert_not(lock_holds(&locks, "l", 1, b.claim.fence));
        cr_assert_eq(locks.n_locks, 2);
}

Test(lock, fences_only_grow_and_a_block_is_reserved_once) { /* row 76 */
        uint64_t last = 0;

        for (int i = 0; i < 7; i++) {
                want(&a, 1, LOCK_MODE_EXCLUSIVE);
                cr_assert_gt(a.claim.fence, last);
                last = a.claim.fence;
                release(&a);
                cr_assert_not(lock_holds(&locks, "l", 1, last), "a fence of before guards nothing");
        }
        cr_assert_eq(n_reserved, 3);
        cr_assert_not(lock_holds(&locks, "l", 1, 0));
}

Test(lock, while_fences_are_reserved_the_lock_is_taken_and_not_granted) {
        is_disk_slow = true;
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        cr_assert_eq(a.result, WAITING);
        cr_assert_eq(claim(&b, 2, LOCK_MODE_EXCLUSIVE, 0), LOCK_E_TIMEOUT);
        cr_assert_eq(claim(&c, 3, LOCK_MODE_EXCLUSIVE, CLOCK_S_US), LOCK_OK);
        cr_assert_not(lock_holds(&locks, "l", 1, 0));
        fake_loop_advance(&loop, CLOCK_S_US);
        cr_assert_eq(c.result, LOCK_E_TIMEOUT);
        cr_assert_eq(a.result, WAITING,
                     "the time to wait for the lock is over, not that for the disk");
        cr_assert_eq(n_reserved, 1);
        fence_on_reserved(&fence, 0, 10, 11);
        fake_loop_settle(&loop);
        cr_assert(holds(&a));
        cr_assert_eq(a.claim.fence, 10);
}

Test(lock, without_fences_nobody_gets_a_lock) {
        is_disk_full = true;
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        cr_assert_eq(a.result, -ENOSPC);
        cr_assert_eq(locks.n_locks, 0);
        is_disk_full = false;
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        cr_assert(holds(&a));
}

Test(lock, who_leaves_before_its_fence_comes_is_told_nothing) {
        is_disk_slow = true;
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        want(&b, 2, LOCK_MODE_EXCLUSIVE);
        release(&a);
        fence_on_reserved(&fence, 0, 10, 11);
        fake_loop_settle(&loop);
        cr_assert_eq(a.result, WAITING);
        cr_assert(holds(&b));
}

Test(lock, an_object_has_so_many_locks_and_no_more) {
        static struct lock_claim claims[LIMIT_LOCKS + 1];
        char name[16];

        for (size_t i = 0; i <= LIMIT_LOCKS; i++) {
                int len = snprintf(name, sizeof(name), "l%zu", i);

                claims[i].done = on_done;
                cr_assert_eq(lock_claim(&locks, name, (size_t)len, &claims[i], FOR_EVER),
                             i < LIMIT_LOCKS ? LOCK_OK : LOCK_E_FULL);
        }
        for (size_t i = 0; i <= LIMIT_LOCKS; i++)
                lock_release(&claims[i]);
}

Test(lock, without_memory_nothing_is_taken) {
        for (unsigned int n = 1; n <= 2; n++) {
                failing_malloc_start(n);
                cr_assert_lt(claim(&a, 1, LOCK_MODE_EXCLUSIVE, FOR_EVER), 0);
                failing_malloc_stop();
                cr_assert_eq(locks.n_locks, 0);
        }
        want(&a, 1, LOCK_MODE_EXCLUSIVE);
        failing_malloc_start(1);
        cr_assert_lt(claim(&b, 2, LOCK_MODE_EXCLUSIVE, CLOCK_S_US), 0);
        failing_malloc_stop();
        release(&a);
        cr_assert_eq(locks.n_locks, 0);
}

Test(lock, modes_have_names) {
        cr_assert_str_eq(lock_mode_name(LOCK_MODE_SHARED), "shared");
        cr_assert_eq(lock_mode_parse("exclusive", 9), LOCK_MODE_EXCLUSIVE);
        cr_assert_eq(lock_mode_parse("share", 5), -1);
}
