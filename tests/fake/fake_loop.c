/*
 * fake_loop.c - see fake_loop.h.
 */
#include "tests/fake/fake_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "libipc/base/clock.h"

static uint64_t now_us = 1000 * CLOCK_S_US;

uint64_t clock_now_us(void) {
        return now_us;
}

uint64_t clock_boot_us(void) {
        return now_us;
}

uint64_t clock_wall_us(void) {
        return now_us;
}

enum event_type {
        EVENT_IO,
        EVENT_TIMER,
        EVENT_SIGNAL,
};

struct event {
        struct list link;
        enum event_type type;
        void *owner;
        int number;      /* descriptor or signal */
        uint64_t due_us; /* 0: not armed */
};

struct event_base {
        struct list events;
};

int loop_init(struct loop *l) {
        *l = (struct loop){ .base = calloc(1, sizeof(struct event_base)) };
        if (!l->base)
                return -ENOMEM;
        list_init(&l->base->events);
        list_init(&l->later);
        return 0;
}

void loop_deinit(struct loop *l) {
        free(l->base);
        l->base = NULL;
}

static struct event *event_add(struct loop *l, enum event_type type, void *owner, int number) {
        struct event *e = calloc(1, sizeof(*e));
        if (!e)
                return NULL;
        *e = (struct event){ .type = type, .owner = owner, .number = number };
        list_add_tail(&l->base->events, &e->link);
        return e;
}

static void event_remove(struct event *e) {
        if (!e)
                return;
        list_remove(&e->link);
        free(e);
}

/* ---- descriptors --------------------------------------------------------------------------- */

int loop_io_init(struct loop_io *io,
                 struct loop *l,
                 int fd,
                 int (*callback)(struct loop_io *io, bool is_readable, bool is_writable)) {
        *io = (struct loop_io){ .loop = l, .callback = callback, .wants_read = true };
        io->read_event = event_add(l, EVENT_IO, io, fd);
        return io->read_event ? 0 : -ENOMEM;
}

void loop_io_deinit(struct loop_io *io) {
        event_remove(io->read_event);
        io->read_event = NULL;
}

int loop_io_want(struct loop_io *io, bool wants_read, bool wants_write) {
        io->wants_read = wants_read;
        io->wants_write = wants_write;
        return 0;
}

/* ---- timers -------------------------------------------------------------------------------- */

int loop_timer_init(struct loop_timer *t,
                    struct loop *l,
                    int (*callback)(struct loop_timer *timer)) {
        *t = (struct loop_timer){ .loop = l, .callback = callback };
        t->event = event_add(l, EVENT_TIMER, t, -1);
        return t->event ? 0 : -ENOMEM;
}

void loop_timer_deinit(struct loop_timer *t) {
        event_remove(t->event);
        t->event = NULL;
}

int loop_timer_set(struct loop_timer *t, uint64_t delay_us) {
        t->event->due_us = now_us + delay_us;
        return 0;
}

void loop_timer_clear(struct loop_timer *t) {
        t->event->due_us = 0;
}

/* ---- signals and laters -------------------------------------------------------------------- */

int loop_signal_init(struct loop_signal *s,
                     struct loop *l,
                     int number,
                     int (*callback)(struct loop_signal *signal, int number)) {
        *s = (struct loop_signal){ .loop = l, .callback = callback };
        s->event = event_add(l, EVENT_SIGNAL, s, number);
        return s->event ? 0 : -ENOMEM;
}

void loop_signal_deinit(struct loop_signal *s) {
        event_remove(s->event);
        s->event = NULL;
}

void loop_later_init(struct loop_later *d, int (*callback)(struct loop_later *later)) {
        list_init(&d->link);
        d->callback = callback;
}

void loop_later_add(struct loop *l, struct loop_later *d) {
        if (list_is_empty(&d->link))
                list_add_tail(&l->later, &d->link);
}

void loop_later_cancel(struct loop_later *d) {
        list_remove(&d->link);
}

void loop_stop(struct loop *l) {
        l->is_stopping = true;
}

/* ---- running ------------------------------------------------------------------------------- */

static void note(struct loop *l, int r) {
        if (r < 0 && l->error == 0)
                l->error = r;
}

static void run_laters(struct loop *l) {
        while (!list_is_empty(&l->later)) {
                struct loop_later *d = container_of(l->later.next, struct loop_later, link);
                list_remove(&d->link);
                note(l, d->callback(d));
        }
}

/* One ready descriptor; a callback may remove any event, so the walk begins anew after each. */
static bool run_ready_io(struct loop *l) {
        list_for_each(link, &l->base->events) {
                struct event *e = container_of(link, struct event, link);
                struct loop_io *io = e->owner;
                if (e->type != EVENT_IO || (!io->wants_read && !io->wants_write))
                        continue;
                struct pollfd p = { .fd = e->number };
                p.events = (short)((io->wants_read ? POLLIN : 0) | (io->wants_write ? POLLOUT : 0));
                if (poll(&p, 1, 0) <= 0)
                        continue;
                note(l, io->callback(io, io->wants_read && (p.revents & ~POLLOUT),
                                     io->wants_write && (p.revents & ~POLLIN)));
                run_laters(l);
                return true;
        }
        return false;
}

int loop_turn(struct loop *l, bool wait) {
        (void)wait;
        run_laters(l);
        run_ready_io(l);
        return l->error;
}

void fake_loop_settle(struct loop *l) {
        run_laters(l);
        for (int i = 0; i < 10000 && run_ready_io(l); i++)
                ;
}

int loop_run(struct loop *l) {
        fake_loop_settle(l);
        return l->error;
}

static struct event *next_timer(const struct loop *l) {
        struct event *next = NULL;
        list_for_each(link, &l->base->events) {
                struct event *e = container_of(link, struct event, link);
                if (e->type == EVENT_TIMER && e->due_us != 0 && (!next || e->due_us < next->due_us))
                        next = e;
        }
        return next;
}

void fake_loop_advance(struct loop *l, uint64_t us) {
        uint64_t until_us = now_us + us;
        struct event *e;
        fake_loop_settle(l);
        while ((e = next_timer(l)) && e->due_us <= until_us) {
                struct loop_timer *t = e->owner;
                now_us = e->due_us > now_us ? e->due_us : now_us;
                e->due_us = 0;
                note(l, t->callback(t));
                fake_loop_settle(l);
        }
        now_us = until_us;
}

void fake_loop_signal(struct loop *l, int number) {
        list_for_each(link, &l->base->events) {
                struct event *e = container_of(link, struct event, link);
                struct loop_signal *s = e->owner;
                if (e->type == EVENT_SIGNAL && e->number == number) {
                        note(l, s->callback(s, number));
                        break;
                }
        }
        fake_loop_settle(l);
}

size_t fake_loop_n_timers(const struct loop *l) {
        size_t n = 0;
        list_for_each(link, &l->base->events) {
                const struct event *e = container_of(link, struct event, link);
                n += e->type == EVENT_TIMER && e->due_us != 0;
        }
        return n;
}
