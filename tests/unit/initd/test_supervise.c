/*
 * test_supervise.c - every cell of the supervision table, and when a restart happens.
 */
#include "initd/supervise.h"

#include <criterion/criterion.h>

#include "libipc/base/clock.h"
#include "tests/fake/fake_loop.h"

static struct loop loop;
static struct supervisor s;
static unsigned n_starts, n_terminates, n_kills, n_gone;
static bool is_wanted;
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

static void op_gone(struct supervisor *x UNUSED) {
        n_gone++;
}

static const struct supervise_ops ops = { op_start, op_terminate, op_kill, op_wants_restart,
                                          op_gone };

static void setup(void) {
        n_starts = n_terminates = n_kills = n_gone = 0;
        is_wanted = false;
        start_result = 0;
        cr_assert(loop_init(&loop) == 0);
        cr_assert(supervise_init(&s, &loop, &ops, LIMIT_GRACE_US, false) == 0);
}

static void teardown(void) {
        supervise_deinit(&s);
        loop_deinit(&loop);
}

TestSuite(supervise, .init = setup, .fini = teardown);

/* What each cell leads to; -1: the event means nothing there. With no restart wanted. */
#define D SUPERVISE_STATE_DOWN
#define S SUPERVISE_STATE_STARTING
#define U SUPERVISE_STATE_UP
#define E SUPERVISE_STATE_ENDING
#define P SUPERVISE_STATE_STOPPING
#define W SUPERVISE_STATE_WAITING
static const int expected[_SUPERVISE_STATE_N][_SUPERVISE_EVENT_N] = {
        /*       START READY HANGUP EXIT STOP KILL TIMER */
        [D] = { S, D, D, D, D, D, D }, [S] = { S, U, E, D, P, P, S }, [U] = { U, U, E, D, P, P, U },
        [E] = { E, E, E, D, P, P, E }, [P] = { P, P, P, D, P, P, P }, [W] = { W, W, W, W, D, D, S },
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

/* row 9: back-off doubles */
Test(supervise, restarts_wait_twice_as_long_each_time) {
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        uint64_t delay_us = LIMIT_RESTART_DELAY_US;
        for (unsigned i = 1; i <= LIMIT_RESTARTS; i++) {
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                fake_loop_advance(&loop, delay_us - 1);
                cr_assert_eq(n_starts, i);
                fake_loop_advance(&loop, 1);
                cr_assert_eq(n_starts, i + 1);
                delay_us *= 2;
        }
        cr_assert_eq(s.n_restarts, LIMIT_RESTARTS);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        cr_assert_eq(n_gone, 1, "given up after LIMIT_RESTARTS in the window");
}

/* row 9: a daemon is never given up, but called degraded */
Test(supervise, what_never_gives_up_is_degraded_until_it_has_lived_a_window) {
        s.never_gives_up = true;
        is_wanted = true;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        for (unsigned i = 0; i < 20; i++) {
                uint64_t delay_us = (uint64_t)LIMIT_RESTART_DELAY_US << i;
                supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
                fake_loop_advance(&loop, delay_us < LIMIT_RESTART_DELAY_MAX_US ?
                                                 delay_us :
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
                fake_loop_advance(&loop, LIMIT_RESTART_DELAY_MAX_US);
        }
        supervise_on_event(&s, SUPERVISE_EVENT_READY);
        fake_loop_advance(&loop, LIMIT_RESTART_WINDOW_US);
        supervise_on_event(&s, SUPERVISE_EVENT_EXIT);
        fake_loop_advance(&loop, LIMIT_RESTART_DELAY_US);
        cr_assert_eq(n_starts, 5);
}

Test(supervise, a_start_that_fails_counts_as_an_exit) {
        start_result = -12;
        supervise_on_event(&s, SUPERVISE_EVENT_START);
        cr_assert_eq(s.state, SUPERVISE_STATE_DOWN);
        cr_assert_eq(n_gone, 1);
}
