/*
 * waiting.c - see waiting.h.
 */
#include "initd/waiting.h"

#include <stdlib.h>

/* Owned by the list it is in. */
struct waiting {
        struct list link;
        struct call *call;
};

static void waiting_on_dropped(struct call *call) {
        struct waiting *w = call->userdata;
        list_remove(&w->link);
        free(w);
}

bool waiting_add(struct list *waiting, struct call *call) {
        struct waiting *w = malloc(sizeof(*w));
        if (!w) {
                native_refuse(call, STATUS_ERROR, "initd is out of memory");
                return false;
        }
        w->call = call;
        call->userdata = w;
        call->on_drop = waiting_on_dropped;
        list_add_tail(waiting, &w->link);
        return true;
}

static struct call *waiting_take(struct list *waiting) {
        struct waiting *w = container_of(waiting->next, struct waiting, link);
        struct call *call = w->call;
        list_remove(&w->link);
        free(w);
        return call;
}

void waiting_answer(struct list *waiting) {
        while (!list_is_empty(waiting))
                native_answer(waiting_take(waiting), NULL);
}

void waiting_refuse(struct list *waiting, enum thox_status status, const char *message) {
        while (!list_is_empty(waiting))
                native_refuse(waiting_take(waiting), status, "%s", message);
}
