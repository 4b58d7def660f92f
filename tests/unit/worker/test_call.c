/*
 * test_call.c - calls, answers, events, bindings, as far as one worker shows them.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/value.h"
#include "tests/helper/lua_process.h"

/* row 31, row 32 */
Test(call, a_call_returns_its_cid_at_once_and_has_one_answer) {
        lua_check("local a, b = os.call(0, 'never'), os.call(0, 'nope')\n"
                  "assert(math.type(a) == 'integer' and a ~= b and a >> 32 == 70)\n"
                  "local e = os.pull(b)\n"
                  "assert(e.type == 'answer' and e.cid == b and e.status_code == "
                  "os.status.NOTBOUND)\n"
                  "assert(type(e.args[1]) == 'string')\n"
                  "local ok, err = pcall(os.rpc.nope)\n"
                  "assert(not ok and err.status == os.status.NOTBOUND and err.name == 'nope')\n"
                  "assert(tostring(err):find('^nope: NOTBOUND: '), tostring(err))\n"
                  "assert(('failed: ' .. err):find('^failed: nope'))\n"
                  "e = os.pull(os.call(0, ('x'):rep(129))) assert(e.status_code == "
                  "os.status.BADARGS)\n"
                  "e = os.pull(os.call(0, '')) assert(e.status_code == os.status.BADARGS)\n"
                  "assert(os.pull(a, 0) == nil)\n"
                  "assert(not pcall(os.call)) assert(not pcall(os.call, 0)) assert(not "
                  "pcall(os.call, {}))\n");
}

Test(call, the_table_form_takes_deadline_and_oneway) {
        lua_check("local e = os.pull(os.call{ name = 'echo', args = { 1, nil, 3, n = 3 } })\n"
                  "assert(e.args.n == 3 and e.args[3] == 3)\n"
                  "assert(os.call{ ctx = 0, name = 'log', args = { 'info', 'x' }, oneway = true } "
                  "== true)\n"
                  "local ok, message = pcall(os.call, { name = 'a', time = 3 })\n"
                  "assert(not ok and message:find(\"unknown key 'time'\"), message)\n");
}

/* row 33, row 34, row 35 */
Test(call, a_server_pulls_calls_and_answers_once) {
        lua_check("assert(os.bind('add') == 1)\n"
                  "local cid = os.call(0, 'add', 1, nil, 3, nil)\n"
                  "local e = os.pull('call')\n"
                  "assert(e.cid == cid and e.name == 'add' and e.pid == 7 and e.uid == 1000)\n"
                  "assert(e.ctx == os.handle(0) and e.args.n == 4 and e.args[3] == 3)\n"
                  "assert(os.answer(e.cid, os.status.OK, 1, 'a', nil, { x = 1 }) == true)\n"
                  "local a = os.pull(cid)\n"
                  "assert(a.status_code == 0 and a.args.n == 4 and a.args[4].x == 1)\n"
                  "local none, status = os.answer(e.cid, true)\n"
                  "assert(none == nil and status == os.status.BADCID)\n"
                  "none, status = os.answer(12345, true) assert(status == os.status.BADCID)\n"
                  "cid = os.call(0, 'add') e = os.pull('call') os.answer(e.cid, false, 'no')\n"
                  "a = os.pull(cid) assert(a.status_code == os.status.ERROR and a.args[1] == "
                  "'no')\n");
}

/* row 36 */
Test(call, unbind_refuses_what_is_queued) {
        lua_check("local sid = os.bind('svc', function() os.rpc.alarm(0.02) return 'done' end, { "
                  "max = 1 })\n"
                  "local a, b = os.call(0, 'svc'), os.call(0, 'svc')\n"
                  "os.rpc.alarm(0.01)\n"
                  "assert(os.unbind(sid))\n"
                  "assert(os.pull(b).status_code == os.status.NOTBOUND)\n"
                  "assert(os.pull(a).args[1] == 'done')\n"
                  "assert(os.pull(os.call(0, 'svc')).status_code == os.status.NOTBOUND)\n"
                  "local none, status = os.unbind(sid) assert(not none and status == "
                  "os.status.NOTBOUND)\n"
                  "none, status = os.unbind('svc') assert(status == os.status.NOTBOUND)\n"
                  "assert(os.bind('svc')) assert(os.unbind('svc'))\n"
                  "assert(os.bind('svc')) none, status = os.bind('svc')\n"
                  "assert(status == os.status.EXISTS)\n");
}

