/*
 * interrupt.h - signals and the like as lines that programs wait for, as a microkernel hands hardware
 * interrupts to its drivers. What comes while a waiter is busy is kept as one bit of its line: none is
 * forgotten, however often it came. A line that nobody waits for is dropped.
 */
#pragma once

#include <stdint.h>

#include "libipc/base/list.h"

struct call;
struct peer;

/* SIGHUP, SIGUSR1 and SIGUSR2 raise the lines of their numbers. */
#define INTERRUPT_LINES 64u

/* Embedded in struct initd. */
struct interrupts {
        struct list waiters; /* struct interrupt_waiter */
};

void interrupts_init(struct interrupts *i);

/* Answers `call` with the mask of what has come of `lines` since the caller's wait before, as soon as
 * there is any. From its first wait until its end a caller misses nothing. */
void interrupt_wait(struct interrupts *i, struct call *call, uint64_t lines);
/* How many wait for it, busy ones included. */
unsigned interrupt_raise(struct interrupts *i, unsigned line);
void interrupts_on_closed(struct interrupts *i, const struct peer *peer);
