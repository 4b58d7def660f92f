/*
 * mailbox.c - see mailbox.h.
 */
#include "worker/mailbox.h"

#include <string.h>

#include "libipc/base/macros.h"

bool filter_matches(const struct filter *f, const struct event *e) {
        if (f->cid != 0 && f->cid != e->cid)
                return false;
        if (f->types != 0 && (f->types & 1u << e->type) == 0)
                return false;
        if (f->handle != 0 && f->handle != e->handle)
                return false;
        if (f->pull != 0 && e->tried_by == f->pull)
                return false;
        if (f->serial != 0 && e->serial != f->serial)
                return false;
        bool is_named = e->type == EVENT_TYPE_CALL || e->type == EVENT_TYPE_QUEUE;
        return !f->name || (is_named && f->name_len == e->name_len &&
                            memcmp(f->name, e->name, f->name_len) == 0);
}

bool filter_takes_terminate(const struct filter *f) {
        bool is_any = f->types == 0 || (f->types & 1u << EVENT_TYPE_TERMINATE) != 0;
        return is_any && f->cid == 0 && f->handle == 0 && !f->name;
}

void mailbox_init(struct mailbox *m) {
        for (size_t i = 0; i < ARRAY_SIZE(m->lanes); i++)
                list_init(&m->lanes[i]);
        call_queue_init(&m->calls);
}

static enum mailbox_lane event_lane(const struct event *e) {
        if (e->type == EVENT_TYPE_ANSWER)
                return MAILBOX_LANE_ANSWER;
        if (e->type == EVENT_TYPE_QUEUE)
                return MAILBOX_LANE_QUEUE;
        return MAILBOX_LANE_CONTROL;
}

void mailbox_add(struct mailbox *m, struct event *e) {
        e->is_mail = true;
        if (e->type == EVENT_TYPE_CALL)
                call_queue_add(&m->calls, e);
        else
                list_add_tail(&m->lanes[event_lane(e)], &e->link);
}

struct event *mailbox_find_in(struct mailbox *m, enum mailbox_lane lane, const struct filter *f) {
        if (lane == MAILBOX_LANE_CALL)
                return call_queue_find(&m->calls, f);
        list_for_each(node, &m->lanes[lane]) {
                struct event *e = container_of(node, struct event, link);
                if (filter_matches(f, e))
                        return e;
        }
        return NULL;
}

void mailbox_clear(struct mailbox *m, struct event_reader *r) {
        for (size_t i = 0; i < ARRAY_SIZE(m->lanes); i++)
                list_for_each_safe(node, &m->lanes[i])
                        event_free(r, container_of(node, struct event, link));
        for (struct event *e; (e = call_queue_find(&m->calls, NULL));)
                event_free(r, e);
}
