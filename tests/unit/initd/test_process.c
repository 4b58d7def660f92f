/*
 * test_process.c - the life of a program, with every party but initd played by the test.
 */
#include "initd/process.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "tests/unit/initd/tree_fixture.h"

static struct tree_fixture t;
static struct raw_peer client, worker;

static void setup(void) {
        tree_init(&t, false);
        tree_connect(&t, &client);
}

static void teardown(void) {
        raw_deinit(&client);
        tree_deinit(&t);
}

TestSuite(process, .init = setup, .fini = teardown);

/* Runs "p"; returns its child, *ret_pid its number. */
static struct fake_child *run(const char *restart, uint32_t *ret_pid) {
        uint32_t seq = tree_run(&client, restart);
        struct fake_child *child = tree_start_worker(&t, &worker);
        struct wire_frame *answer = raw_expect_answer(&client, seq);
        cr_assert_eq(answer->answer.status, STATUS_OK);
        *ret_pid = (uint32_t)tree_integer(answer);
        return child;
}

static const Thox__Exited *expect_exited(uint32_t pid) {
        const Thox__Exited *body = raw_expect(&client, THOX__FRAME__BODY_EXITED)->message->exited;
        cr_assert_eq(body->pid, pid);
        return body;
}

static uint32_t kill_start(uint32_t pid, const char *signal) {
        uint8_t bytes[32];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_integer(&values, pid) == 0);
        if (signal)
                cr_assert(value_put_text(&values, signal) == 0);
        return raw_call(&client, "process.kill", &values);
}

static enum thox_status kill_status(uint32_t pid) {
        return (enum thox_status)raw_expect_answer(&client, kill_start(pid, NULL))->answer.status;
}

/* row 3 */
Test(process, a_run_answers_with_a_pid_when_the_worker_has_been_started) {
        uint32_t pid;
        run(NULL, &pid);
        cr_assert_gt(pid, PROCESS_PID_INIT);
        cr_assert(process_find(t.initd, pid));
        cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_UP);
        raw_deinit(&worker);
}

/* row 4 */
Test(process, an_unknown_program_leaves_no_process) {
        uint32_t seq = tree_run(&client, NULL);
        tree_refuse_image(&t, STATUS_NOTFOUND, "no program 'p'");
        struct wire_frame *answer = raw_expect_answer(&client, seq);
        cr_assert_eq(answer->answer.status, STATUS_NOTFOUND);

        uint32_t pid = fake_spawn_find(NULL)->pid;
        cr_assert_null(process_find(t.initd, pid));
        struct fake_child *child = tree_fork(&t, NULL);
        cr_assert_eq(child->last_signal, SIGKILL, "the worker that was forked meanwhile");
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        cr_assert_eq(t.initd->processes.n_processes, 0);
}

/* row 6 */
Test(process, the_exit_status_reaches_the_parent) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        tree_say_exit(&worker, 3, EXIT_REASON_EXIT, "");
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        const Thox__Exited *body = expect_exited(pid);
        cr_assert_eq(body->status, 3);
        cr_assert_eq(body->signal, 0);
        cr_assert_eq(body->reason, EXIT_REASON_EXIT);
        cr_assert_eq(t.initd->processes.n_processes, 0);
}

/* row 146 */
Test(process, a_signal_from_elsewhere_is_reported_with_its_name) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_KILLED(SIGSEGV));
        const Thox__Exited *body = expect_exited(pid);
        cr_assert_eq(body->signal, SIGSEGV);
        cr_assert_eq(body->reason, EXIT_REASON_SIGNAL);
        cr_assert_eq(memcmp(body->message.data, "killed by signal 11 (SIGSEGV)", body->message.len),
                     0);
}

/* row 30, 146 */
Test(process, a_malformed_frame_ends_that_worker_alone) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        raw_send_bytes(&worker, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        cr_assert_eq(child->last_signal, SIGKILL);
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        cr_assert_eq(expect_exited(pid)->reason, EXIT_REASON_PROTOCOL);
        raw_deinit(&worker);
        raw_ask(&client, "tree.status", NULL, STATUS_OK);
}

static void say_fault(void) {
        Thox__Fault body = THOX__FAULT__INIT;
        body.tid = 2;
        body.used_bytes = body.limit_bytes = LIMIT_MEMORY_BYTES;
        WIRE_MESSAGE(message, 0, FAULT, fault, &body);
        raw_send(&worker, &message, NULL);
}

static uint64_t expect_grant(void) {
        return raw_expect(&worker, THOX__FRAME__BODY_GRANT)->message->grant->memory_bytes;
}

