/*
 * test_listener.c - what waits for a program that listens: what goes when it is full, what initd hears,
 * and that no loss is untold.
 */
#include "worker/listener.h"

#include <criterion/criterion.h>
#include <string.h>

#include "libipc/limits.h"
#include "worker/event.h"

static struct listener *l;
static struct event events[8];

static void set_up(void) {
        l = listener_new(1, "news", 4);
        cr_assert(l);
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
                events[i] = (struct event){ .type = EVENT_TYPE_QUEUE, .number = i, .fd = -1 };
                list_init(&events[i].link);
                list_init(&events[i].listener_link);
        }
}

static void tear_down(void) {
        l = listener_free(l);
}

/* What goes for an event that comes. */
static struct event *receive(size_t i) {
        listener_receive(l, &events[i]);
        return listener_shed(l);
}

TestSuite(listener, .init = set_up, .fini = tear_down);

/* row 65 */
Test(listener, the_oldest_goes_and_the_next_says_so) {
        l->limit = 2;
        cr_assert_null(receive(0));
        cr_assert_null(receive(1));
        cr_assert_eq(receive(2), &events[0]);
        cr_assert_eq(receive(3), &events[1]);
        cr_assert_eq(events[2].dropped, 2);
        cr_assert_eq(events[3].dropped, 0);
        cr_assert_eq(l->n_waiting, 2);
}

/* row 65 */
Test(listener, with_room_for_one_the_new_one_says_so) {
        l->limit = 1;
        events[0].dropped = 5;
        cr_assert_null(receive(0));
        cr_assert_eq(receive(1), &events[0]);
        cr_assert_eq(events[1].dropped, 6);
}

/* row 65 */
Test(listener, has_a_limit_of_bytes_as_well) {
        for (size_t i = 0; i < 3; i++)
                events[i].values_len = LIMIT_QUEUE_BYTES / 2;
        events[3].values_len = LIMIT_QUEUE_BYTES / 2 + 1;
        cr_assert_null(receive(0));
        cr_assert_null(receive(1));
        cr_assert_eq(receive(2), &events[0]);
        cr_assert_eq(receive(3), &events[1]);
        cr_assert_eq(listener_shed(l), &events[2], "one goes after the other until there is room");
        cr_assert_null(listener_shed(l));
        cr_assert_eq(events[3].dropped, 3);
        listener_take(l, &events[3]);
        cr_assert_eq(l->n_waiting_bytes, 0);
}

/* row 65 */
Test(listener, initd_hears_of_bytes_before_they_hold_up_others) {
        l->limit = 4096;
        l->is_counted = true;
        for (size_t i = 0; i < 3; i++) {
                events[i].values_len = LIMIT_QUEUE_BYTES / 8;
                cr_assert_null(receive(i));
        }
        cr_assert_eq(listener_take(l, &events[0]).n, 0);
        struct taken taken = listener_take(l, &events[1]);
        cr_assert_eq(taken.n, 2);
        cr_assert_eq(taken.n_bytes, LIMIT_QUEUE_BYTES / 4);
}

Test(listener, what_nobody_can_read_is_told_with_the_next) {
        listener_receive(l, &events[0]);
        listener_take(l, &events[0]);
        listener_lose(l, &events[0]);
        listener_receive(l, &events[1]);
        cr_assert_eq(events[1].dropped, 1);
        listener_receive(l, &events[2]);
        cr_assert_eq(events[2].dropped, 0);
}

/* row 65 */
Test(listener, initd_hears_in_batches_and_when_all_is_taken) {
        l->limit = 8;
        l->is_counted = true;
        for (size_t i = 0; i < 4; i++)
                listener_receive(l, &events[i]);
        cr_assert_eq(listener_take(l, &events[0]).n, 0);
        cr_assert_eq(listener_take(l, &events[1]).n, 2, "a quarter of the limit");
        cr_assert_eq(listener_take(l, &events[2]).n, 0);
        cr_assert_eq(listener_take(l, &events[3]).n, 2, "the last one that waits");
        l->is_counted = false;
        listener_receive(l, &events[4]);
        cr_assert_eq(listener_take(l, &events[4]).n, 0, "drop-oldest is nobody's business");
}

Test(listener, is_found_by_id_and_by_place) {
        struct listeners all;
        listeners_init(&all);
        listener_add(&all, l, 7);
        cr_assert_eq(listener_find_sid(&all, 7), l);
        cr_assert_null(listener_find_sid(&all, 8));
        cr_assert_eq(listener_find(&all, 1, "news", 4), l);
        cr_assert_null(listener_find(&all, 2, "news", 4));
        cr_assert_null(listener_find(&all, 1, "new", 3));
        l = listener_free(l);
        cr_assert_null(listener_find_sid(&all, 7));
}
