/*
 * test_tree.c - a tree of real processes: how it comes up, what it survives, how it ends.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "tests/helper/field.h"
#include "tests/helper/program.h"
#include "tests/helper/tree.h"

static struct tree t;
static struct raw_peer client;

static void begin(const char *const *args) {
        t = (struct tree){ 0 };
        tree_start(&t, args);
        raw_connect(&client, t.socket);
}

static void end(void) {
        raw_deinit(&client);
        tree_stop(&t);
}

static int64_t linux_pid_of(const char *name) {
        int64_t pid;
        bool is_there = row_integer(raw_ask(&client, "process.list", NULL, STATUS_OK), name,
                                    "linux_pid", &pid);
        return is_there ? pid : 0;
}

/* The zygote is in no list of processes: it is the daemon that has another Linux pid. */
static int64_t zygote_linux_pid(void) {
        struct wire_frame *frame = raw_ask(&client, "tree.status", NULL, STATUS_OK);
        int64_t pid = 0;
        cr_assert(field_row_integer(frame, "daemons", "zygote", "pid", &pid));
        return pid;
}

static double seconds_since(uint64_t start_us) {
        return (double)(clock_now_us() - start_us) / 1e6;
}

/* Lets the tree, not the test, pass a little time. */
static void pass_time(double seconds) {
        uint8_t bytes[16];
        struct buf b = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_float(&b, seconds) == 0);
        raw_ask(&client, "alarm", &b, STATUS_OK);
}

TestSuite(tree, .timeout = 60);

/* ---- coming up ----------------------------------------------------------------------------- */

/* row 1, 80 */
Test(tree, an_empty_directory_boots_to_four_processes) {
        begin(NULL);
        static const struct {
                const char *name;
                int64_t pid, ppid;
        } rows[] = {
                { "initd", 1, 0 }, { "storaged", 2, 1 }, { "runtimed", 3, 1 }, { "init", 4, 1 }
        };
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 4);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct wire_frame *list = raw_ask(&client, "process.list", NULL, STATUS_OK);
                int64_t pid, ppid, uid;
                cr_assert(row_integer(list, rows[i].name, "pid", &pid), "%s", rows[i].name);
                cr_assert(row_integer(list, rows[i].name, "ppid", &ppid));
                cr_assert(row_integer(list, rows[i].name, "uid", &uid));
                cr_expect_eq(pid, rows[i].pid);
                cr_expect_eq(ppid, rows[i].ppid);
                cr_expect_eq(uid, 0);
        }
        end();
}

/* row 1 */
Test(tree, a_second_tree_on_the_same_directory_is_refused) {
        begin(NULL);
        struct tree second = t;
        snprintf(second.log, sizeof(second.log), "%s.second.log", t.dir);
        cr_assert_eq(tree_try(&second, NULL), 1);
        tree_expect_log(&second, "another tree runs on");
        unlink(second.log);
        raw_ask(&client, "tree.status", NULL, STATUS_OK);
        end();
}

