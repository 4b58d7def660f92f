/*
 * test_worker.c - the life of a program in a worker: start, output, end.
 */
#include "worker/worker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "tests/helper/lua_process.h"

static const struct lua_process_options standard = { .memory_bytes = LIMIT_MEMORY_BYTES,
                                                     .quantum_us = LIMIT_QUANTUM_US };

static struct lua_process *run(const char *source, const struct lua_process_options *o) {
        struct lua_process *p = malloc(sizeof(*p));
        cr_assert(p);
        lua_process_start(p, source, o);
        lua_process_run(p, 20 * CLOCK_S_US);
        return p;
}

static void finish(struct lua_process *p) {
        lua_process_stop(p);
        free(p);
}

Test(worker, a_program_gets_its_arguments_and_prints) {
        struct lua_process_options o = standard;
        o.args = "1, 'two'";
        o.has_console = true;
        struct lua_process *p = run("local a, b = ... print(a, b, math.type(a)) "
                                    "print(os.name, os.program, os.pid(), os.uid(), os.tid())",
                                    &o);
        cr_assert_str_eq(p->output, "1\ttwo\tinteger\ntest\tnative#test\t7\t1000\t1\n");
        cr_assert_eq(p->status, 0);
        cr_assert_eq(p->reason, EXIT_REASON_EXIT);
        finish(p);
}

Test(worker, print_goes_to_the_log_without_a_console) {
        struct lua_process *p = run("print('a', 1) warn('b', 'c')", &standard);
        cr_assert_str_eq(p->output, "info: a\t1\nwarning: bc\n");
        finish(p);
}

/* row 6 */
Test(worker, the_exit_status_is_what_the_program_says) {
        struct lua_process *p = run("return 3", &standard);
        cr_assert_eq(p->status, 3);
        finish(p);
        p = run("os.spawn(function() os.rpc.never() end) os.exit(4)", &standard);
        cr_assert_eq(p->status, 4);
        cr_assert_eq(p->reason, EXIT_REASON_EXIT);
        finish(p);
        p = run("return 64", &standard);
        cr_assert_eq(p->status, 1);
        cr_assert_eq(p->reason, EXIT_REASON_ERROR);
        finish(p);
}

/* row 6 */
Test(worker, an_uncaught_error_has_a_message_and_a_traceback) {
        struct lua_process *p =
                run("local function f()\n error('oh') end\nlocal x = f()", &standard);
        cr_assert_eq(p->status, 1);
        cr_assert_eq(p->reason, EXIT_REASON_ERROR);
        cr_assert(strncmp(p->message, "test:2: oh\nstack traceback:", 27) == 0, "%s", p->message);
        cr_assert(strstr(p->message, "test:3: in main chunk"), "%s", p->message);
        cr_assert(!strstr(p->message, "thox"), "%s", p->message);
        finish(p);
}

Test(worker, all_output_is_confirmed_before_the_exit) {
        struct lua_process_options o = standard;
        o.has_console = true;
        struct lua_process *p = run("for i = 1, 500 do print('line', i) end "
                                    "string.gsub(string.rep('x', 100), 'x', print) os.exit(0)",
                                    &o);
        cr_assert(strstr(p->output, "line\t500\nx\nx\n"));
        cr_assert_str_eq(p->output + p->output_len - 4, "x\nx\n");
        finish(p);
}

static size_t resident_kib(pid_t pid) {
        char path[64];
        size_t total, resident;
        snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
        FILE *in = fopen(path, "r");
        cr_assert(in && fscanf(in, "%zu %zu", &total, &resident) == 2);
        fclose(in);
        return resident * 4;
}

/* Freed memory stays in the sanitizer's quarantine: nothing can be said about growth then. */
void __asan_init(void) __attribute__((weak));

static bool has_made_some_calls(struct lua_process *p) {
        return p->n_calls_total > 5000;
}

static bool has_made_many_calls(struct lua_process *p) {
        return p->n_calls_total > 50000;
}

Test(worker, a_long_life_does_not_grow) {
        struct lua_process p;
        lua_process_start(&p,
                          "os.bind('pop', function(x) return x end) os.bind('raw')\n"
                          "while true do\n"
                          "  os.rpc.pop({ x = 'y' }) os.rpc.echo(('z'):rep(2000))\n"
                          "  local cid = os.call(0, 'raw', 1) local e = os.pull('call')\n"
                          "  os.answer(e.cid, true) os.pull(cid)\n"
                          "  cid = os.call(0, 'never') os.cancel(cid) os.pull(cid)\n"
                          "  os.join(os.spawn(function() os.call(0, 'never') end))\n"
                          "  pcall(os.rpc.nope) os.unbind(os.bind('temporary'))\n"
                          "end",
                          &standard);
        lua_process_run_until(&p, has_made_some_calls, 20 * CLOCK_S_US);
        size_t before = resident_kib(p.linux_pid);
        lua_process_run_until(&p, has_made_many_calls, 60 * CLOCK_S_US);
        size_t after = resident_kib(p.linux_pid);
        if (!__asan_init)
                cr_assert_leq(after, before + 512, "%zu KiB, then %zu KiB", before, after);
        lua_process_stop(&p);
}
