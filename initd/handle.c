/*
 * handle.c - see handle.h. Numbers rotate through the table: the search for a free slot starts behind
 * the last one given out.
 */
#include "initd/handle.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "initd/queue.h"
#include "libipc/base/error.h"

#define HANDLE_FIRST_SLOTS 8u

void handle_table_init(struct handle_table *t, size_t max) {
        *t = (struct handle_table){ .next = 1, .max = max };
}

void handle_table_deinit(struct handle_table *t) {
        assert(t->n_used == 0);
        free(t->slots);
        *t = (struct handle_table){ 0 };
}

static int handle_table_grow(struct handle_table *t) {
        size_t n_slots = t->n_slots == 0 ? HANDLE_FIRST_SLOTS : t->n_slots * 2;
        if (n_slots > t->max)
                return HANDLE_E_LIMIT;
        struct handle **slots = realloc(t->slots, n_slots * sizeof(*slots));
        if (!slots)
                return error_origin(ENOMEM);
        for (size_t i = t->n_slots; i < n_slots; i++)
                slots[i] = NULL;
        t->slots = slots;
        t->next = t->n_slots == 0 ? 1 : t->n_slots;
        t->n_slots = n_slots;
        return 0;
}

/* Slot 0 is the default context's and is never given out here: a closed one stays closed. Half of the
 * table stays free, so that a number rests before it comes back. */
static int handle_table_find_free(struct handle_table *t, size_t *ret_slot) {
        if (t->n_slots == 0 || (t->n_used >= t->n_slots / 2 && t->n_slots < t->max)) {
                int r = handle_table_grow(t);
                if (r != 0)
                        return r;
        }
        for (size_t i = 0; i < t->n_slots; i++) {
                size_t slot = (t->next + i) % t->n_slots;
                if (slot != 0 && !t->slots[slot]) {
                        *ret_slot = slot;
                        return 0;
                }
        }
        return HANDLE_E_LIMIT;
}

static int handle_new_at(
        struct peer *p, size_t slot, struct context *c, uint32_t rights, struct handle **ret) {
        struct handle *h = calloc(1, sizeof(*h));
        if (!h)
                return error_origin(ENOMEM);
        h->peer = p;
        h->context = context_ref(c);
        h->number = (uint32_t)slot + 1;
        h->rights = rights;
        list_init(&h->bindings);
        list_add_tail(&c->holders, &h->holder_link);
        c->n_holders++;
        p->handles.slots[slot] = h;
        p->handles.n_used++;
        p->handles.next = slot + 1;
        *ret = h;
        return 0;
}

int handle_give(struct peer *p, struct context *c, uint32_t rights, struct handle **ret) {
        if (c->owner == p && c->owner_handle != 0) {
                *ret = p->handles.slots[c->owner_handle - 1];
                return 0;
        }
        size_t slot;
        int r = handle_table_find_free(&p->handles, &slot);
        if (r != 0)
                return r;
        return error_trace(handle_new_at(p, slot, c, rights, ret));
}

int handle_push(struct peer *p, struct context *c, uint32_t rights, struct handle **ret) {
        if (c->owner != p && p->handles.n_used >= LIMIT_HANDLES_PUSHED)
                return HANDLE_E_LIMIT;
        return error_trace(handle_give(p, c, rights, ret));
}

int handle_give_default(struct peer *p, struct context *c, uint32_t rights) {
        struct handle *h;
        if (p->handles.n_slots == 0) {
                int r = handle_table_grow(&p->handles);
                if (r != 0)
                        return error_fold(r);
        }
        assert(!p->handles.slots[0]);
        return error_trace(handle_new_at(p, 0, c, rights, &h));
}

struct handle *handle_find(const struct peer *p, uint32_t number) {
        if (number == 0 || number > p->handles.n_slots)
                return NULL;
        return p->handles.slots[number - 1];
}

void handle_remove(struct handle *h) {
        struct handle_table *t = &h->peer->handles;
        queue_drop_through(h);
        while (!list_is_empty(&h->bindings))
                binding_drop(container_of(h->bindings.next, struct binding, through_link));
        assert(t->slots[h->number - 1] == h);
        t->slots[h->number - 1] = NULL;
        t->n_used--;
        list_remove(&h->holder_link);
        h->context->n_holders--;
        context_unref(h->context);
        free(h);
}