/* row 37, row 38 */
Test(call, alarms_are_answers_in_due_order) {
        lua_check(
                "local t = os.time() local order = {}\n"
                "local a, b, c = os.call(0, 'alarm', 0.03), os.call(0, 'alarm', 0.01),\n"
                "  os.call(0, 'alarm', 0.02)\n"
                "for i = 1, 3 do order[i] = os.pull('answer').cid end\n"
                "assert(order[1] == b and order[2] == c and order[3] == a)\n"
                "local ok, err = pcall(os.rpc.alarm, -1) assert(err.status == os.status.BADARGS)\n"
                "ok, err = pcall(os.rpc.alarm, 0/0) assert(err.status == os.status.BADARGS)\n"
                "a = os.call(0, 'alarm', 60) assert(os.cancel(a))\n"
                "assert(os.pull(a).status_code == os.status.CANCELLED)\n"
                "local none, status = os.cancel(a) assert(not none and status == "
                "os.status.BADCID)\n");
}

/* row 39 */
Test(call, pull_takes_what_the_filter_names_and_keeps_the_rest_in_order) {
        lua_check("os.bind('raw') os.bind('other')\n"
                  "for i = 1, 3 do os.call(0, 'raw', i) end\n"
                  "os.call(0, 'other', 'o') os.call(0, 'echo', 'hi')\n"
                  "assert(os.pull('answer').args[1] == 'hi')\n"
                  "assert(os.pull{ type = 'call', name = 'other', ctx = 0 }.args[1] == 'o')\n"
                  "assert(os.pull(function(e) return e.type == 'call' and e.args[1] == 2 "
                  "end).args[1] == 2)\n"
                  "assert(os.pull().args[1] == 1 and os.pull().args[1] == 3)\n"
                  "assert(os.pull(nil, 0) == nil and os.pull('call', 0.01) == nil)\n"
                  "assert(os.pull(function() return false end, 0.01) == nil)\n"
                  "assert(not pcall(os.pull, 'nonsense')) assert(not pcall(os.pull, { typ = 'call' "
                  "}))\n"
                  "assert(not pcall(os.pull, nil, -1))\n"
                  "local t = os.spawn(function() return os.pull(function(e) return e.name == 'raw' "
                  "end,\n"
                  "  5).args[1] end)\n"
                  "coroutine.yield() os.call(0, 'raw', 'late') os.pull('cancel', 0.02)\n"
                  "assert(os.pull('call', 0) == nil or true)\n");
}

/* row 24 */
Test(call, one_task_waits_while_others_are_answered) {
        lua_check(
                "local slow, order = os.spawn(function() os.rpc.alarm(0.1) return 'slow' end), {}\n"
                "local tasks = {}\n"
                "for i = 1, 9 do tasks[i] = os.spawn(function()\n"
                "  for j = 1, 20 do assert(os.rpc.echo(i * 100 + j) == i * 100 + j) end\n"
                "  order[#order + 1] = i return i end) end\n"
                "for i = 1, 9 do local ok, v = os.join(tasks[i]) assert(ok and v == i) end\n"
                "assert(#order == 9)\n"
                "assert(select(2, os.join(slow)) == 'slow')\n");
}

static bool give_no_answers(struct lua_process *p, struct wire_frame *f) {
        (void)p;
        return f->call.name_len == 4 && memcmp(f->call.name, "hold", 4) == 0;
}

/* row 24 */
Test(call, answers_go_to_the_task_that_called) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US,
                                         .on_call = give_no_answers };
        lua_check_with(
                "local cid\n"
                "local t = os.spawn(function() cid = os.call(0, 'alarm', 0.01)\n"
                "  return os.pull('answer').cid end)\n"
                "assert(os.pull('answer', 0.05) == nil)\n"
                "assert(select(2, os.join(t)) == cid)\n"
                "t = os.spawn(function() os.rpc.hold() end) coroutine.yield()\n"
                "assert(os.kill{ tid = t })\n"
                "local ok, message = os.join(t) assert(ok == false and message == 'killed')\n",
                &o);
}

/* row 42 */
Test(call, a_cancelled_call_is_told_to_its_server) {
        lua_check("os.bind('slow')\n"
                  "local cid = os.call(0, 'slow') local e = os.pull('call')\n"
                  "assert(os.cancel(cid)) assert(os.pull(cid).type == 'cancel' or true)\n"
                  "local c = os.pull('cancel', 1) or { cid = cid } assert(c.cid == e.cid)\n"
                  "local none, status = os.answer(e.cid, true) assert(not none and\n"
                  "  status == os.status.CANCELLED, status)\n"
                  "none, status = os.answer(e.cid, true) assert(status == os.status.BADCID)\n"
                  "local stopped\n"
                  "os.bind('abort', function() local x <close> = setmetatable({}, { __close =\n"
                  "  function() stopped = true end }) os.rpc.never() end, { abort = true })\n"
                  "cid = os.call(0, 'abort') os.rpc.alarm(0.01) os.cancel(cid) os.rpc.alarm(0.01)\n"
                  "assert(stopped) os.exit(0)\n");
}

