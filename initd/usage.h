/*
 * usage.h - what a Linux process uses now, read from /proc at the moment of asking.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
        bool is_running;       /* wants the CPU now; else it waits */
        double cpu_s;          /* user and system time */
        uint64_t memory_bytes; /* proportional set size; shared pages count their part, or wholly
                                * where we may not look so deep: we are not root, and it is undumpable */
};

/* Zeroes for a process that is gone. */
void usage_read(pid_t pid, struct usage *ret);
