/*
 * How an instance ended, when the worker, the kernel and initd each say something.
 */
#include "initd/obituary.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "initd/spawn.h"

/* What wait(2) reports. */
#define EXITED(code) ((code) << 8)
#define SIGNALED(number) (number)

static struct obituary o;

static void set_up(void) {
        obituary_init(&o);
}

TestSuite(obituary, .init = set_up);

static void reap(struct obituary *of, int wait_status) {
        obituary_on_reaped(of, &(struct spawn_death){ .wait_status = wait_status });
}

static void say(uint32_t status, uint32_t reason, const char *message) {
        Thox__Exit body = THOX__EXIT__INIT;
        body.status = status;
        body.reason = reason;
        body.message.data = (uint8_t *)(uintptr_t)message;
        body.message.len = strlen(message);
        obituary_on_exit(&o, &body);
}

static void expect(enum exit_reason reason, uint32_t status, uint32_t number, const char *message) {
        cr_expect_eq(o.reason, reason, "reason %d, not %d", (int)o.reason, (int)reason);
        cr_expect_eq(o.status, status, "status %u, not %u", o.status, status);
        cr_expect_eq(o.signal, number, "signal %u, not %u", o.signal, number);
        cr_expect_str_eq(o.message, message);
}

Test(obituary, what_the_worker_said_stays) {
        say(0, EXIT_REASON_EXIT, "");
        cr_expect(obituary_is_success(&o));
        say(3, EXIT_REASON_ERROR, "again");
        obituary_on_removed(&o, EXIT_REASON_HUNG, "hung");
        reap(&o, SIGNALED(SIGSEGV));
        expect(EXIT_REASON_EXIT, 0, 0, "");
        cr_expect(obituary_is_success(&o));
}

Test(obituary, a_kill_that_the_exit_overtook_is_an_ordinary_end) {
        o.is_killed = o.is_asked = true;
        say(7, EXIT_REASON_EXIT, "done");
        reap(&o, SIGNALED(SIGKILL));
        expect(EXIT_REASON_EXIT, 7, 0, "done");
        cr_expect_not(obituary_is_success(&o));
}

Test(obituary, a_status_or_reason_beyond_its_range_is_brought_back) {
        say(LIMIT_EXIT_STATUS + 1, _EXIT_REASON_N, "odd");
        expect(EXIT_REASON_ERROR, LIMIT_EXIT_STATUS, 0, "odd");
}

Test(obituary, the_largest_status_and_reason_are_kept) {
        say(LIMIT_EXIT_STATUS, _EXIT_REASON_N - 1, "");
        expect(_EXIT_REASON_N - 1, LIMIT_EXIT_STATUS, 0, "");
}

Test(obituary, a_long_message_is_cut) {
        char text[LIMIT_EXIT_MESSAGE_BYTES + 10];
        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        say(1, EXIT_REASON_ERROR, text);
        cr_expect_eq(strlen(o.message), LIMIT_EXIT_MESSAGE_BYTES);
        obituary_init(&o);
        obituary_on_removed(&o, EXIT_REASON_PROTOCOL, text);
        cr_expect_eq(strlen(o.message), LIMIT_EXIT_MESSAGE_BYTES);
}

Test(obituary, the_first_reason_for_a_removal_stays) {
        obituary_on_removed(&o, EXIT_REASON_PROTOCOL, "first");
        obituary_on_removed(&o, EXIT_REASON_HUNG, "second");
        say(0, EXIT_REASON_EXIT, "fine");
        reap(&o, SIGNALED(SIGKILL));
        expect(EXIT_REASON_PROTOCOL, 1, 0, "first");
}

Test(obituary, a_signal_that_nobody_here_sent_is_named) {
        o.is_asked = true;
        reap(&o, SIGNALED(SIGSEGV));
        expect(EXIT_REASON_SIGNAL, 1, SIGSEGV, "killed by signal 11 (SIGSEGV)");
}

Test(obituary, a_core_dump_does_not_change_the_signal) {
        reap(&o, SIGNALED(SIGABRT) | 0x80);
        expect(EXIT_REASON_SIGNAL, 1, SIGABRT, "killed by signal 6 (SIGABRT)");
}

Test(obituary, a_signal_without_a_name_keeps_its_number) {
        reap(&o, SIGNALED(40));
        expect(EXIT_REASON_SIGNAL, 1, 40, "killed by signal 40 (SIG?)");
}

Test(obituary, a_kill_of_ours_is_no_accident) {
        o.is_killed = true;
        reap(&o, SIGNALED(SIGKILL));
        expect(EXIT_REASON_KILLED, 1, SIGKILL, "killed");
}

Test(obituary, an_end_without_a_word_is_a_failure_even_with_status_0) {
        reap(&o, EXITED(0));
        expect(EXIT_REASON_ERROR, 1, 0, "the worker ended without a word (exit code 0)");
        cr_expect_not(obituary_is_success(&o));
}

Test(obituary, an_end_without_a_word_that_was_asked_for_counts_as_killed) {
        o.is_asked = true;
        reap(&o, EXITED(3));
        expect(EXIT_REASON_KILLED, 1, 0, "the worker ended without a word (exit code 3)");
}