/* row 148 */
Test(tree, two_trees_run_side_by_side) {
        struct tree other = { 0 };
        struct raw_peer other_client;
        begin(NULL);
        tree_start(&other, NULL);
        raw_connect(&other_client, other.socket);
        program_run(&other_client, "os.exit(7)", NULL);
        cr_assert_eq(program_expect_end(&other_client).status, 7);
        raw_ask(&client, "tree.status", NULL, STATUS_OK);
        raw_deinit(&client);
        raw_deinit(&other_client);

        /* Each counts only its own processes: the first end leaves the other tree as ours. */
        cr_assert(kill(t.pid, SIGTERM) == 0);
        cr_assert(kill(other.pid, SIGTERM) == 0);
        int status;
        for (int i = 0; i < 2; i++)
                cr_assert(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        tree_remove(&t);
        tree_remove(&other);
}

Test(tree, a_socket_path_that_is_too_long_is_refused) {
        t = (struct tree){ 0 };
        snprintf(t.log, sizeof(t.log), "/tmp/thox-tree-long-%d.log", (int)getpid());
        memset(t.dir, 'x', sizeof(t.dir) - 1);
        memcpy(t.dir, "/tmp/", 5);
        cr_assert_eq(tree_try(&t, NULL), 1);
        tree_expect_log(&t, "longer than 107 bytes");
        unlink(t.log);
}

Test(tree, a_directory_that_cannot_be_made_is_refused) {
        t = (struct tree){ 0 };
        snprintf(t.dir, sizeof(t.dir), "/proc/thox");
        snprintf(t.log, sizeof(t.log), "/tmp/thox-tree-proc-%d.log", (int)getpid());
        cr_assert_eq(tree_try(&t, NULL), 1);
        tree_expect_log(&t, "cannot make the directory /proc/thox");
        unlink(t.log);
}

static void write_file(const char *dir, const char *name, const char *text) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        FILE *f = fopen(path, "w");
        cr_assert(f, "%s", path);
        cr_assert(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* A copy of the boot store with something changed. */
static void prepare_boot(const char *file, const char *text) {
        char command[640];
        t = (struct tree){ 0 };
        tree_prepare(&t);
        snprintf(command, sizeof(command), "cp -r %s %s/boot && chmod -R u+w %s/boot", t.boot,
                 t.dir, t.dir);
        cr_assert(system(command) == 0);
        snprintf(t.boot, sizeof(t.boot), "%s/boot", t.dir);
        write_file(t.boot, file, text);
}

/* row 80 */
Test(tree, a_changed_boot_store_is_refused_by_name) {
        prepare_boot("program/init.lua", "os.ready()");
        cr_assert_eq(tree_try(&t, NULL), 1);
        tree_expect_log(&t, "program/init.lua was changed");
        tree_remove(&t);
}

/* row 7 */
Test(tree, it_ends_with_its_last_program) {
        static const char *const args[] = { "--no-verify", NULL };
        prepare_boot("program/init.lua", "os.ready()");
        tree_start(&t, args);
        cr_assert_eq(tree_wait(&t), 1);
        tree_expect_log(&t, "the init program ended");
        tree_remove(&t);
}

/* row 7 */
Test(tree, with_keep_it_stays_without_programs) {
        static const char *const args[] = { "--no-verify", "--keep", NULL };
        prepare_boot("program/init.lua", "os.ready()");
        tree_start(&t, args);
        raw_connect(&client, t.socket);
        program_run(&client, "os.exit(5)", NULL);
        cr_assert_eq(program_expect_end(&client).status, 5);
        end();
}

/* row 150 */
Test(tree, without_init_the_daemons_serve) {
        static const char *const args[] = { "--no-init", NULL };
        begin(args);
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 3);
        program_run(&client, "os.exit(6)", NULL);
        cr_assert_eq(program_expect_end(&client).status, 6);
        end();
}

/* row 150 */
Test(tree, startup_false_in_the_configuration_is_no_init) {
        t = (struct tree){ 0 };
        tree_prepare(&t);
        write_file(t.dir, "thox.conf", "# only the daemons\nstartup = false;\n");
        tree_start(&t, NULL);
        raw_connect(&client, t.socket);
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 3);
        program_run(&client, "os.exit(6)", NULL);
        cr_assert_eq(program_expect_end(&client).status, 6);
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 3);
        end();
}

Test(tree, a_configuration_that_does_not_fit_is_refused_with_its_line) {
        t = (struct tree){ 0 };
        tree_prepare(&t);
        write_file(t.dir, "thox.conf", "keep = true;\nstatup = false;\n");
        cr_assert_eq(tree_try(&t, NULL), 1);
        tree_expect_log(&t, "/thox.conf:2: unknown setting 'statup'; did you mean 'startup'?\n");
        cr_assert(access(t.socket, F_OK) < 0);
        tree_remove(&t);
}

/* A crash leaves its socket behind; the lock went with it. */
Test(tree, a_stale_socket_is_replaced) {
        begin(NULL);
        raw_deinit(&client);
        cr_assert(kill(t.pid, SIGKILL) == 0);
        int status;
        /* Everything else dies with initd. */
        while (wait(&status) > 0)
                ;
        cr_assert(access(t.socket, F_OK) == 0);
        tree_start(&t, NULL);
        raw_connect(&client, t.socket);
        end();
}

