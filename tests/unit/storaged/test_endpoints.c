/*
 * test_endpoints.c - storaged as initd sees it, over a socket.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/storaged/initd_fixture.h"

TestSuite(storaged, .init = initd_set_up, .fini = initd_tear_down);

Test(storaged, what_was_set_is_got_also_after_a_restart) { /* row 66 */
        uint32_t a = send_set(NATIVE, "program.set", "p", "print(1)", NONE, NULL), b, c, d;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        initd_restart();
        b = send_name(NATIVE, "program.get", "p", NONE);
        c = send_name(NATIVE, "library.get", "p", NONE);
        d = send_name(NATIVE, "program.get", "p", 7);
        initd_turn();
        expect_answer(b, STATUS_OK, "'print(1)', 1");
        expect_failure(c, STATUS_NOTFOUND, "no library \"p\"");
        expect_failure(d, STATUS_NOTFOUND, "has no version 7");
}

static uint32_t send_get_known(const char *name, int64_t known) {
        struct buf values;
        uint32_t call;

        buf_init(&values, 1000);
        cr_assert_eq(value_put_text(&values, name), 0);
        cr_assert_eq(value_put_nil(&values), 0);
        cr_assert_eq(value_put_integer(&values, known), 0);
        call = send_call(NATIVE, "program.get", &values);
        buf_deinit(&values);
        return call;
}

Test(storaged, bytes_that_the_caller_has_are_not_sent_again) {
        uint32_t a = send_set(NATIVE, "program.set", "p", "print(1)", NONE, NULL), b, c, d;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        b = send_get_known("p", 1);
        c = send_get_known("p", 0);
        d = send_get_known("init", 0);
        initd_turn();
        expect_answer(b, STATUS_OK, "nil, 1");
        expect_answer(c, STATUS_OK, "'print(1)', 1");
        expect_answer(d, STATUS_OK, "nil, 0");
}

Test(storaged, libraries_and_runtimes_are_stores_of_their_own) { /* rows 67, 68 */
        uint32_t a = send_set(NATIVE, "library.set", "l", "return 1", NONE, NULL);
        uint32_t b = send_set(NATIVE, "runtime.set", "l", "x = 1", NONE, NULL), c, d, e;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        expect_answer(b, STATUS_OK, "1");
        c = send_name(NATIVE, "library.get", "l", NONE);
        d = send_name(NATIVE, "runtime.get", "l", NONE);
        e = send_name(NATIVE, "program.get", "l", NONE);
        initd_turn();
        expect_answer(c, STATUS_OK, "'return 1', 1");
        expect_answer(d, STATUS_OK, "'x = 1', 1");
        expect_failure(e, STATUS_NOTFOUND, "no program");
}

Test(storaged, source_that_does_not_compile_is_not_stored) { /* row 66 */
        uint32_t a = send_set(NATIVE, "program.set", "p", "syntax error", NONE, NULL), b;

        initd_turn();
        expect_answer(a, STATUS_BADCODE, "'p:1: syntax error'");
        b = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_failure(b, STATUS_NOTFOUND, "no program \"p\"");
}

Test(storaged, empty_source_is_stored) { /* row 66 */
        uint32_t a = send_set(NATIVE, "program.set", "p", "", NONE, NULL), b;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        cr_assert_eq(initd.n_checks, 1);
        b = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_answer(b, STATUS_OK, "'', 1");
}

Test(storaged, without_runtimed_nothing_new_is_stored) { /* row 66 */
        static const enum thox_status statuses[] = { STATUS_UNAVAIL, STATUS_NOTBOUND, STATUS_DEAD };

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                initd.check = statuses[i];
                uint32_t a = send_set(NATIVE, "program.set", "p", "x", NONE, NULL);
                initd_turn();
                expect_failure(a, STATUS_UNAVAIL, "nothing was stored");
        }
        uint32_t b = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_failure(b, STATUS_NOTFOUND, "no program");
}

