/*
 * mailbox.h - events in the order they are to be seen, and filters over them. Control events go before
 * answers, answers before calls, calls before what is pushed; within a lane they keep the order of arrival, and calls that of call_queue.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "worker/call_queue.h"
#include "worker/event.h"

enum mailbox_lane {
        MAILBOX_LANE_CONTROL,
        MAILBOX_LANE_ANSWER,
        MAILBOX_LANE_CALL,
        MAILBOX_LANE_QUEUE,
        _MAILBOX_LANE_N,
};

struct mailbox {
        struct list lanes[_MAILBOX_LANE_N]; /* struct event; that of calls is not used */
        struct call_queue calls;
};

/* What a pull accepts; zeroes accept everything. */
struct filter {
        uint32_t types;   /* bit 1 << type each; 0: any */
        uint32_t handle;  /* 0: any */
        uint64_t cid;     /* 0: any */
        const char *name; /* NULL: any; borrowed */
        size_t name_len;
        uint64_t pull;   /* not 0: events that this pull has not tried yet */
        uint64_t serial; /* not 0: this one event */
};

bool filter_matches(const struct filter *f, const struct event *e);
/* Whether a terminate event would be taken. */
bool filter_takes_terminate(const struct filter *f);

void mailbox_init(struct mailbox *m);
void mailbox_add(struct mailbox *m, struct event *e);
/* The first that matches, left in place; NULL when none does. */
struct event *mailbox_find_in(struct mailbox *m, enum mailbox_lane lane, const struct filter *f);
void mailbox_clear(struct mailbox *m, struct event_reader *r);
