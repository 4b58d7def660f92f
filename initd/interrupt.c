/*
 * interrupt.c - see interrupt.h.
 */
#include "initd/interrupt.h"

#include <assert.h>
#include <stdlib.h>

#include "initd/native.h"
#include "initd/record.h"

/* One for each peer that ever waited. */
struct interrupt_waiter {
        struct list link;
        struct peer *peer;
        uint64_t lines, pending;
        struct call *call; /* NULL: it is busy */
};

void interrupts_init(struct interrupts *i) {
        list_init(&i->waiters);
}

static struct interrupt_waiter *waiter_find(struct interrupts *i, const struct peer *peer) {
        list_for_each(link, &i->waiters) {
                struct interrupt_waiter *w = container_of(link, struct interrupt_waiter, link);
                if (w->peer == peer)
                        return w;
        }
        return NULL;
}

static struct interrupt_waiter *waiter_new(struct interrupts *i, struct peer *peer) {
        struct interrupt_waiter *w = calloc(1, sizeof(*w));
        if (!w)
                return NULL;
        w->peer = peer;
        list_add_tail(&i->waiters, &w->link);
        return w;
}

/* As a Lua integer: line 63 is its sign. */
static void waiter_answer(struct interrupt_waiter *w) {
        uint64_t mask = w->pending & w->lines;
        struct call *call = w->call;
        uint8_t bytes[16];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        if (!call || mask == 0)
                return;
        int r = value_put_integer(&values, (int64_t)mask);
        assert(r == 0);
        w->pending &= ~mask;
        w->call = NULL;
        native_answer(call, &values);
}

static void waiter_on_drop(struct call *call) {
        struct interrupt_waiter *w = call->userdata;
        w->call = NULL;
}

void interrupt_wait(struct interrupts *i, struct call *call, uint64_t lines) {
        struct interrupt_waiter *w = waiter_find(i, call->caller);
        if (!w)
                w = waiter_new(i, call->caller);
        if (!w) {
                native_refuse(call, STATUS_ERROR, "initd is out of memory");
                return;
        }
        if (w->call) {
                native_refuse(call, STATUS_BUSY, "another call of this process waits already");
                return;
        }
        w->lines = lines;
        w->call = call;
        call->userdata = w;
        call->on_drop = waiter_on_drop;
        waiter_answer(w);
}

unsigned interrupt_raise(struct interrupts *i, unsigned line) {
        uint64_t bit = UINT64_C(1) << line;
        unsigned n = 0;
        list_for_each_safe(link, &i->waiters) {
                struct interrupt_waiter *w = container_of(link, struct interrupt_waiter, link);
                if ((w->lines & bit) == 0)
                        continue;
                w->pending |= bit;
                n++;
                waiter_answer(w);
        }
        return n;
}

void interrupts_on_closed(struct interrupts *i, const struct peer *peer) {
        struct interrupt_waiter *w = waiter_find(i, peer);
        if (!w)
                return;
        list_remove(&w->link);
        free(w);
}