Test(storaged, names_follow_the_rules) { /* row 66 */
        static const char *const bad[] = { "", "a/b", "a#b", "@a", ".", "..", "a\n" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                uint32_t a = send_set(NATIVE, "program.set", bad[i], "x", NONE, NULL);
                uint32_t b = send_name(NATIVE, "program.get", bad[i], NONE);
                uint32_t c = send_name(NATIVE, "program.versions", bad[i], NONE);
                uint32_t d = send_name(NATIVE, "program.rollback", bad[i], NONE);
                initd_turn();
                expect_failure(a, STATUS_BADARGS, "bad name");
                expect_failure(b, STATUS_BADARGS, "bad name");
                expect_failure(c, STATUS_BADARGS, "bad name");
                expect_failure(d, STATUS_BADARGS, "bad name");
        }
        cr_assert_eq(initd.n_checks, 0);
}

Test(storaged, wrong_arguments_are_answered_with_the_usage) {
        struct buf none;
        uint32_t calls[6];

        buf_init(&none, 16);
        calls[0] = send_call(NATIVE, "program.get", &none);
        calls[1] = send_call(NATIVE, "program.set", &none);
        calls[2] = send_name(NATIVE, "program.set", "only-a-name", NONE);
        calls[3] = send_name(NATIVE, "program.get", "p", -2);
        calls[4] = send_name(NATIVE, "program.list", "p", NONE);
        calls[5] = send_call(NATIVE, "store.delegate", &none);
        initd_turn();
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                expect_failure(calls[i], STATUS_BADARGS, "usage: ");
}

Test(storaged, a_stale_version_conflicts) { /* row 81 */
        uint32_t a = send_set(NATIVE, "program.set", "p", "1", 0, NULL);
        uint32_t b = send_set(NATIVE, "program.set", "p", "2", 1, NULL);
        uint32_t c = send_set(NATIVE, "program.set", "p", "3", 1, NULL);
        uint32_t d, e;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        expect_answer(b, STATUS_OK, "2");
        expect_failure(c, STATUS_CONFLICT, "is at version 2, not 1");
        d = send_set(NATIVE, "program.set", "p", NULL, 1, NULL);
        initd_turn();
        expect_failure(d, STATUS_CONFLICT, "is at version 2, not 1");
        e = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_answer(e, STATUS_OK, "'2', 2");
}

/* Both were checked before either was stored: the second must not win by the first's version. */
Test(storaged, of_two_sets_checked_at_once_one_conflicts) { /* row 81 */
        uint32_t a, b;

        initd.holds_checks = true;
        a = send_set(NATIVE, "program.set", "p", "1", 0, NULL);
        b = send_set(NATIVE, "program.set", "p", "2", 0, NULL);
        initd_turn();
        cr_assert_eq(initd.n_held, 2);
        release_checks();
        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        expect_failure(b, STATUS_CONFLICT, "is at version 1, not 0");
}

Test(storaged, deleting_hides_and_rolling_back_restores) { /* row 66 */
        uint32_t a = send_set(NATIVE, "program.set", "p", "1", NONE, NULL), b, c, d, e, f;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        b = send_set(NATIVE, "program.set", "p", NULL, NONE, NULL);
        c = send_set(NATIVE, "program.set", "never", NULL, NONE, NULL);
        initd_turn();
        expect_answer(b, STATUS_OK, "2");
        expect_failure(c, STATUS_NOTFOUND, "no program \"never\"");
        d = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_failure(d, STATUS_NOTFOUND, "was deleted (version 2); program.rollback brings it");
        initd.check = STATUS_UNAVAIL; /* what was checked once needs no runtimed */
        e = send_name(NATIVE, "program.rollback", "p", NONE);
        initd_turn();
        expect_answer(e, STATUS_OK, "3");
        f = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_answer(f, STATUS_OK, "'1', 3");
}

