/*
 * test_supervise.c - every cell of the supervision table, and when a restart happens.
 */
#include "initd/supervise.h"

#include <criterion/criterion.h>

#include "libipc/base/clock.h"
#include "tests/fake/fake_loop.h"

static struct loop loop;
static struct supervisor s;
static unsigned n_starts, n_terminates, n_kills, n_gone, n_falls, n_late;
static bool is_wanted, is_held;
static int start_result;

static int op_start(struct supervisor *x UNUSED) {
        n_starts++;
        return start_result;
}

static void op_terminate(struct supervisor *x UNUSED) {
        n_terminates++;
}

static void op_kill(struct supervisor *x UNUSED) {
        n_kills++;
}

static bool op_wants_restart(struct supervisor *x UNUSED) {
        return is_wanted;
}

static void op_fallen(struct supervisor *x UNUSED) {
        n_falls++;
}

static bool op_is_held(struct supervisor *x UNUSED) {
        return is_held;
}

static void op_late(struct supervisor *x UNUSED) {
        n_late++;
}

static void op_gone(struct supervisor *x UNUSED) {
        n_gone++;
}

static const struct supervise_ops ops = {
        .start = op_start,
        .terminate = op_terminate,
        .kill = op_kill,
        .wants_restart = op_wants_restart,
        .on_fallen = op_fallen,
        .is_held = op_is_held,
        .late = op_late,
        .on_gone = op_gone,
};

static void setup(void) {
        n_starts = n_terminates = n_kills = n_gone = n_falls = n_late = 0;
        is_wanted = is_held = false;
        start_result = 0;
        cr_assert(loop_init(&loop) == 0);
        cr_assert(supervise_init(&s, &loop, &ops, LIMIT_GRACE_US, false) == 0);
}

static void teardown(void) {
        supervise_deinit(&s);
        loop_deinit(&loop);
}

TestSuite(supervise, .init = setup, .fini = teardown);

/* Its delay is over, whatever was added to it at random. */
static void wait_for_delay(uint64_t delay_us) {
        fake_loop_advance(&loop, delay_us + delay_us / 4);
}

/* What each cell leads to, with no restart wanted. */
#define D SUPERVISE_STATE_DOWN
#define S SUPERVISE_STATE_STARTING
#define U SUPERVISE_STATE_UP
#define E SUPERVISE_STATE_ENDING
#define P SUPERVISE_STATE_STOPPING
#define R SUPERVISE_STATE_RESTARTING
#define W SUPERVISE_STATE_WAITING
static const int expected[_SUPERVISE_STATE_N][_SUPERVISE_EVENT_N] = {
        /*  START READY HANGUP EXIT STOP KILL RESTART TIMER */
        [D] = { S, D, D, D, D, D, D, D }, [S] = { S, U, E, D, P, P, R, E },
        [U] = { U, U, E, D, P, P, R, U }, [E] = { E, E, E, D, P, P, R, E },
        [P] = { P, P, P, D, P, P, P, P }, [R] = { R, R, R, S, P, P, R, R },
        [W] = { W, W, W, W, D, D, S, S },
};

Test(supervise, every_cell_leads_where_the_diagram_says) {
        for (int state = 0; state < _SUPERVISE_STATE_N; state++) {
                for (int event = 0; event < _SUPERVISE_EVENT_N; event++) {
                        s.state = (enum supervise_state)state;
                        loop_timer_clear(&s.timer);
                        supervise_on_event(&s, (enum supervise_event)event);
                        cr_expect_eq((int)s.state, expected[state][event],
                                     "state %d event %d: expected %d, got %d", state, event,
                                     expected[state][event], (int)s.state);
                }
        }
}

Test(supervise, a_polite_stop_becomes_a_kill_after_the_grace) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        supervise_on_event(&s, SUPERVISE_EVENT_STOP);
        cr_assert_eq(n_terminates, 1);
        fake_loop_advance(&loop, LIMIT_GRACE_US - 1);
        cr_assert_eq(n_kills, 0);
        fake_loop_advance(&loop, 1);
        cr_assert_eq(n_kills, 1);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_gone, 1);
        cr_assert_eq(fake_loop_n_timers(&loop), 0);
}

Test(supervise, stopping_twice_is_fine) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_STOP);
        supervise_on_event(&s, SUPERVISE_EVENT_STOP);
        supervise_on_event(&s, SUPERVISE_EVENT_KILL);
        cr_assert_eq(n_terminates, 1);
        cr_assert_eq(n_kills, 1);
}

Test(supervise, a_child_that_hung_up_and_stays_is_killed) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_HANGUP);
        fake_loop_advance(&loop, LIMIT_GRACE_US);
        cr_assert_eq(n_kills, 1);
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(s.state, SUPERVISE_STATE_WAITING);
}