static void answer_fault(uint64_t cid, int64_t bytes) {
        uint8_t place[16];
        struct buf values = { .data = place, .cap = sizeof(place), .max = sizeof(place) };
        cr_assert(value_put_integer(&values, bytes) == 0);
        struct wire_extra extra = { .values = values.data, .values_len = values.len };
        raw_answer(&client, cid, STATUS_OK, &extra);
}

/* row 142 */
Test(process, a_memory_fault_is_answered_in_time_within_the_limits) {
        uint32_t pid;
        run(NULL, &pid);
        say_fault();
        cr_expect_eq(expect_grant(), 0, "there is no handler");

        raw_bind(&client, "fault.memory");
        say_fault();
        answer_fault(raw_expect(&client, THOX__FRAME__BODY_CALL)->call.cid, INT64_MAX);
        cr_expect_eq(expect_grant(), LIMIT_MEMORY_BYTES, "it has no memory_max");
        say_fault();
        uint64_t late = raw_expect(&client, THOX__FRAME__BODY_CALL)->call.cid;
        fake_loop_advance(&t.initd->loop, LIMIT_FAULT_US);
        cr_expect_eq(expect_grant(), 0, "the handler is late");
        answer_fault(late, 1);
        raw_deinit(&worker);
}

/* row 142 */
Test(process, one_fault_is_answered_before_the_next) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        raw_bind(&client, "fault.memory");
        say_fault();
        say_fault();
        cr_assert_eq(child->last_signal, SIGKILL);
        uint64_t cid = raw_expect(&client, THOX__FRAME__BODY_CALL)->call.cid;
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        cr_assert_eq(expect_exited(pid)->reason, EXIT_REASON_PROTOCOL);
        answer_fault(cid, 1 << 20);
        raw_deinit(&worker);
        raw_ask(&client, "tree.status", NULL, STATUS_OK);
}

/* row 8 */
Test(process, a_kill_is_polite_then_forced_and_answered_when_it_is_gone) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        uint32_t first = kill_start(pid, NULL), second = kill_start(pid, "terminate");
        raw_expect(&worker, THOX__FRAME__BODY_TERMINATE);
        cr_assert_eq(child->last_signal, 0);
        fake_loop_advance(&t.initd->loop, LIMIT_GRACE_US);
        cr_assert_eq(child->last_signal, SIGKILL);
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        cr_assert_eq(expect_exited(pid)->reason, EXIT_REASON_KILLED);
        cr_assert_eq(raw_expect_answer(&client, first)->answer.status, STATUS_OK);
        cr_assert_eq(raw_expect_answer(&client, second)->answer.status, STATUS_OK);
}

Test(process, kill_with_kill_does_not_wait) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        kill_start(pid, "kill");
        cr_assert_eq(child->last_signal, SIGKILL);
        raw_deinit(&worker);
}

/* row 8 */
Test(process, what_may_not_be_killed_is_refused) {
        cr_assert_eq(kill_status(4711), STATUS_NOPROC);
        cr_assert_eq(kill_status(PROCESS_PID_INITD), STATUS_DENIED);
        cr_assert_eq(kill_status(PROCESS_PID_STORAGED), STATUS_DENIED);
        cr_assert_eq(kill_status(client.pid), STATUS_NOPROC);
}

Test(process, a_failure_is_restarted_with_the_same_pid_and_a_new_generation) {
        uint32_t pid;
        struct fake_child *child = run("on-failure", &pid);
        uint32_t generation = process_find(t.initd, pid)->generation;
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_KILLED(SIGABRT));
        cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_WAITING);
        tree_wait_restart(&t, 1);
        child = tree_start_worker(&t, &worker);
        cr_assert_eq(child->pid, pid);
        cr_assert_gt(process_find(t.initd, pid)->generation, generation);

        tree_say_exit(&worker, 0, EXIT_REASON_EXIT, "");
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        cr_assert_eq(expect_exited(pid)->status, 0);
}

Test(process, what_is_always_restarted_may_end_as_it_likes_but_by_a_kill) {
        uint32_t pid;
        struct fake_child *child = run("always", &pid);
        tree_say_exit(&worker, 0, EXIT_REASON_EXIT, "");
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_WAITING);
        tree_wait_restart(&t, 1);
        child = tree_start_worker(&t, &worker);
        cr_assert_eq(child->pid, pid);

        kill_start(pid, "kill");
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        cr_assert_eq(expect_exited(pid)->reason, EXIT_REASON_KILLED);
        cr_assert_null(process_find(t.initd, pid));
}

