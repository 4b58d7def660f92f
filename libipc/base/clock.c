/*
 * clock.c - time is uint64_t microseconds of the monotonic clock, everywhere.
 */
#include "libipc/base/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t clock_read_us(clockid_t id) {
        struct timespec ts;
        int r;

        r = clock_gettime(id, &ts);
        assert(r == 0);
        return (uint64_t)ts.tv_sec * CLOCK_S_US + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_now_us(void) {
        return clock_read_us(CLOCK_MONOTONIC);
}

uint64_t clock_boot_us(void) {
        return clock_read_us(CLOCK_BOOTTIME);
}

uint64_t clock_wall_us(void) {
        return clock_read_us(CLOCK_REALTIME);
}