/* row 9: back-off doubles, and what fell together does not come back together */
Test(supervise, restarts_wait_twice_as_long_each_time_and_up_to_a_quarter_more) {
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        uint64_t delay_us = LIMIT_RESTART_DELAY_US;
        for (unsigned i = 1; i <= LIMIT_RESTARTS; i++) {
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                fake_loop_advance(&loop, delay_us - 1);
                cr_assert_eq(n_starts, i);
                fake_loop_advance(&loop, delay_us / 4 + 1);
                cr_assert_eq(n_starts, i + 1);
                delay_us *= 2;
        }
        cr_assert_eq(s.n_restarts, LIMIT_RESTARTS);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_gone, 1, "given up after LIMIT_RESTARTS in the window");
        cr_assert_eq(n_falls, LIMIT_RESTARTS, "each but the last is followed by a start");
}

Test(supervise, two_that_fell_together_wait_differently) {
        enum {
                N = 64
        };
        unsigned n_early = 0;
        for (unsigned i = 0; i < N; i++) {
                teardown();
                setup();
                is_wanted = true;
                supervise_on_event(&s, SUPERVISE_EVENT_START);
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                fake_loop_advance(&loop, LIMIT_RESTART_DELAY_US + LIMIT_RESTART_DELAY_US / 8);
                n_early += n_starts - 1;
        }
        cr_assert_gt(n_early, 0);
        cr_assert_lt(n_early, N);
}

/* row 9: readiness */
Test(supervise, what_is_not_ready_in_time_is_late_and_falls) {
        s.start_limit_us = 1000;
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        fake_loop_advance(&loop, 999);
        cr_assert_eq(n_late, 0);
        fake_loop_advance(&loop, 1);
        cr_assert_eq(n_late, 1);
        cr_assert_eq(s.state, SUPERVISE_STATE_ENDING);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(s.state, SUPERVISE_STATE_WAITING);
        cr_assert_eq(s.n_restarts, 1);
}

Test(supervise, what_is_ready_in_time_is_never_late) {
        s.start_limit_us = 1000;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        fake_loop_advance(&loop, 1000);
        cr_assert_eq(n_late, 0);
        cr_assert_eq(s.state, SUPERVISE_STATE_UP);
}

Test(supervise, a_restart_asked_for_ends_it_politely_and_starts_at_once) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        supervise_on_event(&s, SUPERVISE_EVENT_RESTART);
        cr_assert_eq(n_terminates, 1);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_starts, 2);
        cr_assert_eq(s.n_restarts, 0, "it did not fall");
        cr_assert_eq(fake_loop_n_timers(&loop), 0);
}

Test(supervise, a_restart_that_takes_too_long_is_forced) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_RESTART);
        fake_loop_advance(&loop, LIMIT_GRACE_US);
        cr_assert_eq(n_kills, 1);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_starts, 2);
}

Test(supervise, a_stop_wins_over_a_restart_under_way) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        supervise_on_event(&s, SUPERVISE_EVENT_RESTART);
        supervise_on_event(&s, SUPERVISE_EVENT_STOP);
        cr_assert_eq(n_terminates, 1, "it was told already");
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_starts, 1);
        cr_assert_eq(n_gone, 1);
}

Test(supervise, what_is_held_waits_until_it_is_let_go) {
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        is_held = true;
        supervise_on_event(&s, SUPERVISE_EVENT_RESTART);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(s.state, SUPERVISE_STATE_WAITING);
        cr_assert_eq(fake_loop_n_timers(&loop), 0);
        is_held = false;
        supervise_on_event(&s, SUPERVISE_EVENT_TIMER);
        cr_assert_eq(n_starts, 2);
}

/* row 9: a daemon is never given up, but called degraded */
Test(supervise, what_never_gives_up_is_degraded_until_it_has_lived_a_window) {
        s.never_gives_up = true;
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        for (unsigned i = 0; i < 20; i++) {
                uint64_t delay_us = (uint64_t)LIMIT_RESTART_DELAY_US << i;
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                wait_for_delay(delay_us < LIMIT_RESTART_DELAY_MAX_US ? delay_us :
                                                                       LIMIT_RESTART_DELAY_MAX_US);
        }
        cr_assert_eq(n_starts, 21);
        cr_assert(supervise_is_degraded(&s, clock_now_us()));
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        fake_loop_advance(&loop, LIMIT_RESTART_WINDOW_US);
        cr_assert_not(supervise_is_degraded(&s, clock_now_us()));
}

Test(supervise, the_delay_starts_over_after_a_long_life) {
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        for (unsigned i = 0; i < 3; i++) {
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                wait_for_delay(LIMIT_RESTART_DELAY_MAX_US);
        }
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        fake_loop_advance(&loop, LIMIT_RESTART_WINDOW_US);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        wait_for_delay(LIMIT_RESTART_DELAY_US);
        cr_assert_eq(n_starts, 5);
}

Test(supervise, a_start_that_fails_counts_as_an_exit) {
        start_result = -12;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        cr_assert_eq(s.state, SUPERVISE_STATE_DOWN);
        cr_assert_eq(n_gone, 1);
}