Test(process, after_too_many_restarts_the_parent_hears_of_the_end_once) {
        uint32_t pid;
        struct fake_child *child = run("on-failure", &pid);
        for (unsigned i = 0; i < LIMIT_RESTARTS; i++) {
                raw_deinit(&worker);
                tree_die(&t, child, FAKE_EXITED(1));
                tree_wait_restart(&t, i + 1);
                child = tree_start_worker(&t, &worker);
        }
        tree_say_exit(&worker, 9, EXIT_REASON_ERROR, "p:1: the last one");
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        const Thox__Exited *body = expect_exited(pid);
        cr_assert_eq(body->status, 9, "only the last end is told");
        cr_assert_not_null(memmem(body->message.data, body->message.len, "more than 5 times", 17));
        cr_assert_not_null(memmem(body->message.data, body->message.len, "the last one", 12));
        cr_assert_null(process_find(t.initd, pid));
}

/* row 6: the worker may be dead before the zygote's word has been read */
Test(process, a_worker_that_dies_before_forked_arrives_is_seen) {
        uint32_t seq = tree_run(&client, NULL);
        struct fake_child *child = fake_spawn_find(NULL);
        tree_give_image(&t);
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        tree_fork(&t, NULL);
        struct wire_frame *answer = raw_expect_answer(&client, seq);
        cr_assert_eq(answer->answer.status, STATUS_OK, "it had been started");
        cr_assert_eq(expect_exited((uint32_t)tree_integer(answer))->signal, SIGKILL);
        cr_assert_eq(t.initd->processes.n_processes, 0);
}

Test(process, no_program_starts_on_the_last_descriptors) {
        struct rlimit before, low;
        cr_assert(getrlimit(RLIMIT_NOFILE, &before) == 0);
        low = before;
        low.rlim_cur = (rlim_t)client.conn.fd + LIMIT_SPARE_FDS;
        cr_assert(setrlimit(RLIMIT_NOFILE, &low) == 0);
        cr_assert_eq(raw_expect_answer(&client, tree_run(&client, NULL))->answer.status,
                     STATUS_LIMIT);
        cr_assert(setrlimit(RLIMIT_NOFILE, &before) == 0);
        cr_assert_not(raw_is_closed(&t.zygote));
        uint32_t pid;
        run(NULL, &pid);
        raw_deinit(&worker);
}

Test(process, its_end_lets_a_client_in_that_waits_for_a_descriptor) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        struct control *control = &t.initd->control;
        control->is_paused = true;
        cr_assert(loop_io_want(&control->io, false, false) == 0);
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        cr_assert_not(control->is_paused);
}

/* row 6: and many may be, when initd is slow */
Test(process, every_worker_that_dies_before_forked_arrives_is_seen) {
        enum {
                N = 40
        };
        struct fake_child *children[N];
        for (unsigned i = 0; i < N; i++) {
                tree_run(&client, NULL);
                children[i] = fake_spawn_find(NULL);
                tree_give_image(&t);
        }
        for (unsigned i = 0; i < N; i++)
                fake_spawn_die(children[i], FAKE_KILLED(SIGKILL));
        fake_loop_signal(&t.initd->loop, SIGCHLD);
        for (unsigned i = 0; i < N; i++)
                tree_say_forked(&t, children[i]);
        fake_loop_settle(&t.initd->loop);
        cr_assert_eq(t.initd->processes.n_processes, 0);
}

Test(process, a_dead_zygote_fails_the_forks_that_wait_for_it) {
        uint32_t seq = tree_run(&client, NULL);
        tree_die(&t, fake_spawn_find("worker"), FAKE_KILLED(SIGKILL));
        cr_assert_eq(raw_expect_answer(&client, seq)->answer.status, STATUS_AGAIN);
        tree_wait_restart(&t, 1);
        raw_deinit(&t.zygote);
        tree_play_daemon(&t, DAEMON_ZYGOTE, &t.zygote);
        raw_expect(&t.runtimed, THOX__FRAME__BODY_CALL); /* of the failed run */
        uint32_t pid;
        run(NULL, &pid);
        raw_deinit(&worker);
}

Test(process, a_clients_children_end_with_it) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        raw_deinit(&client);
        fake_loop_settle(&t.initd->loop);
        raw_expect(&worker, THOX__FRAME__BODY_TERMINATE);
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_EXITED(0));
        cr_assert_eq(t.initd->processes.n_processes, 0);
        tree_connect(&t, &client);
}

