/*
 * test_sched.c - tasks of one process: pre-emption, waiting, ends.
 */
#include "worker/sched.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "tests/helper/lua_process.h"

/* row 13 */
Test(sched, a_busy_task_does_not_stop_its_siblings) {
        lua_check("os.spawn(function() while true do end end)\n"
                  "local t = os.clock()\n"
                  "for i = 1, 10 do os.rpc.alarm(0.01) end\n"
                  "os.exit(0)\n");
}

/* row 14 */
Test(sched, nested_coroutines_and_library_calls_are_preempted) {
        lua_check(
                "local function spin() while true do end end\n"
                "local function nest(n) if n == 0 then spin() end\n"
                "  coroutine.wrap(nest)(n - 1) end\n"
                "os.spawn(nest, 3)\n"
                "os.spawn(function() pcall(function() while true do pcall(error) end end) end)\n"
                "os.spawn(function() local t = setmetatable({}, { __index = spin }) return t.x "
                "end)\n"
                "os.spawn(function() for _ in function() spin() end do end end)\n"
                "os.spawn(function() table.sort({ 1, 2, 3 }, spin) end)\n"
                "os.spawn(function() local x <close> = setmetatable({}, { __close = spin }) end)\n"
                "os.spawn(function() while true do local t = {} for i = 1, 10 do t[i] = i end end "
                "end)\n"
                "for i = 1, 5 do os.rpc.alarm(0.01) end\n"
                "os.exit(0)\n");
}

/* row 13 */
Test(sched, a_busy_task_inside_a_c_function_only_delays) {
        lua_check(
                "local done\n"
                "os.spawn(function() (('x'):rep(20)):gsub('x', function()\n"
                "  local t = os.clock() while os.clock() - t < 0.01 do end end) done = true end)\n"
                "os.rpc.alarm(0.01)\n"
                "while not done do coroutine.yield() end\n");
}

/* row 15, row 22 */
Test(sched, without_a_quantum_a_task_runs_until_it_waits) {
        const char *source = "local stop\n"
                             "os.spawn(function() for _ = 1, 3e6 do end stop = true\n"
                             "  coroutine.yield() stop = 'again' end)\n"
                             "os.rpc.echo()\n"
                             "assert(stop)\n"
                             "coroutine.yield() coroutine.yield() assert(stop == 'again')\n";
        struct lua_process_options o = { .quantum_us = 0 };
        lua_check_with(source, &o);
        o = (struct lua_process_options){ .quantum_us = 1000, .has_no_hooks = true };
        lua_check_with(source, &o);
}

/* row 15 */
Test(sched, with_a_quantum_the_same_task_is_interrupted) {
        struct lua_process_options o = { .quantum_us = 1000 };
        lua_check_with("local stop\n"
                       "os.spawn(function() while not stop do end end)\n"
                       "os.rpc.echo()\n"
                       "stop = true\n",
                       &o);
}

Test(sched, tasks_return_values_and_errors_to_who_joins_them) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US };
        lua_check_with(
                "local function f(...) os.rpc.alarm(0.001) return ... end\n"
                "local r = table.pack(os.join(os.spawn(f, 1, nil, 'x')))\n"
                "assert(r[1] == true and r.n == 4 and r[4] == 'x')\n"
                "local t = os.spawn(function() return 'quick' end)\n"
                "os.rpc.alarm(0.005)\n"
                "assert(select(2, os.join(t)) == 'quick')\n"
                "local none, status = os.join(t) assert(not none and status == "
                "os.status.NOTFOUND)\n"
                "local ok, message = os.join(os.spawn(function() os.rpc.echo() error('e') end))\n"
                "assert(ok == false and message:find('test:%d+: e'), message)\n"
                "t = os.spawn(os.pull)\n"
                "none, status = os.join(t, 0.01) assert(status == os.status.TIMEOUT)\n"
                "assert(os.kill{ tid = t }) assert(os.join(t) == false)\n"
                "assert(not pcall(os.join, os.tid())) assert(not pcall(os.kill, { tid = os.tid() "
                "}))\n"
                "assert(os.spawn(print) > os.spawn(print) - 2)\n"
                "none, status = os.kill{ tid = 999999 } assert(status == os.status.NOTFOUND)\n",
                &o);
}

Test(sched, a_lost_error_of_a_task_is_logged_and_does_no_harm) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US };
        struct lua_process *p = malloc(sizeof(*p));
        cr_assert(p);
        lua_process_start(p, "os.spawn(function() error('alone') end) os.rpc.alarm(0.01) return 2",
                          &o);
        lua_process_run(p, 5 * CLOCK_S_US);
        cr_assert_eq(p->status, 2);
        cr_assert(strstr(p->output, "error: task 2: test:1: alone\nstack traceback:"), "%s",
                  p->output);
        lua_process_stop(p);
        free(p);
}

Test(sched, many_tasks_run_in_little_memory) {
        lua_check("local n, ids = 0, {}\n"
                  "for i = 1, 10000 do ids[i] = os.spawn(function() coroutine.yield() n = n + 1 "
                  "end) end\n"
                  "for i = 1, 10000 do os.join(ids[i]) end\n"
                  "assert(n == 10000)\n"
                  "assert(collectgarbage('count') < 50 * 1024)\n");
}

static bool has_output(struct lua_process *p) {
        return p->output_len > 0;
}

Test(sched, output_leaves_while_the_program_computes) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US };
        struct lua_process *p = malloc(sizeof(*p));
        cr_assert(p);
        lua_process_start(p, "print('early') while true do end", &o);
        lua_process_run_until(p, has_output, 5 * CLOCK_S_US);
        lua_process_stop(p);
        free(p);
}

Test(sched, many_messages_do_not_pile_up) {
        lua_check("local text = ('z'):rep(60000)\n"
                  "for i = 1, 200 do os.send(0, 'nope', text) end\n"
                  "for i = 1, 200 do os.call(0, 'echo', text) end\n"
                  "for i = 1, 200 do assert(#os.pull('answer').args[1] == 60000) end\n");
}