/* ---- the service manager ------------------------------------------------------------------- */

#if THOX_HAVE_SYSTEMD

static int listen_for_notify(char path[108]) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct timeval limit = { .tv_sec = 10 };
        snprintf(path, 108, "/tmp/thox-tree-notify-%d", (int)getpid());
        memcpy(address.sun_path, path, 108);
        unlink(path);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        cr_assert(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
        return fd;
}

static void expect_notify(int fd, const char *text) {
        char message[256];
        do {
                ssize_t n = recv(fd, message, sizeof(message) - 1, 0);
                cr_assert_gt(n, 0, "expected '%s', nothing came", text);
                message[n] = '\0';
        } while (!strstr(message, text));
}

/* row 11 */
Test(tree, the_service_manager_hears_of_ready_life_and_end) {
        char path[108];
        int fd = listen_for_notify(path);
        t = (struct tree){ 0 };
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", "200000", 1);
        tree_start(&t, NULL);
        expect_notify(fd, "READY=1");
        expect_notify(fd, "WATCHDOG=1");
        expect_notify(fd, "WATCHDOG=1");
        cr_assert(kill(t.pid, SIGTERM) == 0);
        expect_notify(fd, "STOPPING=1");
        cr_assert_eq(tree_wait(&t), 0);
        tree_remove(&t);
        close(fd);
        unlink(path);
}

#endif

/* ---- programs ------------------------------------------------------------------------------ */

/* row 2 */
Test(tree, each_run_has_a_process_and_globals_of_its_own) {
        begin(NULL);
        for (int i = 0; i < 2; i++) {
                program_run(&client, "n = (n or 0) + 1  os.exit(n)", NULL);
                cr_assert_eq(program_expect_end(&client).status, 1);
        }

        struct program_options a = { .name = "a" }, b = { .name = "b" };
        program_run(&client, "os.pull()", &a);
        program_run(&client, "os.bind('b.ping', function() return 'pong' end) os.pull('terminate')",
                    &b);
        int64_t linux_a = linux_pid_of("a"), linux_b = linux_pid_of("b");
        cr_assert(linux_a > 0 && linux_b > 0 && linux_a != linux_b);
        cr_assert(kill((pid_t)linux_a, SIGKILL) == 0);
        cr_assert_eq(program_expect_end(&client).signal, SIGKILL);
        while (raw_expect_answer(&client, raw_call(&client, "b.ping", NULL))->answer.status ==
               STATUS_NOTBOUND)
                ; /* it has not come to its bind yet */
        raw_ask(&client, "b.ping", NULL, STATUS_OK);
        end();
}

/* row 3 */
Test(tree, pids_are_not_given_out_twice) {
        uint32_t last = 4;
        begin(NULL);
        for (int i = 0; i < 300; i++) {
                uint32_t pid = program_run(&client, "", NULL);
                cr_assert_gt(pid, last);
                last = pid;
                cr_assert_eq(program_expect_end(&client).pid, pid);
        }
        end();
}

/* row 4 */
Test(tree, an_unknown_program_leaves_nothing) {
        begin(NULL);
        program_run_stored(&client, "no-such-program", STATUS_NOTFOUND);
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 4);
        end();
}

/* row 5 */
Test(tree, the_list_tells_who_runs_and_who_waits) {
        struct program_options busy = { .name = "busy" }, idle = { .name = "idle" };
        char state[128] = "";
        begin(NULL);
        uint32_t pid = program_run(&client, "while true do end", &busy);
        program_run(&client, "os.pull('hangup')", &idle);
        uint64_t start_us = clock_now_us();
        do {
                cr_assert_lt(seconds_since(start_us), 5.0);
                row_text(raw_ask(&client, "process.list", NULL, STATUS_OK), "idle", "state", state);
        } while (strcmp(state, "waiting") != 0);
        row_text(raw_ask(&client, "process.list", NULL, STATUS_OK), "busy", "state", state);
        cr_assert_str_eq(state, "running");
        program_kill(&client, pid, "kill");
        cr_assert_eq(linux_pid_of("busy"), 0, "a dead one is not listed");
        end();
}