Test(storaged, the_boot_store_shows_through) { /* row 80 */
        uint32_t a = send_name(NATIVE, "program.get", "init", NONE), b, c, d, e;

        initd_turn();
        expect_answer(a, STATUS_OK, "'boot init', 0");
        b = send_set(NATIVE, "program.set", "init", "mine", 0, NULL);
        initd_turn();
        expect_answer(b, STATUS_OK, "1");
        c = send_name(NATIVE, "program.get", "init", NONE);
        d = send_name(NATIVE, "program.get", "init", 0);
        e = send_name(NATIVE, "program.rollback", "only-boot", NONE);
        initd_turn();
        expect_answer(c, STATUS_OK, "'mine', 1");
        expect_answer(d, STATUS_OK, "'boot init', 0");
        expect_failure(e, STATUS_NOTFOUND, "has no earlier version");
}

Test(storaged, listings_say_what_there_is) { /* rows 66, 80 */
        uint32_t a = send_set(NATIVE, "program.set", "a", "12345", NONE, "first"), b, c, d, e;
        char *text;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        b = send_set(NATIVE, "program.set", "only-boot", NULL, NONE, NULL);
        initd_turn();
        expect_answer(b, STATUS_OK, "1");
        c = send_name(NATIVE, "program.list", NULL, NONE);
        d = send_name(NATIVE, "program.versions", "only-boot", NONE);
        e = send_name(NATIVE, "program.versions", "never", NONE);
        initd_turn();
        expect_failure(e, STATUS_NOTFOUND, "no program");
        expect_failure(c, STATUS_OK, "name = 'a', version = 1, size = 5, time = ");
        expect_failure(c, STATUS_OK, "name = 'init', version = 0, size = 9, time = 0.0");
        expect_failure(d, STATUS_OK, "version = 1, size = 0, time = ");
        expect_failure(d, STATUS_OK, "note = '', deleted = true");
        expect_failure(d, STATUS_OK, "note = 'boot store', deleted = false");
        text = strndup((const char *)initd.answers[c].values.data, initd.answers[c].values.len);
        cr_assert_null(strstr(text, "only-boot"));
        free(text);
}

Test(storaged, a_version_carries_its_note) {
        uint32_t a = send_set(NATIVE, "program.set", "a", "1", NONE, "why it was changed"), b;

        initd_turn();
        expect_answer(a, STATUS_OK, "1");
        b = send_name(NATIVE, "program.versions", "a", NONE);
        initd_turn();
        expect_failure(b, STATUS_OK, "note = 'why it was changed', deleted = false");
}

Test(storaged, limits_are_named_with_their_value) {
        char *content = malloc(LIMIT_SOURCE_BYTES + 2), note[LIMIT_NOTE_BYTES + 2];
        uint32_t a, b, c, d;

        cr_assert_not_null(content);
        memset(content, '-', LIMIT_SOURCE_BYTES + 1);
        content[LIMIT_SOURCE_BYTES + 1] = '\0';
        memset(note, 'n', sizeof(note) - 1);
        note[sizeof(note) - 1] = '\0';
        a = send_set(NATIVE, "program.set", "p", content, NONE, NULL);
        b = send_set(NATIVE, "program.set", "p", "x", NONE, note);
        content[LIMIT_SOURCE_BYTES] = '\0';
        c = send_set(NATIVE, "program.set", "p", content, NONE, NULL);
        initd_turn();
        expect_failure(a, STATUS_LIMIT, "limit of 4194304 bytes");
        expect_failure(b, STATUS_LIMIT, "limit of 1024 bytes for a note");
        expect_answer(c, STATUS_OK, "1");
        d = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        cr_assert_eq(initd.answers[d].status, STATUS_OK);
        cr_assert_gt(initd.answers[d].values.len, LIMIT_SOURCE_BYTES);
        free(content);
}

Test(storaged, many_sets_in_one_turn_are_all_answered) {
        uint32_t calls[64], check;
        char name[8];

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                snprintf(name, sizeof(name), "p%zu", i);
                calls[i] = send_set(NATIVE, "program.set", name, i % 8 == 3 ? "syntax error" : "1",
                                    i % 8 == 5 ? 9 : 0, NULL);
        }
        initd_turn();
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                if (i % 8 == 3)
                        expect_failure(calls[i], STATUS_BADCODE, "p:1:");
                else if (i % 8 == 5)
                        expect_failure(calls[i], STATUS_CONFLICT, "is at version 0, not 9");
                else
                        expect_answer(calls[i], STATUS_OK, "1");
        }
        initd_restart();
        check = send_name(NATIVE, "program.get", "p62", NONE);
        initd_turn();
        expect_answer(check, STATUS_OK, "'1', 1");
}

