/*
 * test_past.c - the latest calls of a peer, as its report shows them.
 */
#include "initd/past.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "initd/record.h"
#include "libipc/limits.h"
#include "libipc/status.h"
#include "libipc/value.h"

static struct past past;

static void call(const char *name, uint32_t status) {
        char place[LIMIT_NAME_BYTES];
        memset(place, 'x', sizeof(place));
        memcpy(place, name, strlen(name));
        past_add(&past, place, strlen(name), status);
}

static void expect(const char *wanted) {
        struct buf text;
        struct record out;
        buf_init(&text, LIMIT_MESSAGE_BYTES);
        record_init(&out);
        past_record(&past, &out);
        cr_assert_eq(value_print(&text, out.values.data, out.values.len), 0);
        cr_assert_eq(buf_add(&text, "", 1), 0);
        cr_assert_str_eq((const char *)text.data, wanted);
        buf_deinit(&out.values);
        buf_deinit(&text);
}

Test(past, is_empty_at_first) {
        expect("'calls', {}");
}

Test(past, keeps_the_newest_calls_in_their_order) {
        char name[16];
        for (unsigned i = 0; i < 3 * PAST_CALLS; i++) {
                snprintf(name, sizeof(name), "old%u", i);
                call(name, STATUS_OK);
        }
        for (unsigned i = 0; i < PAST_CALLS - 2; i++)
                call("c", STATUS_OK);
        call("d", STATUS_DENIED);
        call("e", PAST_UNANSWERED);
        expect("'calls', {{name = 'c', status = 'OK'}, {name = 'c', status = 'OK'}, "
               "{name = 'c', status = 'OK'}, {name = 'c', status = 'OK'}, "
               "{name = 'c', status = 'OK'}, {name = 'c', status = 'OK'}, "
               "{name = 'd', status = 'DENIED'}, {name = 'e'}}");
}

Test(past, cuts_long_names) {
        char name[LIMIT_NAME_BYTES + 1] = "";
        memset(name, 'n', sizeof(name) - 1);
        call(name, PAST_UNANSWERED);
        char wanted[PAST_NAME_BYTES + 64];
        snprintf(wanted, sizeof(wanted), "'calls', {{name = '%.*s'}}", (int)PAST_NAME_BYTES, name);
        expect(wanted);
}