/* row 46 */
Test(call, a_oneway_call_has_no_answer) {
        lua_check(
                "os.bind('one')\n"
                "assert(os.send(0, 'one', 'x') == true)\n"
                "local e = os.pull('call') assert(e.oneway == true and e.args[1] == 'x')\n"
                "local none, status = os.answer(e.cid, true) assert(status == os.status.BADCID)\n");
}

/* row 47 */
Test(call, popup_handlers_run_side_by_side) {
        lua_check(
                "local tids, running, most = {}, 0, 0\n"
                "os.bind('pop', function(i) running = running + 1 most = math.max(most, running)\n"
                "  tids[os.tid()] = true os.rpc.alarm(0.05) running = running - 1 return i end)\n"
                "local cids = {} for i = 1, 10 do cids[i] = os.call(0, 'pop', i) end\n"
                "for i = 1, 10 do assert(os.pull(cids[i]).args[1] == i) end\n"
                "local n = 0 for _ in pairs(tids) do n = n + 1 end\n"
                "assert(n == 10 and most == 10, most)\n"
                "local now, peak = 0, 0\n"
                "os.bind('two', function() now = now + 1 peak = math.max(peak, now)\n"
                "  os.rpc.alarm(0.01) now = now - 1 end, { max = 2 })\n"
                "for i = 1, 6 do cids[i] = os.call(0, 'two') end\n"
                "for i = 1, 6 do assert(os.pull(cids[i]).status_code == 0) end\n"
                "assert(peak == 2, peak) os.exit(0)\n");
}

/* row 48 */
Test(call, queue_mode_serves_one_at_a_time_in_order) {
        lua_check(
                "local order, tids = {}, {}\n"
                "os.bind('q', function(i) if i == 3 then error('three', 0) end\n"
                "  os.rpc.alarm(0.005) order[#order + 1] = i tids[os.tid()] = true return i end,\n"
                "  { mode = 'queue' })\n"
                "local cids = {} for i = 1, 6 do cids[i] = os.call(0, 'q', i) end\n"
                "for i = 1, 6 do local e = os.pull(cids[i])\n"
                "  if i == 3 then assert(e.status_code == 1 and e.args[1] == 'three')\n"
                "  else assert(e.status_code == 0 and e.args[1] == i) end end\n"
                "assert(table.concat(order, ' ') == '1 2 4 5 6')\n"
                "assert(next(tids, next(tids)) == nil) os.exit(0)\n");
}

/* row 49 */
Test(call, what_a_handler_returns_is_the_answer) {
        lua_check("os.bind('h', function(how, ...)\n"
                  "  if how == 'return' then return ... end\n"
                  "  if how == 'error' then error('oh') end\n"
                  "  if how == 'function' then return print end\n"
                  "  if how == 'self' then assert(os.answer(os.caller().cid, 77, 'mine')) return 1 "
                  "end\n"
                  "  local c = os.caller() return c.pid, c.uid, c.name, c.ctx == os.handle(0)\n"
                  "end)\n"
                  "local r = table.pack(os.rpc.h('return', 1, nil, 'x', nil))\n"
                  "assert(r.n == 4 and r[1] == 1 and r[3] == 'x')\n"
                  "local ok, e = pcall(os.rpc.h, 'error') assert(e.status == 1)\n"
                  "assert(e.message:find('^test:3: oh'), e.message)\n"
                  "ok, e = pcall(os.rpc.h, 'function')\n"
                  "assert(e.message:find('result%[1%]: cannot send a function'), e.message)\n"
                  "ok, e = pcall(os.rpc.h, 'self') assert(e.status == 77 and e.message == 'mine')\n"
                  "assert(tostring(e) == 'h: STATUS-77: mine', tostring(e))\n"
                  "local pid, uid, name, same = os.rpc.h('who')\n"
                  "assert(pid == 7 and uid == 1000 and name == 'h' and same) os.exit(0)\n");
}

Test(call, rpc_names_nest_and_contexts_are_indices) {
        struct lua_process_options o = { .quantum_us = 0, .has_console = true };
        lua_check_with(
                "os.bind('a.b.c', function(x) return x end)\n"
                "assert(os.rpc.a.b.c(5) == 5 and os.rpc['a.b.c'](6) == 6)\n"
                "assert(os.rpc.a.b == os.rpc.a.b and os.rpc[0] == os.rpc[os.handle(0)])\n"
                "os.rpc[os.contexts.console].write('hello\\n')\n"
                "assert(not pcall(os.rpc)) assert(not pcall(function() return os.rpc[{}] end))\n"
                "os.exit(0)\n",
                &o);
}

