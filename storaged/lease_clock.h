/*
 * lease_clock.h - the clock by which keys expire. It goes on while the machine sleeps and while it is
 * off, never backwards, and within one boot no change of the time of day moves it.
 */
#pragma once

#include <stdint.h>

#include "storaged/disk.h"

#define LEASE_CLOCK_BOOT_ID_BYTES 36u
#define LEASE_CLOCK_BOOT_UNKNOWN '?' /* all of an id: it may be any boot */

struct lease_clock {
        char boot_id[LEASE_CLOCK_BOOT_ID_BYTES + 1];
        uint64_t base_us; /* what it is ahead of clock_boot_us */
};

/* The clocks of the machine, at one moment. */
struct lease_clock_sample {
        char boot_id[LEASE_CLOCK_BOOT_ID_BYTES + 1];
        uint64_t boot_us, wall_us;
};

/* Where the system hides which boot this is, its id is unknown. 0 or -errno. */
int lease_clock_sample(struct lease_clock_sample *ret);

/* Goes on where the disk says it was, or begins. In a transaction. DISK_OK or < 0. */
int lease_clock_open(struct lease_clock *ret,
                     struct disk *d,
                     const struct lease_clock_sample *sample);
/* Due in each transaction that stores a time of this clock. `now_us`: what it shows. */
int lease_clock_store(const struct lease_clock *c, struct disk *d, uint64_t now_us);

uint64_t lease_clock_now_us(const struct lease_clock *c);
