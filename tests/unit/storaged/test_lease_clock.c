/*
 * test_lease_clock.c - a machine whose clocks do what clocks do: the lease clock only goes forward.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "storaged/lease_clock.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(lease_clock, .init = store_fixture_set_up, .fini = store_fixture_tear_down);

#define S CLOCK_S_US
#define WALL_US (UINT64_C(1800000000) * S)

static struct lease_clock clock_at;
static struct lease_clock_sample machine;

static void boot(char id, uint64_t boot_us, uint64_t wall_us) {
        machine = (struct lease_clock_sample){ .boot_us = boot_us, .wall_us = wall_us };
        memset(machine.boot_id, id, LEASE_CLOCK_BOOT_ID_BYTES);
}

/* What the clock shows after a start of storaged on that machine, which it stores. */
static uint64_t start(void) {
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);
        cr_assert_eq(lease_clock_open(&clock_at, fixture.disk, &machine), DISK_OK);
        uint64_t now_us = clock_at.base_us + machine.boot_us;
        cr_assert_eq(lease_clock_store(&clock_at, fixture.disk, now_us), DISK_OK);
        cr_assert_eq(disk_commit(fixture.disk), DISK_OK);
        store_fixture_reopen();
        return now_us;
}

/* row 77 */
Test(lease_clock, a_change_of_the_time_of_day_does_not_move_it) {
        boot('a', 10 * S, WALL_US);
        cr_assert_eq(start(), WALL_US);
        boot('a', 15 * S, WALL_US + 3600 * S);
        cr_assert_eq(start(), WALL_US + 5 * S);
        boot('a', 20 * S, 0);
        cr_assert_eq(start(), WALL_US + 10 * S);
}

/* row 77 */
Test(lease_clock, it_goes_on_while_the_machine_is_off) {
        boot('a', 10 * S, WALL_US);
        start();
        boot('b', 3 * S, WALL_US + 600 * S);
        cr_assert_eq(start(), WALL_US + 600 * S);
}

Test(lease_clock, a_machine_that_forgot_the_time_does_not_turn_it_back) {
        boot('a', 10 * S, WALL_US);
        start();
        boot('b', 3 * S, 0);
        cr_assert_eq(start(), WALL_US);
        boot('b', 4 * S, WALL_US + 9999 * S);
        cr_assert_eq(start(), WALL_US + 1 * S);
}

Test(lease_clock, where_no_boot_is_like_another_it_still_goes_forward) {
        boot(LEASE_CLOCK_BOOT_UNKNOWN, 10 * S, WALL_US);
        cr_assert_eq(start(), WALL_US);
        boot(LEASE_CLOCK_BOOT_UNKNOWN, 3 * S, WALL_US + 60 * S);
        cr_assert_eq(start(), WALL_US + 60 * S);
        boot(LEASE_CLOCK_BOOT_UNKNOWN, 4 * S, 0);
        cr_assert_eq(start(), WALL_US + 60 * S);
}

Test(lease_clock, it_knows_the_clocks_of_this_machine) {
        struct lease_clock_sample again;

        cr_assert_eq(lease_clock_sample(&machine), 0);
        cr_assert_eq(start() / S / 3600, clock_wall_us() / S / 3600);
        uint64_t now_us = lease_clock_now_us(&clock_at);
        cr_assert_geq(lease_clock_now_us(&clock_at), now_us);
        cr_assert_eq(lease_clock_sample(&again), 0);
        cr_assert_str_eq(again.boot_id, machine.boot_id);
        cr_assert_geq(again.boot_us, machine.boot_us);
}