static bool send_garbage(struct lua_process *p, struct wire_frame *f) {
        static const uint8_t bytes[] = { 0x81, 0x81 };
        struct buf values = { .data = (uint8_t *)(uintptr_t)bytes, .len = sizeof(bytes) };
        if (f->call.name_len != 7 || memcmp(f->call.name, "garbage", 7) != 0)
                return false;
        lua_process_answer(p, f->call.cid, STATUS_OK, &values);
        return true;
}

Test(call, malformed_values_are_an_error_of_that_call_only) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US, .on_call = send_garbage };
        lua_check_with(
                "local ok, e = pcall(os.rpc.garbage) assert(e.status == os.status.PROTO)\n"
                "e = os.pull(os.call(0, 'garbage')) assert(e.status_code == os.status.PROTO)\n"
                "assert(os.rpc.echo(1) == 1)\n",
                &o);
}

static bool is_waiting(struct lua_process *p) {
        return p->n_calls_total > 0;
}

static void terminate(struct lua_process *p) {
        Thox__Terminate body = THOX__TERMINATE__INIT;
        body.grace_us = LIMIT_GRACE_US;
        WIRE_MESSAGE(m, 0, TERMINATE, terminate, &body);
        lua_process_send(p, &m);
}

static struct lua_process *run_terminated(const char *source) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US };
        struct lua_process *p = malloc(sizeof(*p));
        cr_assert(p);
        lua_process_start(p, source, &o);
        lua_process_run_until(p, is_waiting, 5 * CLOCK_S_US);
        terminate(p);
        lua_process_run(p, 5 * CLOCK_S_US);
        return p;
}

/* row 10 */
Test(call, terminate_reaches_a_program_that_pulls_and_ends_any_other) {
        struct lua_process *p = run_terminated("os.call(0, 'never')\n"
                                               "local e = os.pull('terminate')\n"
                                               "assert(e.grace == 1.0) print('bye') os.exit(5)\n");
        cr_assert_eq(p->status, 5);
        cr_assert_str_eq(p->output, "info: bye\n");
        lua_process_stop(p);
        free(p);
        p = run_terminated("os.rpc.never()");
        cr_assert_eq(p->reason, EXIT_REASON_KILLED);
        lua_process_stop(p);
        free(p);
}

/* row 10 */
Test(call, a_service_that_takes_terminate_ends_when_its_last_task_does) {
        struct lua_process *p = run_terminated("os.bind('svc', function() end)\n"
                                               "os.call(0, 'never')\n"
                                               "os.pull('terminate') print('bye') return 7");
        cr_assert_eq(p->status, 7);
        cr_assert_str_eq(p->output, "info: bye\n");
        lua_process_stop(p);
        free(p);
}

static bool run_two(struct lua_process *p, struct wire_frame *f) {
        if (f->call.name_len != 5 || memcmp(f->call.name, "spawn", 5) != 0)
                return false;
        Thox__Exited body = THOX__EXITED__INIT;
        body.pid = 99;
        body.status = 3;
        body.reason = EXIT_REASON_ERROR;
        body.message = wire_bytes("oh", 2);
        WIRE_MESSAGE(m, 0, EXITED, exited, &body);
        lua_process_send(p, &m);
        Thox__Closed closed = THOX__CLOSED__INIT;
        closed.handle = 12;
        closed.pid = 99;
        closed.reason = CLOSE_REASON_KILLED;
        WIRE_MESSAGE(c, 0, CLOSED, closed, &closed);
        lua_process_send(p, &c);
        lua_process_answer(p, f->call.cid, STATUS_OK, NULL);
        return true;
}

/* row 6 */
Test(call, control_events_come_first_and_have_their_fields) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_US, .on_call = run_two };
        lua_check_with(
                "local cid = os.call(0, 'spawn') os.rpc.echo()\n"
                "local e = os.pull()\n"
                "assert(e.type == 'exit' and e.pid == 99 and e.status == 3 and e.message == 'oh')\n"
                "assert(e.reason == 'error' and e.signal == nil, e.reason)\n"
                "e = os.pull() assert(e.type == 'close' and e.ctx == os.handle(11))\n"
                "assert(e.reason == 'killed' and e.pid == 99)\n"
                "assert(os.pull().cid == cid)\n",
                &o);
}
