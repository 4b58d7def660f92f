/*
 * daemon.h - what initd starts from a file and keeps running for ever: storaged, runtimed and the
 * zygote of the workers. Each has a socket on its descriptor 3 and ends when that closes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "initd/supervise.h"

struct initd;
struct peer;

enum daemon_id {
        DAEMON_STORAGED,
        DAEMON_RUNTIMED,
        DAEMON_ZYGOTE,
        _DAEMON_N,
};

/* Embedded in struct initd. */
struct daemon {
        struct initd *initd;
        enum daemon_id id;
        struct supervisor supervisor;
        uint32_t pid;
        pid_t linux_pid;   /* 0: none */
        struct peer *peer; /* NULL: no connection */
        bool has_been_ready;
        bool is_given_up; /* what it keeps is damaged: the tree goes on without it */
};

int daemon_init(struct daemon *d, struct initd *initd, enum daemon_id id);
void daemon_deinit(struct daemon *d);

const char *daemon_name(enum daemon_id id);
/* NULL when the number is none of them. */
struct daemon *daemon_find_linux_pid(struct initd *initd, pid_t linux_pid);

void daemon_start(struct daemon *d);
bool daemon_is_up(const struct daemon *d);
/* Up, or given up: nothing more is to be waited for. */
bool daemon_is_settled(const struct daemon *d);

/* Events. */
void daemon_on_hello(struct daemon *d);
/* It has bound a name. */
void daemon_on_bound(struct daemon *d);
void daemon_on_peer_closed(struct daemon *d, const struct peer *peer);
void daemon_on_reaped(struct daemon *d, int wait_status);
