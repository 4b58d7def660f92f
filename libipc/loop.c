/*
 * loop.c - the event loop, and the only file that includes libevent.
 *
 * libevent waits and says what is ready; turns are ours: one event_base_loop(EVLOOP_ONCE), which is
 * one epoll_wait and the callbacks of what it found, then the later queue. libevent's timers go by a
 * clock of jiffies, so a timer that fires early by that clock's grain is set again for the rest.
 */
#include "libipc/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"

static void loop_check(struct loop *l, int r) {
        if (r >= 0 || l->error < 0)
                return;

        l->error = r;
        event_base_loopbreak(l->base);
}

int loop_init(struct loop *l) {
        struct event_config *config;

        *l = (struct loop){ 0 };
        list_init(&l->later);

        config = event_config_new();
        if (!config)
                return error_origin(ENOMEM);
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
        l->base = event_base_new_with_config(config);
        event_config_free(config);
        return l->base ? 0 : error_origin(ENOMEM);
}

void loop_deinit(struct loop *l) {
        if (l->base)
                event_base_free(l->base);
        l->base = NULL;
}

static void loop_run_later(struct loop *l) {
        while (l->error == 0 && !list_is_empty(&l->later)) {
                struct loop_later *later = container_of(l->later.next, struct loop_later, link);

                /* Unlinked first: it may queue itself again, or free itself. */
                list_remove(&later->link);
                loop_check(l, later->callback(later));
        }
}

int loop_turn(struct loop *l, bool wait) {
        const bool may_wait = wait && list_is_empty(&l->later);
        int error;

        if (event_base_loop(l->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY |
                                             (may_wait ? 0 : EVLOOP_NONBLOCK)) < 0)
                return error_origin(EIO);
        loop_run_later(l);

        error = l->error;
        l->error = 0;
        return error_trace(error);
}

int loop_run(struct loop *l) {
        int r = 0;

        while (r == 0 && !l->is_stopping)
                r = loop_turn(l, true);
        l->is_stopping = false;
        return error_trace(r);
}

void loop_stop(struct loop *l) {
        l->is_stopping = true;
}

/* Descriptors. */

static void loop_io_on_event(evutil_socket_t fd UNUSED, short what, void *userdata) {
        struct loop_io *io = userdata;
        struct loop *const l = io->loop;

        loop_check(l, io->callback(io, (what & EV_READ) != 0, (what & EV_WRITE) != 0));
}

int loop_io_init(struct loop_io *io,
                 struct loop *l,
                 int fd,
                 int (*callback)(struct loop_io *io, bool is_readable, bool is_writable)) {
        int r;

        *io = (struct loop_io){ .loop = l, .callback = callback };
        io->read_event = event_new(l->base, fd, EV_READ | EV_PERSIST, loop_io_on_event, io);
        io->write_event = event_new(l->base, fd, EV_WRITE | EV_PERSIST, loop_io_on_event, io);
        if (!io->read_event || !io->write_event) {
                loop_io_deinit(io);
                return error_origin(ENOMEM);
        }

        r = loop_io_want(io, true, false);
        if (r < 0)
                loop_io_deinit(io);
        return error_trace(r);
}

void loop_io_deinit(struct loop_io *io) {
        if (io->read_event)
                event_free(io->read_event);
        if (io->write_event)
                event_free(io->write_event);
        io->read_event = io->write_event = NULL;
        io->wants_read = io->wants_write = false;
}

static int loop_io_switch(struct event *event, bool *is_on, bool want) {
        if (*is_on == want)
                return 0;
        if ((want ? event_add(event, NULL) : event_del(event)) < 0)
                return error_origin(errno > 0 ? errno : EIO);
        *is_on = want;
        return 0;
}

int loop_io_want(struct loop_io *io, bool wants_read, bool wants_write) {
        int r;

        r = loop_io_switch(io->read_event, &io->wants_read, wants_read);
        if (r == 0)
                r = loop_io_switch(io->write_event, &io->wants_write, wants_write);
        return error_trace(r);
}

/* Timers. */

static int loop_timer_arm(struct loop_timer *t, uint64_t delay_us) {
        const struct timeval delay = {
                .tv_sec = (time_t)(delay_us / CLOCK_S_US),
                .tv_usec = (suseconds_t)(delay_us % CLOCK_S_US),
        };

        return event_add(t->event, &delay) < 0 ? error_origin(ENOMEM) : 0;
}

static void loop_timer_on_event(evutil_socket_t fd UNUSED, short what UNUSED, void *userdata) {
        struct loop_timer *t = userdata;
        struct loop *const l = t->loop;
        const uint64_t now_us = clock_now_us();

        if (now_us < t->due_us) {
                loop_check(l, loop_timer_arm(t, t->due_us - now_us));
                return;
        }
        t->due_us = 0;
        loop_check(l, t->callback(t));
}

int loop_timer_init(struct loop_timer *t,
                    struct loop *l,
                    int (*callback)(struct loop_timer *timer)) {
        *t = (struct loop_timer){ .loop = l, .callback = callback };
        t->event = event_new(l->base, -1, 0, loop_timer_on_event, t);
        return t->event ? 0 : error_origin(ENOMEM);
}

void loop_timer_deinit(struct loop_timer *t) {
        if (t->event)
                event_free(t->event);
        t->event = NULL;
        t->due_us = 0;
}

int loop_timer_set(struct loop_timer *t, uint64_t delay_us) {
        int r;

        /* A year is for ever, and keeps sums and time_t far from their ends. */
        if (delay_us > 366 * 86400 * CLOCK_S_US)
                delay_us = 366 * 86400 * CLOCK_S_US;
        r = loop_timer_arm(t, delay_us);
        if (r < 0)
                return error_trace(r);
        t->due_us = clock_now_us() + delay_us;
        return 0;
}

void loop_timer_clear(struct loop_timer *t) {
        event_del(t->event);
        t->due_us = 0;
}

/* Signals. */

static void loop_signal_on_event(evutil_socket_t number, short what UNUSED, void *userdata) {
        struct loop_signal *s = userdata;
        struct loop *const l = s->loop;

        loop_check(l, s->callback(s, (int)number));
}

int loop_signal_init(struct loop_signal *s,
                     struct loop *l,
                     int number,
                     int (*callback)(struct loop_signal *signal, int number)) {
        *s = (struct loop_signal){ .loop = l, .callback = callback };
        s->event = event_new(l->base, number, EV_SIGNAL | EV_PERSIST, loop_signal_on_event, s);
        if (!s->event || event_add(s->event, NULL) < 0) {
                loop_signal_deinit(s);
                return error_origin(ENOMEM);
        }
        return 0;
}

void loop_signal_deinit(struct loop_signal *s) {
        if (s->event)
                event_free(s->event);
        s->event = NULL;
}

/* Later. */

void loop_later_init(struct loop_later *d, int (*callback)(struct loop_later *later)) {
        *d = (struct loop_later){ .callback = callback };
        list_init(&d->link);
}

void loop_later_add(struct loop *l, struct loop_later *d) {
        if (list_is_empty(&d->link))
                list_add_tail(&l->later, &d->link);
}

void loop_later_cancel(struct loop_later *d) {
        list_remove(&d->link);
}
