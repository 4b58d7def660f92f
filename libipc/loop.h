/*
 * loop.h - the event loop. loop.c is the only file that includes libevent.
 *
 * Contract. One turn: take all ready events, run their callbacks, then everything queued with
 * loop_later (including what those queue), then sleep. A callback may deinit any object, its own
 * included, and must not touch it afterwards. A callback's result below zero stops the loop:
 * loop_run returns it (objects with an owner that can be ended handle their errors themselves).
 * Nothing polls: with no ready event the process sleeps in the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/list.h"

struct event;
struct event_base;

struct loop {
        struct event_base *base;
        struct list later; /* struct loop_later */
        int error;
        bool is_stopping;
};

int loop_init(struct loop *l);
void loop_deinit(struct loop *l);
/* Until loop_stop (returns 0) or a callback's error (returned). */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn; waits for an event only when `wait`. For tests and for clients that embed the loop. */
int loop_turn(struct loop *l, bool wait);

/* Readiness of a descriptor (level-triggered). Reading is wanted from the start. */
struct loop_io {
        struct loop *loop;
        struct event *read_event, *write_event;
        int (*callback)(struct loop_io *io, bool is_readable, bool is_writable);
        bool wants_read, wants_write;
};
int loop_io_init(struct loop_io *io,
                 struct loop *l,
                 int fd,
                 int (*callback)(struct loop_io *io, bool is_readable, bool is_writable));
void loop_io_deinit(struct loop_io *io);
int loop_io_want(struct loop_io *io, bool wants_read, bool wants_write);

/* One-shot timer; setting it again moves it. Never early. */
struct loop_timer {
        struct loop *loop;
        struct event *event;
        uint64_t due_us; /* monotonic; 0: not set */
        int (*callback)(struct loop_timer *timer);
};
int loop_timer_init(struct loop_timer *t,
                    struct loop *l,
                    int (*callback)(struct loop_timer *timer));
void loop_timer_deinit(struct loop_timer *t);
int loop_timer_set(struct loop_timer *t, uint64_t delay_us);
void loop_timer_clear(struct loop_timer *t);
static inline bool loop_timer_is_set(const struct loop_timer *t) {
        return t->due_us != 0;
}

/* A signal, delivered in the loop. */
struct loop_signal {
        struct loop *loop;
        struct event *event;
        int (*callback)(struct loop_signal *signal, int number);
};
int loop_signal_init(struct loop_signal *s,
                     struct loop *l,
                     int number,
                     int (*callback)(struct loop_signal *signal, int number));
void loop_signal_deinit(struct loop_signal *s);

/* Runs once at the end of this turn. Queuing a queued one is harmless. */
struct loop_later {
        struct list link;
        int (*callback)(struct loop_later *later);
};
void loop_later_init(struct loop_later *d, int (*callback)(struct loop_later *later));
void loop_later_add(struct loop *l, struct loop_later *d);
void loop_later_cancel(struct loop_later *d);
