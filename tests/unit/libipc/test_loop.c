/*
 * test_loop.c - turns, descriptors, timers, signals and later work, on real descriptors.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "libipc/loop.h"

static struct loop loop;
static int fds[2];

static void set_up(void) {
        cr_assert_eq(loop_init(&loop), 0);
        cr_assert_eq(fd_socketpair(fds), 0);
}

static void tear_down(void) {
        fd_close(fds[0]);
        fd_close(fds[1]);
        loop_deinit(&loop);
}

TestSuite(loop, .init = set_up, .fini = tear_down, .timeout = 10);

struct io_probe {
        struct loop_io io;
        unsigned n_reads, n_writes;
        int result;
        bool wants_deinit;
};

static int probe_on_io(struct loop_io *io, bool is_readable, bool is_writable) {
        struct io_probe *probe = container_of(io, struct io_probe, io);

        probe->n_reads += is_readable;
        probe->n_writes += is_writable;
        if (probe->wants_deinit)
                loop_io_deinit(io);
        return probe->result;
}

Test(loop, reading_is_wanted_from_the_start_and_writing_is_not) {
        struct io_probe probe = { .result = 0 };

        cr_assert_eq(loop_io_init(&probe.io, &loop, fds[0], probe_on_io), 0);
        cr_assert_eq(loop_turn(&loop, false), 0);
        cr_expect_eq(probe.n_reads + probe.n_writes, 0);

        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_expect_eq(probe.n_reads, 2, "readiness is level-triggered");
        cr_expect_eq(probe.n_writes, 0);

        cr_assert_eq(loop_io_want(&probe.io, false, true), 0);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_expect_eq(probe.n_reads, 2);
        cr_expect_eq(probe.n_writes, 1);
        loop_io_deinit(&probe.io);
}

Test(loop, a_callback_may_deinit_its_own_descriptor) {
        struct io_probe probe = { .result = 0 };

        probe.wants_deinit = true;
        cr_assert_eq(loop_io_init(&probe.io, &loop, fds[0], probe_on_io), 0);
        cr_assert_eq(loop_io_want(&probe.io, true, true), 0);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_expect_eq(probe.n_reads + probe.n_writes, 1);
        cr_assert_eq(loop_turn(&loop, false), 0);
        cr_expect_eq(probe.n_reads + probe.n_writes, 1);
}

struct killer {
        struct loop_io io;
        struct loop_io *victim;
        unsigned n_calls;
};

static int killer_on_io(struct loop_io *io, bool is_readable, bool is_writable) {
        struct killer *killer = container_of(io, struct killer, io);

        (void)is_readable;
        (void)is_writable;
        killer->n_calls++;
        loop_io_deinit(killer->victim);
        return 0;
}

Test(loop, an_object_that_another_callback_deinits_hears_nothing_more) {
        struct killer a = { .victim = NULL }, b = { .victim = &a.io };

        a.victim = &b.io;
        cr_assert_eq(loop_io_init(&a.io, &loop, fds[0], killer_on_io), 0);
        cr_assert_eq(loop_io_init(&b.io, &loop, fds[1], killer_on_io), 0);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert_eq(write(fds[0], "x", 1), 1);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_expect_eq(a.n_calls + b.n_calls, 1, "both were ready, one killed the other");
        loop_io_deinit(&a.io);
        loop_io_deinit(&b.io);
}

Test(loop, a_callbacks_error_ends_the_run_and_is_returned) {
        struct io_probe probe = { .result = 0 };

        probe.result = -EPROTO;
        cr_assert_eq(loop_io_init(&probe.io, &loop, fds[0], probe_on_io), 0);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_expect_eq(loop_run(&loop), -EPROTO);
        cr_expect_eq(probe.n_reads, 1);
        loop_io_deinit(&probe.io);
}

struct later_probe {
        struct loop_later later;
        struct later_probe *next;
        struct loop *loop;
        unsigned n_calls;
};

static int later_on_turn(struct loop_later *later) {
        struct later_probe *probe = container_of(later, struct later_probe, later);

        probe->n_calls++;
        if (probe->next)
                loop_later_add(probe->loop, &probe->next->later);
        return 0;
}

Test(loop, later_work_runs_once_per_turn_including_what_it_queues) {
        struct later_probe second = { .loop = &loop }, first = { .loop = &loop, .next = &second };

        loop_later_init(&first.later, later_on_turn);
        loop_later_init(&second.later, later_on_turn);
        loop_later_add(&loop, &first.later);
        loop_later_add(&loop, &first.later);
        cr_assert_eq(loop_turn(&loop, true), 0, "queued work keeps the loop from sleeping");
        cr_expect_eq(first.n_calls, 1);
        cr_expect_eq(second.n_calls, 1);
        cr_assert_eq(loop_turn(&loop, false), 0);
        cr_expect_eq(first.n_calls, 1);

        loop_later_add(&loop, &first.later);
        loop_later_cancel(&first.later);
        cr_assert_eq(loop_turn(&loop, false), 0);
        cr_expect_eq(first.n_calls, 1);
}

struct order_probe {
        struct loop_io io;
        struct later_probe *later;
        unsigned n_later_before;
};

static int order_on_io(struct loop_io *io, bool is_readable, bool is_writable) {
        struct order_probe *probe = container_of(io, struct order_probe, io);

        (void)is_readable;
        (void)is_writable;
        probe->n_later_before += probe->later->n_calls;
        loop_later_add(&loop, &probe->later->later);
        return 0;
}

Test(loop, later_work_comes_after_all_callbacks_of_its_turn) {
        struct later_probe later = { .loop = &loop };
        struct order_probe a = { .later = &later }, b = { .later = &later };

        loop_later_init(&later.later, later_on_turn);
        cr_assert_eq(loop_io_init(&a.io, &loop, fds[0], order_on_io), 0);
        cr_assert_eq(loop_io_init(&b.io, &loop, fds[1], order_on_io), 0);
        cr_assert_eq(write(fds[0], "x", 1), 1);
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert_eq(loop_turn(&loop, true), 0);
        cr_expect_eq(a.n_later_before + b.n_later_before, 0);
        cr_expect_eq(later.n_calls, 1);
        loop_io_deinit(&a.io);
        loop_io_deinit(&b.io);
}

struct timer_probe {
        struct loop_timer timer;
        uint64_t fired_us;
};

static int timer_on_due(struct loop_timer *timer) {
        struct timer_probe *probe = container_of(timer, struct timer_probe, timer);

        probe->fired_us = clock_now_us();
        loop_stop(timer->loop);
        return 0;
}

Test(loop, a_timer_is_never_early) {
        for (uint64_t delay_us = 1; delay_us < 20000; delay_us = delay_us * 3 + 700) {
                struct timer_probe probe = { .fired_us = 0 };
                uint64_t start_us;

                cr_assert_eq(loop_timer_init(&probe.timer, &loop, timer_on_due), 0);
                start_us = clock_now_us();
                cr_assert_eq(loop_timer_set(&probe.timer, delay_us), 0);
                cr_assert_eq(loop_run(&loop), 0);
                cr_expect_geq(probe.fired_us, start_us + delay_us);
                loop_timer_deinit(&probe.timer);
        }
}

Test(loop, setting_a_timer_again_moves_it_and_clearing_stops_it) {
        struct timer_probe moved = { .fired_us = 0 }, cleared = { .fired_us = 0 };

        cr_assert_eq(loop_timer_init(&moved.timer, &loop, timer_on_due), 0);
        cr_assert_eq(loop_timer_init(&cleared.timer, &loop, timer_on_due), 0);
        cr_assert_eq(loop_timer_set(&moved.timer, UINT64_MAX), 0);
        cr_assert_eq(loop_timer_set(&moved.timer, 5000), 0);
        cr_assert_eq(loop_timer_set(&cleared.timer, 1000), 0);
        loop_timer_clear(&cleared.timer);
        cr_assert_eq(loop_run(&loop), 0);
        cr_expect_gt(moved.fired_us, 0);
        cr_expect_eq(cleared.fired_us, 0);
        loop_timer_deinit(&moved.timer);
        loop_timer_deinit(&cleared.timer);
}

static int signal_number;

static int signal_on_event(struct loop_signal *s, int number) {
        signal_number = number;
        loop_stop(s->loop);
        return 0;
}

Test(loop, a_signal_is_delivered_in_the_loop) {
        struct loop_signal s;

        cr_assert_eq(loop_signal_init(&s, &loop, SIGUSR1, signal_on_event), 0);
        raise(SIGUSR1);
        cr_expect_eq(signal_number, 0);
        cr_assert_eq(loop_run(&loop), 0);
        cr_expect_eq(signal_number, SIGUSR1);
        loop_signal_deinit(&s);
}
