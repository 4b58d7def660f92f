/*
 * call_queue.h - calls that wait, in the order they are to be served: higher priorities first, equal ones
 * in the order of arrival. A call gains one level per CALL_QUEUE_AGE_US that it waits, so that none
 * waits for ever.
 *
 * All calls age alike, so the order of two never changes: it is that of event.order, the time of
 * arrival moved back by the priority. One list per priority is in that order by itself, and the next
 * call is the smallest of at most eight heads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/wire.h"

#define CALL_QUEUE_AGE_US 100000u

struct event;
struct filter;

struct call_queue {
        unsigned used; /* bit 1 << priority: the list may hold some; the others are no lists yet */
        struct list lists[WIRE_PRIORITY_MAX + 1]; /* struct event, by priority */
};

/* What event.order is for a call that arrives now. */
static inline uint64_t call_queue_order(uint64_t now_us, uint32_t priority) {
        return now_us + (WIRE_PRIORITY_MAX - priority) * (uint64_t)CALL_QUEUE_AGE_US;
}

static inline void call_queue_init(struct call_queue *q) {
        q->used = 0;
}
/* Of two that wait. */
bool call_queue_goes_before(const struct event *a, const struct event *b);
/* list_remove of its link takes an event out again. */
void call_queue_add(struct call_queue *q, struct event *e);
/* The next that `filter` (NULL: any) matches, left in place; NULL when none does. */
struct event *call_queue_find(struct call_queue *q, const struct filter *filter);
static inline bool call_queue_is_empty(struct call_queue *q) {
        return !call_queue_find(q, NULL);
}
