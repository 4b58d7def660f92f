/*
 * obituary.h - how an instance of a program ended, as put together from what it said itself, what
 * the kernel said, and what initd did to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/limits.h"
#include "libipc/status.h"
#include "proto/frame.pb-c.h"

/* Embedded in struct process, one per instance. */
struct obituary {
        bool is_said;    /* the worker sent Exit */
        bool is_removed; /* initd took it off the bus: violation, hang, failed start */
        bool is_killed;  /* initd sent SIGKILL because somebody wanted it to end */
        bool is_asked;   /* somebody asked it to end */
        uint32_t status, signal;
        enum exit_reason reason;
        char message[LIMIT_EXIT_MESSAGE_BYTES + 1];
};

void obituary_init(struct obituary *o);

/* The worker's last frame. */
void obituary_on_exit(struct obituary *o, const Thox__Exit *body);
/* Why initd ended it; the first reason stays. */
void obituary_on_removed(struct obituary *o, enum exit_reason reason, const char *text);
/* The kernel's word, last: fills in what is still unknown. */
void obituary_on_reaped(struct obituary *o, int wait_status);

/* It ended once more than supervision bears; what it said the last time is kept. */
void obituary_on_given_up(struct obituary *o);

bool obituary_is_success(const struct obituary *o);
