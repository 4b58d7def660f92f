/*
 * test_event.c - what becomes of a long message whose rest never comes.
 */
#include "worker/event.h"

#include <criterion/criterion.h>
#include <string.h>

#include "libipc/status.h"

#define CID 5u

static struct event_reader reader;

static void setup(void) {
        event_reader_init(&reader);
}

static void teardown(void) {
        event_reader_deinit(&reader);
}

TestSuite(event, .init = setup, .fini = teardown);

static struct wire_extra part(const char *values, bool more) {
        return (struct wire_extra){ .values = (const uint8_t *)values,
                                    .values_len = strlen(values),
                                    .more = more };
}

Test(event, a_withdrawn_call_leaves_no_part_behind) {
        struct wire_frame half = { .kind = THOX__FRAME__BODY_CALL,
                                   .call = { .cid = CID },
                                   .extra = part("half", true) };
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = CID;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        struct wire_frame withdrawal = { .kind = THOX__FRAME__BODY_CANCEL, .message = &m };
        struct event *e;
        cr_assert_eq(event_read(&reader, NULL, &half, &e), EVENT_E_PARTIAL);
        cr_assert_eq(event_read(&reader, NULL, &withdrawal, &e), EVENT_OK);
        cr_assert(list_is_empty(&reader.partial));
        event_free(&reader, e);
}

Test(event, half_an_answer_is_no_part_of_the_refusal_that_follows) {
        struct wire_frame half = { .kind = THOX__FRAME__BODY_ANSWER,
                                   .answer = { .cid = CID },
                                   .extra = part("half", true) };
        struct wire_frame refusal = {
                .kind = THOX__FRAME__BODY_ANSWER,
                .answer = { .cid = CID, .status = STATUS_DEAD, .flags = WIRE_FLAG_CONTINUED },
                .extra = part("dead", false)
        };
        struct event *e;
        cr_assert_eq(event_read(&reader, NULL, &half, &e), EVENT_E_PARTIAL);
        cr_assert_eq(event_read(&reader, NULL, &refusal, &e), EVENT_OK);
        cr_assert_eq(e->status, STATUS_DEAD);
        cr_assert(e->values_len == 4 && memcmp(e->values, "dead", 4) == 0);
        event_free(&reader, e);
}
