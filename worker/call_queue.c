/*
 * call_queue.c - see call_queue.h.
 */
#include "worker/call_queue.h"

#include "worker/event.h"
#include "worker/mailbox.h"

void call_queue_add(struct call_queue *q, struct event *e) {
        uint32_t priority = wire_priority(e->flags);
        if ((q->used & 1u << priority) == 0)
                list_init(&q->lists[priority]);
        q->used |= 1u << priority;
        list_add_tail(&q->lists[priority], &e->link);
}

bool call_queue_goes_before(const struct event *a, const struct event *b) {
        return a->order != b->order ? a->order < b->order : a->serial < b->serial;
}

static struct event *list_find(const struct list *list, const struct filter *filter) {
        list_for_each(node, list) {
                struct event *e = container_of(node, struct event, link);
                if (!filter || filter_matches(filter, e))
                        return e;
        }
        return NULL;
}

struct event *call_queue_find(struct call_queue *q, const struct filter *filter) {
        struct event *best = NULL;
        for (unsigned left = q->used; left != 0; left &= left - 1) {
                unsigned priority = (unsigned)__builtin_ctz(left);
                if (list_is_empty(&q->lists[priority]))
                        q->used &= ~(1u << priority);
                struct event *e = list_find(&q->lists[priority], filter);
                if (e && (!best || call_queue_goes_before(e, best)))
                        best = e;
        }
        return best;
}
