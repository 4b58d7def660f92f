/*
 * test_history.c - what watchers may count on: no gap that is not told, no revision in half.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/limits.h"
#include "libipc/value.h"
#include "storaged/history.h"
#include "tests/unit/storaged/store_fixture.h"

#define ID 7u

static struct history history;
static struct buf value;

static void set_up(void) {
        store_fixture_set_up_writing();
        history = (struct history){ 0 };
        buf_init(&value, LIMIT_HISTORY_BYTES);
        cr_assert_eq(value_put_text(&value, "v"), 0);
}

static void tear_down(void) {
        buf_deinit(&value);
        store_fixture_tear_down();
}

TestSuite(history, .init = set_up, .fini = tear_down);

static void add(uint64_t id, uint64_t revision, enum history_type type, uint32_t number) {
        struct history other = { 0 };
        struct history_event event = { .revision = revision, .type = type, .key = { "key", 3 } };

        if (type == HISTORY_TYPE_SET)
                event.value = (struct disk_bytes){ value.data, value.len };
        cr_assert_eq(history_add(fixture.disk, id, id == ID ? &history : &other, &event, number),
                     DISK_OK);
}

static void trim(void) {
        cr_assert_eq(history_trim(fixture.disk, ID, &history), DISK_OK);
}

struct seen {
        uint64_t revisions[4096];
        size_t n, n_sets;
};

static int see(void *userdata, const struct history_event *event) {
        struct seen *seen = userdata;

        cr_assert(event->key.len == 3 && memcmp(event->key.data, "key", 3) == 0);
        if (event->type == HISTORY_TYPE_SET) {
                cr_assert_eq(event->value.len, value.len);
                cr_assert(memcmp(event->value.data, value.data, value.len) == 0);
                seen->n_sets++;
        } else {
                cr_assert_eq(event->value.len, 0);
        }
        seen->revisions[seen->n++] = event->revision;
        return DISK_OK;
}

static struct seen *read_after(uint64_t revision) {
        static struct seen seen;

        seen.n = seen.n_sets = 0;
        cr_assert_eq(history_read(fixture.disk, ID, revision, see, &seen), DISK_OK);
        return &seen;
}

/* row 77 */
Test(history, a_watcher_goes_on_after_any_revision) {
        for (uint64_t revision = 1; revision <= 20; revision++)
                for (uint32_t number = 0; number < 3; number++)
                        add(ID, revision, (enum history_type)number, number);
        add(ID - 1, 3, HISTORY_TYPE_DEL, 0);
        add(ID + 1, 3, HISTORY_TYPE_DEL, 0);
        cr_assert_eq(disk_commit(fixture.disk), DISK_OK);
        store_fixture_reopen();
        cr_assert_eq(disk_begin(fixture.disk, false), DISK_OK);

        for (uint64_t after = 0; after <= 20; after++) {
                struct seen *seen = read_after(after);
                cr_assert(history_reaches(&history, after));
                cr_assert_eq(seen->n, 3 * (20 - after));
                cr_assert_eq(seen->n_sets, 20 - after);
                for (size_t i = 0; i < seen->n; i++)
                        cr_assert_eq(seen->revisions[i], after + 1 + i / 3);
        }
}

/* row 77 */
Test(history, the_oldest_revisions_are_forgotten_whole) {
        for (uint64_t revision = 1; revision <= 1000; revision++) {
                for (uint32_t number = 0; number < 3; number++)
                        add(ID, revision, HISTORY_TYPE_SET, number);
                trim();
                cr_assert_leq(history.n_events, LIMIT_HISTORY_EVENTS / 8 * 9);
        }
        struct seen *seen = read_after(0);
        cr_assert_eq(seen->n, history.n_events);
        cr_assert_eq(seen->n % 3, 0);
        cr_assert_eq(seen->revisions[0], history.first);
        cr_assert_eq(seen->revisions[seen->n - 1], 1000);
        cr_assert_geq(seen->n, LIMIT_HISTORY_EVENTS - 3);

        cr_assert(history_reaches(&history, history.first));
        cr_assert(history_reaches(&history, history.first - 1));
        cr_assert_not(history_reaches(&history, history.first - 2));
}

Test(history, long_values_leave_room_for_the_newest_change) {
        uint8_t *bytes = calloc(1, LIMIT_HISTORY_BYTES / 2);

        buf_clear(&value);
        cr_assert_eq(value_put_bytes(&value, bytes, LIMIT_HISTORY_BYTES / 2), 0);
        for (uint64_t revision = 1; revision <= 10; revision++) {
                add(ID, revision, HISTORY_TYPE_SET, 0);
                add(ID, revision, HISTORY_TYPE_SET, 1);
                add(ID, revision, HISTORY_TYPE_SET, 2);
                trim();
        }
        struct seen *seen = read_after(0);
        cr_assert_eq(seen->n, 3);
        cr_assert_eq(seen->revisions[0], 10);
        cr_assert_eq(history.first, 10);
        free(bytes);
}

Test(history, nothing_is_left_of_an_object_that_goes) {
        for (uint64_t id = ID - 1; id <= ID + 1; id++)
                for (uint64_t revision = 1; revision <= 9; revision++)
                        add(id, revision, HISTORY_TYPE_DEL, 0);
        cr_assert_eq(history_remove(fixture.disk, ID), DISK_OK);
        cr_assert_eq(read_after(0)->n, 0);
        struct seen seen = { .n = 0 };
        cr_assert_eq(history_read(fixture.disk, ID + 1, 0, see, &seen), DISK_OK);
        cr_assert_eq(seen.n, 9);
}

static int stop_at_five(void *userdata, const struct history_event *event UNUSED) {
        return ++*(size_t *)userdata == 5 ? 42 : DISK_OK;
}

Test(history, a_reader_may_stop) {
        size_t n = 0;

        for (uint64_t revision = 1; revision <= 9; revision++)
                add(ID, revision, HISTORY_TYPE_DEL, 0);
        cr_assert_eq(history_read(fixture.disk, ID, 0, stop_at_five, &n), 42);
        cr_assert_eq(n, 5);
}
