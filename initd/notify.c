/*
 * notify.c - see notify.h; the only file that uses libsystemd.
 */
#include "initd/notify.h"

#include "libipc/base/error.h"

#if THOX_HAVE_SYSTEMD

#        include <systemd/sd-daemon.h>

static int notify_on_watchdog(struct loop_timer *timer) {
        struct notify *n = container_of(timer, struct notify, watchdog);
        sd_notify(0, "WATCHDOG=1");
        return error_trace(loop_timer_set(&n->watchdog, n->period_us));
}

int notify_init(struct notify *n, struct loop *loop) {
        *n = (struct notify){ 0 };
        int r = loop_timer_init(&n->watchdog, loop, notify_on_watchdog);
        if (r < 0)
                return error_trace(r);

        uint64_t limit_us;
        if (sd_watchdog_enabled(0, &limit_us) <= 0)
                return 0;
        n->period_us = limit_us / 2;
        r = loop_timer_set(&n->watchdog, n->period_us);
        if (r < 0)
                loop_timer_deinit(&n->watchdog);
        return error_trace(r);
}

void notify_deinit(struct notify *n) {
        loop_timer_deinit(&n->watchdog);
}

void notify_ready(void) {
        sd_notify(0, "READY=1\nSTATUS=running");
}

void notify_stopping(void) {
        sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void notify_status(const char *text) {
        sd_notifyf(0, "STATUS=%s", text);
}

#else

int notify_init(struct notify *n, struct loop *loop UNUSED) {
        *n = (struct notify){ 0 };
        return 0;
}

void notify_deinit(struct notify *n UNUSED) {
}

void notify_ready(void) {
}

void notify_stopping(void) {
}

void notify_status(const char *text UNUSED) {
}

#endif
