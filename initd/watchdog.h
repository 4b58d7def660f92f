/*
 * watchdog.h - ends programs and daemons that have stopped reading: suspended, or lost in a function that
 * nothing interrupts. Nobody is asked whether he lives: the kernel knows what lies unread in his socket.
 * It looks once a second while anything is unread, and not at all while nothing is.
 */
#pragma once

#include "libipc/loop.h"

struct initd;

/* Embedded in struct initd. */
struct watchdog {
        struct initd *initd;
        struct loop_timer timer;
};

int watchdog_init(struct watchdog *w, struct initd *initd);
void watchdog_deinit(struct watchdog *w);
/* Something was written to somebody. */
void watchdog_on_written(struct watchdog *w);
