/*
 * logger.h - where stderr leads nowhere, the log goes to files: initd's stderr, which the daemons
 * inherit, becomes a pipe to the program thox-logger (logger_main.c), which writes them. initd keeps
 * the other end too, so that the pipe outlives a logger that falls; what the pipe does not take is
 * dropped and counted by log.c.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "libipc/loop.h"

struct initd;

struct logger {
        struct initd *initd;
        pid_t linux_pid; /* 0: not running */
        int fd;          /* what it reads; -1: the log goes to stderr as it is */
        const char *dir;
        struct loop_timer retry;
};

enum logger_error {
        LOGGER_OK = 0,
        LOGGER_E_REFUSED = 1, /* has been said on stderr */
};

/* Begins, if the configuration says so or stderr is /dev/null. LOGGER_OK, LOGGER_E_REFUSED or < 0. */
int logger_init(struct logger *l, struct initd *initd);
void logger_deinit(struct logger *l);

/* A child ended: true if it was the logger, which is started again soon. */
bool logger_on_reaped(struct logger *l, pid_t linux_pid);
