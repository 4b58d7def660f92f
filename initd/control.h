/*
 * control.h - the socket that thoxctl and other clients connect to. Each client becomes a peer with
 * a pid of its own and the native context; who it may be is decided here from SO_PEERCRED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libipc/loop.h"

struct initd;
struct peer;

/* Embedded in struct initd. */
struct control {
        struct initd *initd;
        int fd; /* -1: closed */
        struct loop_io io;
        struct loop_timer retry;       /* while it is paused */
        size_t n_clients, n_strangers; /* strangers: not allowed in, not told so yet */
        bool is_paused; /* out of descriptors or memory; goes on when a peer leaves, or after a while */
};

enum control_error {
        CONTROL_OK = 0,
        CONTROL_E_REFUSED = 1, /* has been logged */
};

/* Binds and listens; replaces a stale socket, which the caller has made sure is nobody's. Clients wait
 * in the backlog until control_open. */
int control_init(struct control *c, struct initd *initd, const char *path);
int control_open(struct control *c);
/* Accepts no more; its clients stay. */
void control_close(struct control *c);

/* The thox uid of a client with that Linux uid in a tree of `owner`; -1: may not connect. */
int64_t control_map_uid(uid_t uid, uid_t owner);

/* Welcome, or the reason why not. */
void control_on_hello(struct control *c, struct peer *peer);
void control_on_closed(struct control *c, const struct peer *peer);
/* A peer of any kind has gone, and its descriptor with it. */
void control_resume(struct control *c);
