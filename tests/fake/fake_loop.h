/*
 * fake_loop.h - replaces libipc/loop.c and libipc/base/clock.c by link order: time stands still until
 * the test moves it, descriptors are real, nothing ever sleeps.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/loop.h"

/* Runs laters and ready descriptors until nothing more happens. */
void fake_loop_settle(struct loop *loop);
/* Moves the clock, firing what falls due in order, settling after each. */
void fake_loop_advance(struct loop *loop, uint64_t us);
/* Delivers a signal, then settles. */
void fake_loop_signal(struct loop *loop, int number);
/* Timers that would wake the process. */
size_t fake_loop_n_timers(const struct loop *loop);