/* row 6, 146 */
Test(tree, every_way_to_end_is_told_apart) {
        struct program_end e;
        begin(NULL);
        program_run(&client, "os.exit(3)", NULL);
        e = program_expect_end(&client);
        cr_expect(e.reason == EXIT_REASON_EXIT && e.status == 3 && e.signal == 0);

        program_run(&client, "error('it broke')", NULL);
        e = program_expect_end(&client);
        cr_expect(e.reason == EXIT_REASON_ERROR && e.status != 0);
        cr_expect(strstr(e.message, "it broke"), "%s", e.message);

        uint32_t pid = program_run(&client, "os.pull('hangup')", NULL);
        cr_expect_eq(program_kill(&client, pid, NULL).reason, EXIT_REASON_KILLED);

        struct program_options victim = { .name = "victim" };
        program_run(&client, "os.pull('hangup')", &victim);
        cr_assert(kill((pid_t)linux_pid_of("victim"), SIGABRT) == 0);
        e = program_expect_end(&client);
        cr_expect(e.reason == EXIT_REASON_SIGNAL && e.signal == SIGABRT);
        cr_expect(strstr(e.message, "SIGABRT"), "%s", e.message);

        struct program_options small = { .memory_bytes = 2u << 20 };
        program_run(&client, "local t = {} for i = 1, 1e9 do t[i] = {i} end", &small);
        e = program_expect_end(&client);
        cr_expect_eq(e.reason, EXIT_REASON_MEMORY, "%s: %s", exit_reason_name(e.reason), e.message);
        end();
}

/* row 8 */
Test(tree, a_kill_ends_what_does_not_listen) {
        static const char *const sources[] = {
                "while true do end",
                /* One C function for hours. */
                "string.find(('a'):rep(40), ('a?'):rep(40) .. ('a'):rep(40))",
                "coroutine.wrap(function() while true do end end)()",
        };
        begin(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                uint32_t pid = program_run(&client, sources[i], NULL);
                uint64_t start_us = clock_now_us();
                cr_expect_eq(program_kill(&client, pid, NULL).reason, EXIT_REASON_KILLED);
                cr_expect_lt(seconds_since(start_us), 1.5, "%s", sources[i]);
        }
        cr_assert_eq(row_count(raw_ask(&client, "process.list", NULL, STATUS_OK)), 4);
        end();
}

static uint32_t expect_restarted(int64_t linux_pid) {
        uint64_t start_us = clock_now_us();
        int64_t now;
        while ((now = linux_pid_of("phoenix")) == linux_pid || now == 0)
                cr_assert_lt(seconds_since(start_us), 2.0);
        return (uint32_t)now;
}

Test(tree, a_program_that_fails_is_restarted_under_its_pid) {
        struct program_options options = { .name = "phoenix", .restart = "on-failure" };
        begin(NULL);
        uint32_t pid = program_run(&client, "os.pull('hangup')", &options);
        int64_t first = linux_pid_of("phoenix");
        cr_assert(kill((pid_t)first, SIGQUIT) == 0);
        expect_restarted(first);
        int64_t now, restarts;
        struct wire_frame *list = raw_ask(&client, "process.list", NULL, STATUS_OK);
        cr_assert(row_integer(list, "phoenix", "pid", &now));
        cr_assert(row_integer(list, "phoenix", "restarts", &restarts));
        cr_assert_eq(now, pid);
        cr_assert_eq(restarts, 1);
        cr_assert_eq(program_kill(&client, pid, NULL).reason, EXIT_REASON_KILLED);
        end();
}

Test(tree, the_children_of_a_client_end_with_it) {
        struct program_options options = { .name = "orphan" };
        struct raw_peer parent;
        begin(NULL);
        raw_connect(&parent, t.socket);
        program_run(&parent, "while true do end", &options);
        raw_deinit(&parent);
        uint64_t start_us = clock_now_us();
        while (linux_pid_of("orphan") != 0)
                cr_assert_lt(seconds_since(start_us), 3.0);
        end();
}

