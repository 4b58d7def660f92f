/*
 * test_call_queue.c - the order in which calls that wait are served.
 */
#include "worker/call_queue.h"

#include <criterion/criterion.h>

#include "worker/event.h"
#include "worker/mailbox.h"

#define MS 1000u

static struct call_queue q;
static struct event calls[16];
static size_t n_calls;

static void set_up(void) {
        call_queue_init(&q);
        n_calls = 0;
}

static struct event *add(uint64_t now_us, uint32_t priority) {
        struct event *e = &calls[n_calls++];
        *e = (struct event){ .type = EVENT_TYPE_CALL,
                             .flags = wire_priority_flags(priority),
                             .serial = n_calls,
                             .cid = n_calls,
                             .order = call_queue_order(now_us, priority) };
        list_init(&e->link);
        call_queue_add(&q, e);
        return e;
}

static struct event *take_next(void) {
        struct event *e = call_queue_find(&q, NULL);
        if (e)
                list_remove(&e->link);
        return e;
}

TestSuite(call_queue, .init = set_up);

/* row 21 */
Test(call_queue, higher_priorities_first_and_equal_ones_as_they_came) {
        struct event *low = add(1 * MS, 0);
        struct event *middle[2] = { add(2 * MS, 4), add(2 * MS, 4) };
        struct event *high = add(3 * MS, 7);
        cr_assert_eq(take_next(), high);
        cr_assert_eq(take_next(), middle[0]);
        cr_assert_eq(take_next(), middle[1]);
        cr_assert_eq(take_next(), low);
        cr_assert_null(take_next());
        cr_assert(call_queue_is_empty(&q));
}

/* row 21 */
Test(call_queue, a_level_is_made_up_for_by_a_tenth_of_a_second) {
        struct event *low = add(0, 3);
        struct event *before = add(99 * MS, 4);
        struct event *equal = add(100 * MS, 4);
        struct event *after = add(101 * MS, 4);
        cr_assert_eq(take_next(), before);
        cr_assert_eq(take_next(), low, "of equal ones the first to arrive");
        cr_assert_eq(take_next(), equal);
        cr_assert_eq(take_next(), after);
}

/* row 21 */
Test(call_queue, a_lowest_call_waits_for_less_than_seven_levels) {
        struct event *low = add(0, 0);
        add(699 * MS, 7);
        struct event *late = add(701 * MS, 7);
        take_next();
        cr_assert_eq(take_next(), low);
        cr_assert_eq(take_next(), late);
}

Test(call_queue, a_filter_takes_the_next_that_it_matches) {
        add(0, 7);
        struct event *wanted = add(0, 1);
        add(0, 1);
        cr_assert_eq(call_queue_find(&q, &(struct filter){ .cid = wanted->cid }), wanted);
        cr_assert_null(call_queue_find(&q, &(struct filter){ .cid = 99 }));
}