/* row 9 */
Test(process, a_dead_storaged_is_back_within_a_second_and_the_boot_store_answers_meanwhile) {
        uint8_t bytes[32];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_text(&values, "x") == 0 && value_put_text(&values, "") == 0);
        tree_die(&t, fake_spawn_find("storaged"), FAKE_KILLED(SIGKILL));
        raw_ask(&client, "program.set", &values, STATUS_UNAVAIL);
        raw_ask(&client, "program.list", NULL, STATUS_OK);
        raw_deinit(&t.storaged);
        fake_loop_advance(&t.initd->loop, CLOCK_S_US);
        tree_play_daemon(&t, DAEMON_STORAGED, &t.storaged);
        cr_assert(daemon_is_up(&t.initd->daemons[DAEMON_STORAGED]));
}

/* row 10, 20 */
Test(process, sigterm_ends_everything_in_order) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        fake_loop_signal(&t.initd->loop, SIGTERM);
        raw_expect(&worker, THOX__FRAME__BODY_TERMINATE);
        cr_assert_eq(raw_expect_answer(&client, tree_run(&client, NULL))->answer.status,
                     STATUS_UNAVAIL);
        raw_deinit(&worker);
        cr_assert_not(raw_is_closed(&t.storaged), "the daemons outlive the programs");
        tree_die(&t, child, FAKE_EXITED(0));
        raw_expect_closed(&t.storaged);
        raw_expect_closed(&t.runtimed);
        raw_expect_closed(&t.zygote);
        cr_assert_not(t.initd->loop.is_stopping);
        tree_die(&t, fake_spawn_find("storaged"), FAKE_EXITED(0));
        tree_die(&t, fake_spawn_find("runtimed"), FAKE_EXITED(0));
        tree_die(&t, fake_spawn_find("worker"), FAKE_EXITED(0));
        cr_assert(t.initd->loop.is_stopping);
        cr_assert_eq(t.initd->exit_status, 0);
}

/* row 20 */
static void read_all(struct raw_peer *p) {
        uint8_t bytes[4096];
        while (recv(p->conn.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
                ;
}

Test(process, an_idle_tree_has_no_timer) {
        uint32_t pid;
        run(NULL, &pid);
        read_all(&t.storaged);
        read_all(&t.runtimed);
        read_all(&t.zygote);
        fake_loop_advance(&t.initd->loop, CLOCK_S_US); /* the watchdog looks once more */
        cr_assert_eq(fake_loop_n_timers(&t.initd->loop), 0);
        raw_deinit(&worker);
}

/* ---- watchdog ------------------------------------------------------------------------------ */

/* row 5 */
Test(process, a_program_that_reads_nothing_is_killed) {
        uint32_t pid;
        struct fake_child *child = run(NULL, &pid);
        raw_bind(&worker, "p.name");
        uint32_t seq = raw_call(&client, "p.name", NULL);
        fake_loop_advance(&t.initd->loop, LIMIT_WATCHDOG_US - CLOCK_S_US);
        cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_UP);
        fake_loop_advance(&t.initd->loop, 3 * CLOCK_S_US);
        cr_assert_eq(raw_expect_answer(&client, seq)->answer.status, STATUS_DEAD);
        cr_assert_eq(child->last_signal, SIGKILL);
        raw_deinit(&worker);
        tree_die(&t, child, FAKE_KILLED(SIGKILL));
        const Thox__Exited *body = expect_exited(pid);
        cr_assert_eq(body->reason, EXIT_REASON_HUNG);
        cr_assert_not_null(memmem(body->message.data, body->message.len,
                                  "read nothing for 30 s (property watchdog)", 41));
}

Test(process, a_program_that_reads_late_is_not_killed) {
        uint32_t pid;
        run(NULL, &pid);
        raw_bind(&worker, "p.name");
        for (unsigned i = 0; i < 3; i++) {
                raw_call(&client, "p.name", NULL);
                fake_loop_advance(&t.initd->loop, LIMIT_WATCHDOG_US - CLOCK_S_US);
                cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_UP);
                raw_expect(&worker, THOX__FRAME__BODY_CALL);
        }
        cr_assert_eq(process_find(t.initd, pid)->supervisor.state, SUPERVISE_STATE_UP);
        raw_deinit(&worker);
}

Test(process, a_daemon_that_reads_nothing_is_killed) {
        tree_run(&client, NULL); /* runtimed is asked for the image */
        fake_loop_advance(&t.initd->loop, LIMIT_WATCHDOG_DAEMON_US + 4 * CLOCK_S_US);
        cr_assert_eq(fake_spawn_find("runtimed")->last_signal, SIGKILL);
}