/* ---- daemons ------------------------------------------------------------------------------- */

static void set_program(const char *name, const char *source, enum thox_status status) {
        struct buf b;
        buf_init(&b, 4096);
        cr_assert(value_put_text(&b, name) == 0 && value_put_text(&b, source) == 0);
        raw_ask(&client, "program.set", &b, status);
        buf_deinit(&b);
}

/* As runtimed asks: with the version that it knows. */
static enum thox_status get_program(const char *name) {
        struct buf b;
        buf_init(&b, 4096);
        cr_assert(value_put_text(&b, name) == 0 && value_put_nil(&b) == 0 &&
                  value_put_integer(&b, 7) == 0);
        struct wire_frame *frame = raw_expect_answer(&client, raw_call(&client, "program.get", &b));
        buf_deinit(&b);
        return (enum thox_status)frame->answer.status;
}

/* row 9, 80 */
Test(tree, a_killed_storaged_is_back_within_a_second_with_its_data) {
        begin(NULL);
        set_program("kept", "os.exit(9)", STATUS_OK);
        for (int i = 0; i < 3; i++) {
                cr_assert(kill((pid_t)linux_pid_of("storaged"), SIGKILL) == 0);
                uint64_t start_us = clock_now_us();
                enum thox_status status;
                while ((status = get_program("kept")) != STATUS_OK) {
                        cr_assert(status == STATUS_UNAVAIL || status == STATUS_DEAD, "%s",
                                  status_name(status));
                        cr_assert_eq(get_program("init"), STATUS_OK, "the boot store answers");
                        cr_assert_lt(seconds_since(start_us), 1.0);
                }
        }
        program_run_stored(&client, "kept", STATUS_OK);
        cr_assert_eq(program_expect_end(&client).status, 9);
        end();
}

static bool is_running(void) {
        char state[128];
        field_text(raw_ask(&client, "tree.status", NULL, STATUS_OK), "state", state);
        return strcmp(state, "running") == 0;
}

/* row 9 */
Test(tree, killed_runtimed_and_zygote_are_back_within_a_second) {
        begin(NULL);
        int64_t runtimed = linux_pid_of("runtimed"), zygote = zygote_linux_pid();
        cr_assert(kill((pid_t)runtimed, SIGKILL) == 0);
        cr_assert(kill((pid_t)zygote, SIGKILL) == 0);
        uint64_t start_us = clock_now_us();
        while (linux_pid_of("runtimed") == runtimed || zygote_linux_pid() == zygote ||
               !is_running())
                cr_assert_lt(seconds_since(start_us), 1.0);
        program_run(&client, "os.exit(4)", NULL);
        cr_assert_eq(program_expect_end(&client).status, 4);
        end();
}

/* row 9 */
Test(tree, a_daemon_that_keeps_falling_is_called_degraded) {
        char state[128] = "";
        begin(NULL);
        uint64_t start_us = clock_now_us();
        int64_t last = 0;
        while (strcmp(state, "degraded") != 0 || last == 0 || linux_pid_of("runtimed") == 0) {
                int64_t now = linux_pid_of("runtimed");
                if (now != 0 && now != last) {
                        cr_assert(kill((pid_t)now, SIGKILL) == 0);
                        last = now;
                }
                field_text(raw_ask(&client, "tree.status", NULL, STATUS_OK), "state", state);
                cr_assert_lt(seconds_since(start_us), 20.0);
        }
        end();
}

/* ---- bad peers ----------------------------------------------------------------------------- */