Test(storaged, a_set_cancelled_before_its_commit_stores_nothing) {
        uint32_t a, b;

        initd.holds_checks = true;
        a = send_set(NATIVE, "program.set", "p", "1", NONE, NULL);
        initd_turn();
        send_cancel(a);
        initd_turn();
        release_checks();
        initd_turn();
        cr_assert(!initd.answers[a].has_arrived);
        b = send_name(NATIVE, "program.get", "p", NONE);
        initd_turn();
        expect_failure(b, STATUS_NOTFOUND, "no program");
}

Test(storaged, ending_with_work_in_hand_leaks_nothing) {
        initd.holds_checks = true;
        send_set(NATIVE, "program.set", "p", "1", NONE, NULL);
        initd_turn();
        send_set(NATIVE, "program.set", "q", "1", NONE, NULL);
        send_name(NATIVE, "store.delegate", "x.", NONE);
        initd_restart();
}

Test(storaged, a_delegate_changes_only_names_with_its_prefix) { /* row 79 */
        uint32_t a = send_name(NATIVE, "store.delegate", "x.", NONE), handle;
        uint32_t set_own, set_other, roll_other, get, list, versions, more;

        initd_turn();
        cr_assert(initd.answers[a].has_arrived && initd.answers[a].status == STATUS_OK);
        handle = initd.answers[a].handle;
        cr_assert_neq(handle, 0);
        set_own = send_set(handle, "program.set", "x.mine", "1", NONE, NULL);
        set_other = send_set(handle, "program.set", "xmine", "1", NONE, NULL);
        roll_other = send_name(handle, "library.rollback", "init", NONE);
        get = send_name(handle, "program.get", "init", NONE);
        list = send_name(handle, "program.list", NULL, NONE);
        versions = send_name(handle, "program.versions", "init", NONE);
        more = send_name(handle, "store.delegate", "x.y", NONE);
        initd_turn();
        expect_answer(set_own, STATUS_OK, "1");
        expect_failure(set_other, STATUS_DENIED, "names that begin with \"x.\"");
        expect_failure(roll_other, STATUS_DENIED, "not \"init\"");
        expect_answer(get, STATUS_OK, "'boot init', 0");
        expect_answer(list, STATUS_OK, NULL);
        expect_answer(versions, STATUS_OK, NULL);
        expect_failure(more, STATUS_DENIED, "cannot delegate");
}

Test(storaged, a_delegated_context_ends_with_its_last_holder) { /* row 79 */
        uint32_t a = send_name(NATIVE, "store.delegate", "x.", NONE), handle, b;

        initd_turn();
        handle = initd.answers[a].handle;
        send_opened(handle, 11);
        send_closed(handle, 10);
        initd_turn();
        cr_assert_eq(initd.n_closed, 0);
        b = send_set(handle, "program.set", "x.p", "1", NONE, NULL);
        initd_turn();
        expect_answer(b, STATUS_OK, "1");
        send_closed(handle, 11);
        initd_turn();
        cr_assert_eq(initd.n_closed, 1);
}

Test(storaged, a_prefix_no_name_can_have_is_refused) { /* row 79 */
        uint32_t a = send_name(NATIVE, "store.delegate", "", NONE);
        uint32_t b = send_name(NATIVE, "store.delegate", "a/", NONE), c;

        initd_turn();
        expect_failure(a, STATUS_BADARGS, "bad prefix");
        expect_failure(b, STATUS_BADARGS, "bad prefix");
        initd.refuses_contexts = true;
        c = send_name(NATIVE, "store.delegate", "x.", NONE);
        initd_turn();
        expect_failure(c, STATUS_LIMIT, "limit 32768");
}
