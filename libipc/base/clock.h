/*
 * clock.h - time is uint64_t microseconds of the monotonic clock, everywhere.
 */
#pragma once

#include <stdint.h>

#define CLOCK_MS_US UINT64_C(1000)
#define CLOCK_S_US UINT64_C(1000000)

uint64_t clock_now_us(void);  /* monotonic */
uint64_t clock_boot_us(void); /* monotonic, and goes on while the machine sleeps */
uint64_t clock_wall_us(void); /* since the epoch; for people, never for deadlines */
