/*
 * test_mailbox.c - which events a filter takes, and in which order they lie.
 */
#include "worker/mailbox.h"

#include <criterion/criterion.h>
#include <string.h>

static struct event make(enum event_type type, uint64_t cid, uint32_t handle, const char *name) {
        struct event e = { .type = type, .cid = cid, .handle = handle, .fd = -1 };
        list_init(&e.link);
        e.name = (const uint8_t *)name;
        e.name_len = strlen(name);
        return e;
}

/* row 39 */
Test(mailbox, a_filter_takes_what_all_its_fields_allow) {
        struct event call = make(EVENT_TYPE_CALL, 5, 2, "name");
        struct event answer = make(EVENT_TYPE_ANSWER, 6, 0, "");
        struct filter f = { 0 };
        cr_assert(filter_matches(&f, &call) && filter_matches(&f, &answer));
        f.types = 1u << EVENT_TYPE_ANSWER;
        cr_assert(!filter_matches(&f, &call) && filter_matches(&f, &answer));
        f = (struct filter){ .name = "name", .name_len = 4 };
        cr_assert(filter_matches(&f, &call) && !filter_matches(&f, &answer));
        f.handle = 3;
        cr_assert(!filter_matches(&f, &call));
        f = (struct filter){ .cid = 6 };
        cr_assert(!filter_matches(&f, &call) && filter_matches(&f, &answer));
        f = (struct filter){ .pull = 9 };
        cr_assert(filter_matches(&f, &call));
        call.tried_by = 9;
        cr_assert(!filter_matches(&f, &call));
}

Test(mailbox, only_some_filters_take_terminate) {
        cr_assert(filter_takes_terminate(&(struct filter){ 0 }));
        cr_assert(filter_takes_terminate(&(struct filter){ .types = 1u << EVENT_TYPE_TERMINATE }));
        cr_assert(!filter_takes_terminate(&(struct filter){ .types = 1u << EVENT_TYPE_CALL }));
        cr_assert(!filter_takes_terminate(&(struct filter){ .cid = 1 }));
        cr_assert(!filter_takes_terminate(&(struct filter){ .name = "a", .name_len = 1 }));
}

Test(mailbox, lanes_keep_the_order_of_arrival) {
        struct event calls[2] = { make(EVENT_TYPE_CALL, 1, 1, "a"),
                                  make(EVENT_TYPE_CALL, 2, 1, "b") };
        struct event answer = make(EVENT_TYPE_ANSWER, 3, 0, "");
        struct event exited = make(EVENT_TYPE_EXIT, 0, 0, "");
        struct filter any = { 0 };
        struct mailbox m;
        mailbox_init(&m);
        mailbox_add(&m, &calls[0]);
        mailbox_add(&m, &answer);
        mailbox_add(&m, &calls[1]);
        mailbox_add(&m, &exited);
        cr_assert_eq(mailbox_find_in(&m, MAILBOX_LANE_CONTROL, &any), &exited);
        cr_assert_eq(mailbox_find_in(&m, MAILBOX_LANE_ANSWER, &any), &answer);
        cr_assert_eq(mailbox_find_in(&m, MAILBOX_LANE_CALL, &any), &calls[0]);
        list_remove(&calls[0].link);
        cr_assert_eq(mailbox_find_in(&m, MAILBOX_LANE_CALL, &any), &calls[1]);
        cr_assert_null(mailbox_find_in(&m, MAILBOX_LANE_CALL, &(struct filter){ .cid = 1 }));
}