/* row 30: each is removed alone, and the others go on */
Test(tree, a_peer_that_breaks_the_protocol_is_removed_alone) {
        static const struct {
                const char *what;
                const char *bytes;
                size_t len;
        } rows[] = {
                { "a length beyond every limit", "\xff\xff\xff\x7f\0\0\0\0", 8 },
                { "garbage in the body", "\4\0\0\0\0\0\0\0\xff\xff\xff\xff", 12 },
                { "two bodies", "\6\0\0\0\0\0\0\0\xb2\1\0\xba\1\0", 14 },
                { "a second Hello", "\7\0\0\0\0\0\0\0\x82\1\4\10\1\20\1", 15 },
                { "a worker's frame", "\3\0\0\0\0\0\0\0\x92\2\0", 11 },
        };
        begin(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct raw_peer bad;
                raw_connect(&bad, t.socket);
                raw_send_bytes(&bad, rows[i].bytes, rows[i].len);
                raw_expect_closed(&bad);
                raw_deinit(&bad);
                raw_ask(&client, "tree.status", NULL, STATUS_OK);
        }

        struct raw_peer half;
        raw_connect(&half, t.socket);
        raw_send_bytes(&half, "\100\0\0\0\0\0\0\0\x22", 9);
        raw_deinit(&half);
        cr_assert_geq(field_integer(raw_ask(&client, "tree.status", NULL, STATUS_OK), "violations"),
                      (int64_t)ARRAY_SIZE(rows));
        end();
}

/* ---- idling and ending --------------------------------------------------------------------- */

/* Wake-ups and CPU ticks of one process. */
static uint64_t wakeups(int64_t linux_pid) {
        char path[64], line[256];
        unsigned long long n;
        uint64_t sum = 0;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)linux_pid);
        FILE *f = fopen(path, "r");
        cr_assert(f);
        while (fgets(line, sizeof(line), f)) {
                if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ||
                    sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1)
                        sum += n;
        }
        fclose(f);
        return sum;
}

/* row 20: time itself is what is measured, so here the test does wait */
Test(tree, an_idle_tree_does_not_wake_up) {
        static const char *const names[] = { "initd", "storaged", "runtimed", "init", "idler" };
        struct program_options options = { .name = "idler" };
        int64_t pids[ARRAY_SIZE(names)];
        uint64_t before[ARRAY_SIZE(names)];
        begin(NULL);
        program_run(&client, "os.pull('hangup')", &options);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                pids[i] = linux_pid_of(names[i]);
        pass_time(0.3);      /* what the start left to do */
        poll(NULL, 0, 1200); /* the watchdog's last look */
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                before[i] = wakeups(pids[i]);
        poll(NULL, 0, 2000);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                cr_expect_eq(wakeups(pids[i]), before[i], "%s woke up", names[i]);
        end();
}

/* row 10 */
Test(tree, sigterm_ends_programs_and_daemons_within_the_grace) {
        begin(NULL);
        program_run(&client, "while true do end", NULL);
        program_run(&client, "os.pull('terminate') os.exit(11)", NULL);
        uint64_t start_us = clock_now_us();
        cr_assert(kill(t.pid, SIGTERM) == 0);
        cr_assert_eq(program_expect_end(&client).status, 11, "it was told to terminate");
        cr_assert_eq(program_expect_end(&client).reason, EXIT_REASON_KILLED);
        cr_assert_eq(tree_wait(&t), 0);
        cr_assert_lt(seconds_since(start_us), 3.0);
        raw_deinit(&client);
        tree_remove(&t);
}

/* row 10 */
Test(tree, a_second_sigterm_does_not_wait) {
        begin(NULL);
        program_run(&client, "while true do end", NULL);
        uint64_t start_us = clock_now_us();
        cr_assert(kill(t.pid, SIGTERM) == 0);
        char state[128];
        do {
                field_text(raw_ask(&client, "tree.status", NULL, STATUS_OK), "state", state);
        } while (strcmp(state, "stopping") != 0);
        cr_assert(kill(t.pid, SIGTERM) == 0);
        cr_assert_eq(tree_wait(&t), 0);
        cr_assert_lt(seconds_since(start_us), 0.8);
        raw_deinit(&client);
        tree_remove(&t);
}

Test(tree, tree_shutdown_is_answered_before_the_end) {
        begin(NULL);
        raw_ask(&client, "tree.shutdown", NULL, STATUS_OK);
        raw_expect_closed(&client);
        cr_assert_eq(tree_wait(&t), 0);
        raw_deinit(&client);
        tree_remove(&t);
}
