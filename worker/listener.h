/*
 * listener.h - the queues this process listens to, and the events of each that its program has not taken
 * yet. A listener in the mode drop-oldest keeps house here; for the other modes initd counts, and is told
 * now and then what was taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"

struct event;
struct task;

/* Events that a program has seen, which initd is to know. */
struct taken {
        uint32_t n;
        uint64_t n_bytes;
};

/* Owned by the list once listening is confirmed, before by the request. */
struct listener {
        struct list link;   /* listeners.all */
        struct list events; /* struct event: waiting, oldest first */
        struct task *task;  /* who listened; NULL when that task is gone */
        uint32_t sid, handle;
        uint32_t limit, n_waiting;
        uint64_t n_waiting_bytes;
        struct taken untold;
        bool is_counted; /* by initd: drop-new and block */
        uint64_t n_lost; /* to be told with the next event that comes */
        size_t name_len;
        char name[];
};

struct listeners {
        struct list all;
};

void listeners_init(struct listeners *all);

/* Not in the list yet; NULL: no memory. */
struct listener *listener_new(uint32_t handle, const void *name, size_t len);
/* Events that still wait are nobody's from here on. */
struct listener *listener_free(struct listener *l);
void listener_add(struct listeners *all, struct listener *l, uint32_t sid);
struct listener *listener_find_sid(const struct listeners *all, uint32_t sid);
/* The first with that name. */
struct listener *listener_find(const struct listeners *all,
                               uint32_t handle,
                               const void *name,
                               size_t len);

/* An event has come. */
void listener_receive(struct listener *l, struct event *e);
/* An old one that goes for it, to be freed by the caller: NULL as soon as there is room for all. */
struct event *listener_shed(struct listener *l);
/* The event leaves for the program. Returns what initd is to be told; n 0: nothing now. */
struct taken listener_take(struct listener *l, struct event *e);
/* The program never gets to see `e`, which waits no longer: the next event says so. */
void listener_lose(struct listener *l, const struct event *e);
/* The first event that waits, out of the list; NULL when none does. */
struct event *listener_pop(struct listener *l);
