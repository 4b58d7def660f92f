/*
 * fence.c - see fence.h.
 */
#include "storaged/fence.h"

static struct fence_wait *fence_pop(struct fence *f) {
        struct fence_wait *w = container_of(f->waiting.next, struct fence_wait, link);

        list_remove(&w->link);
        return w;
}

static int fence_deliver(struct loop_later *later) {
        struct fence *f = container_of(later, struct fence, deliver);

        while (f->next < f->end && !list_is_empty(&f->waiting)) {
                struct fence_wait *w = fence_pop(f);

                w->done(w, 0, f->next++);
        }
        if (!list_is_empty(&f->waiting) && !f->is_reserving) {
                f->is_reserving = true;
                f->reserve(f);
        }
        return 0;
}

void fence_init(struct fence *f, struct loop *loop, void (*reserve)(struct fence *f)) {
        *f = (struct fence){ .loop = loop, .reserve = reserve };
        list_init(&f->waiting);
        loop_later_init(&f->deliver, fence_deliver);
}

void fence_deinit(struct fence *f) {
        while (!list_is_empty(&f->waiting))
                fence_pop(f);
        loop_later_cancel(&f->deliver);
}

void fence_take(struct fence *f, struct fence_wait *w) {
        list_add_tail(&f->waiting, &w->link);
        loop_later_add(f->loop, &f->deliver);
}

void fence_cancel(struct fence_wait *w) {
        list_remove(&w->link);
}

void fence_on_reserved(struct fence *f, int r, uint64_t next, uint64_t end) {
        f->is_reserving = false;
        if (r >= 0) {
                f->next = next;
                f->end = end;
                loop_later_add(f->loop, &f->deliver);
                return;
        }
        /* Who comes while these are told asks for a block of its own. */
        struct list refused;
        list_init(&refused);
        list_move_all(&refused, &f->waiting);
        while (!list_is_empty(&refused)) {
                struct fence_wait *w = container_of(refused.next, struct fence_wait, link);

                list_remove(&w->link);
                w->done(w, r, 0);
        }
}
