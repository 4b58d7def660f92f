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

struct spawn_death;

/* Embedded in struct process, one per instance. */
struct obituary {
        bool is_said;    /* the worker sent Exit */
        bool is_removed; /* initd took it off the bus: violation, hang, failed start */
        bool is_killed;  /* initd sent SIGKILL because somebody wanted it to end */
        bool is_asked;   /* somebody asked it to end */
        uint32_t status, signal;
        enum exit_reason reason;
        double cpu_s;        /* that it used */
        uint64_t peak_bytes; /* its memory at its largest */
        char message[LIMIT_EXIT_MESSAGE_BYTES + 1];
        char locals[LIMIT_EXIT_LOCALS_BYTES + 1]; /* values in the functions of its traceback */
};

void obituary_init(struct obituary *o);

/* The worker's last frame. */
void obituary_on_exit(struct obituary *o, const Thox__Exit *body);
/* Why initd ended it; the first reason stays. */
void obituary_on_removed(struct obituary *o, enum exit_reason reason, const char *text);
/* The kernel's word, last: fills in what is still unknown. */
void obituary_on_reaped(struct obituary *o, const struct spawn_death *death);

/* It ended once more than supervision bears; what it said the last time is kept. */
void obituary_on_given_up(struct obituary *o);

bool obituary_is_success(const struct obituary *o);
/* A success, or asked for. */
bool obituary_is_ordinary(const struct obituary *o);
