/*
 * notify.h - what the service manager is told (sd_notify). Without libsystemd, or not started by
 * systemd, everything here does nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/loop.h"

/* Embedded in struct initd. */
struct notify {
        struct loop_timer watchdog;
        uint64_t period_us; /* 0: no watchdog */
};

/* Begins the watchdog pings when WATCHDOG_USEC asks for them. */
int notify_init(struct notify *n, struct loop *loop);
void notify_deinit(struct notify *n);

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *text);
