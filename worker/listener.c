/*
 * listener.c - see listener.h.
 */
#include "worker/listener.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "worker/event.h"

#define LISTENER_TELLS 4u /* times per full mailbox */

void listeners_init(struct listeners *all) {
        list_init(&all->all);
}

struct listener *listener_new(uint32_t handle, const void *name, size_t len) {
        struct listener *l = calloc(1, sizeof(*l) + len);
        if (!l)
                return NULL;
        l->handle = handle;
        l->limit = LIMIT_QUEUE_EVENTS;
        l->name_len = len;
        memcpy(l->name, name, len);
        list_init(&l->link);
        list_init(&l->events);
        return l;
}

struct listener *listener_free(struct listener *l) {
        if (!l)
                return NULL;
        while (listener_pop(l))
                ;
        list_remove(&l->link);
        free(l);
        return NULL;
}

void listener_add(struct listeners *all, struct listener *l, uint32_t sid) {
        l->sid = sid;
        list_add_tail(&all->all, &l->link);
}

struct listener *listener_find_sid(const struct listeners *all, uint32_t sid) {
        list_for_each(node, &all->all) {
                struct listener *l = container_of(node, struct listener, link);
                if (l->sid == sid)
                        return l;
        }
        return NULL;
}

struct listener *listener_find(const struct listeners *all,
                               uint32_t handle,
                               const void *name,
                               size_t len) {
        list_for_each(node, &all->all) {
                struct listener *l = container_of(node, struct listener, link);
                if (l->handle == handle && l->name_len == len && memcmp(l->name, name, len) == 0)
                        return l;
        }
        return NULL;
}

static void listener_remove(struct listener *l, struct event *e) {
        list_remove(&e->listener_link);
        l->n_waiting--;
        l->n_waiting_bytes -= e->values_len;
}

struct event *listener_pop(struct listener *l) {
        if (list_is_empty(&l->events))
                return NULL;
        struct event *e = container_of(l->events.next, struct event, listener_link);
        listener_remove(l, e);
        return e;
}

void listener_receive(struct listener *l, struct event *e) {
        e->dropped += l->n_lost;
        l->n_lost = 0;
        list_add_tail(&l->events, &e->listener_link);
        l->n_waiting++;
        l->n_waiting_bytes += e->values_len;
}

struct event *listener_shed(struct listener *l) {
        if (l->is_counted || (l->n_waiting <= l->limit && l->n_waiting_bytes <= LIMIT_QUEUE_BYTES))
                return NULL;
        struct event *oldest = listener_pop(l);
        if (oldest)
                listener_lose(l, oldest);
        return oldest;
}

void listener_lose(struct listener *l, const struct event *e) {
        uint64_t n = e->dropped + 1;
        if (list_is_empty(&l->events))
                l->n_lost += n;
        else
                container_of(l->events.next, struct event, listener_link)->dropped += n;
}

struct taken listener_take(struct listener *l, struct event *e) {
        struct taken taken = { 0 };
        listener_remove(l, e);
        if (!l->is_counted)
                return taken;
        l->untold.n++;
        l->untold.n_bytes += e->values_len;
        if (l->n_waiting > 0 && l->untold.n < l->limit / LISTENER_TELLS &&
            l->untold.n_bytes < LIMIT_QUEUE_BYTES / LISTENER_TELLS)
                return taken;
        taken = l->untold;
        l->untold = (struct taken){ 0 };
        return taken;
}
