/*
 * test_hijack.c - coroutines: as stock Lua for the program, transparent for syscalls.
 */
#include "worker/hijack.h"

#include <criterion/criterion.h>

#include "tests/helper/lua_process.h"

/* row 23 */
Test(hijack, a_call_ten_coroutines_deep_gets_its_answer) {
        lua_check("local function deep(n)\n"
                  "  if n == 0 then return os.rpc.echo('x', nil, 3) end\n"
                  "  local co = coroutine.create(deep)\n"
                  "  local out = table.pack(coroutine.resume(co, n - 1))\n"
                  "  assert(coroutine.status(co) == 'dead')\n"
                  "  return table.unpack(out, 2, out.n)\n"
                  "end\n"
                  "local r = table.pack(deep(10))\n"
                  "assert(r.n == 3 and r[1] == 'x' and r[2] == nil and r[3] == 3)\n"
                  "local n = 0\n"
                  "local gen = coroutine.wrap(function() for i = 1, 3 do\n"
                  "  os.rpc.echo(i) coroutine.yield(i) end end)\n"
                  "for i in gen do n = n + i end\n"
                  "assert(n == 6)\n");
}

/* row 23 */
Test(hijack, depth_190_works_and_more_is_an_error) {
        lua_check("local function deep(n)\n"
                  "  if n == 0 then return os.rpc.echo('bottom') end\n"
                  "  return select(2, assert(coroutine.resume(coroutine.create(deep), n - 1)))\n"
                  "end\n"
                  "assert(deep(190) == 'bottom')\n"
                  "local function fall() return assert(coroutine.resume(coroutine.create(fall))) "
                  "end\n"
                  "local ok, message = pcall(fall)\n"
                  "assert(not ok and message:find('C stack overflow'), message)\n"
                  "assert(deep(5) == 'bottom')\n");
}

/* row 16 */
Test(hijack, a_yield_of_a_task_itself_lets_siblings_run) {
        lua_check("local log = {}\n"
                  "local t = os.spawn(function() log[#log + 1] = 'b' end)\n"
                  "assert(select('#', coroutine.yield(1, 2)) == 0)\n"
                  "log[#log + 1] = 'a'\n"
                  "os.join(t)\n"
                  "assert(table.concat(log) == 'ba', table.concat(log))\n");
}

/* row 17 */
Test(hijack, generators_see_only_their_own_yields) {
        struct lua_process_options o = { .quantum_us = LIMIT_QUANTUM_MIN_US };
        lua_check_with(
                "local stop, turns = false, 0\n"
                "os.spawn(function() while not stop do turns = turns + 1\n"
                "  coroutine.yield() end end)\n"
                "local function body() for i = 1, 5 do\n"
                "  for _ = 1, 1e6 do end coroutine.yield(i) end return 'end' end\n"
                "local co, seen = coroutine.create(body), {}\n"
                "while true do\n"
                "  local ok, v = coroutine.resume(co)\n"
                "  assert(ok) seen[#seen + 1] = v\n"
                "  if coroutine.status(co) == 'dead' then break end\n"
                "end\n"
                "assert(table.concat(seen, ' ') == '1 2 3 4 5 end', table.concat(seen, ' '))\n"
                "seen = {}\n"
                "for v in coroutine.wrap(function() for i = 1, 3 do for _ = 1, 1e6 do end\n"
                "  coroutine.yield(i) end end) do seen[#seen + 1] = v end\n"
                "assert(table.concat(seen, ' ') == '1 2 3')\n"
                "assert(turns > 2, turns)\n"
                "stop = true\n",
                &o);
}

/* row 17 */
Test(hijack, the_library_behaves_as_stock) {
        lua_check(
                "local co = coroutine.create(function(a) assert(a == 1)\n"
                "  assert(coroutine.isyieldable())\n"
                "  local me, main = coroutine.running() assert(not main)\n"
                "  assert(coroutine.status(me) == 'running')\n"
                "  local b = coroutine.yield(2) error('x' .. b) end)\n"
                "assert(coroutine.status(co) == 'suspended')\n"
                "local ok, v = coroutine.resume(co, 1) assert(ok and v == 2)\n"
                "ok, v = coroutine.resume(co, 3) assert(not ok and v:find('x3'))\n"
                "assert(coroutine.status(co) == 'dead')\n"
                "ok, v = coroutine.resume(co) assert(not ok and v == 'cannot resume dead "
                "coroutine')\n"
                "local me, main = coroutine.running() assert(main)\n"
                "assert(coroutine.status(me) == 'running')\n"
                "ok, v = coroutine.resume(me) assert(not ok and v:find('non%-suspended'), v)\n"
                "local f = coroutine.wrap(function() error('bad') end)\n"
                "ok, v = pcall(function() f() end)\n"
                "assert(not ok and v:find('test:%d+: test:%d+: bad'), v)\n"
                "ok, v = pcall(f) assert(not ok and v:find('cannot resume dead coroutine'))\n"
                "local closed = 0\n"
                "local function tbc() return setmetatable({}, { __close = function() \n"
                "  closed = closed + 1 end }) end\n"
                "co = coroutine.create(function() local x <close> = tbc() coroutine.yield() end)\n"
                "coroutine.resume(co) assert(coroutine.close(co) == true and closed == 1)\n"
                "co = coroutine.create(function() local x <close> = setmetatable({}, { __close =\n"
                "  function() error('in close') end }) coroutine.yield() end)\n"
                "coroutine.resume(co) ok, v = coroutine.close(co) assert(ok == false)\n"
                "assert(v:find('in close'))\n"
                "ok, v = pcall(coroutine.close, coroutine.running()) assert(not ok)\n"
                "assert(v:find('cannot close a running coroutine'))\n"
                "ok, v = pcall(coroutine.wrap(function() return pcall(function()\n"
                "  coroutine.yield(7) error('deep') end) end)) assert(ok and v == 7)\n"
                "local outer outer = coroutine.create(function() local inner =\n"
                "  coroutine.create(function() return coroutine.status(outer) end)\n"
                "  return select(2, coroutine.resume(inner)) end)\n"
                "assert(select(2, coroutine.resume(outer)) == 'normal')\n"
                "ok, v = pcall(coroutine.resume, 1) assert(v:find('thread expected'), v)\n");
}

/* row 18 */
Test(hijack, returns_and_yields_are_told_apart_by_no_value) {
        lua_check("for _, v in ipairs{ 0, 1, 2, false, 'park', 'basic' } do\n"
                  "  local co = coroutine.create(function() coroutine.yield(v) return v end)\n"
                  "  local ok, a = coroutine.resume(co) assert(ok and a == v)\n"
                  "  assert(coroutine.status(co) == 'suspended')\n"
                  "  ok, a = coroutine.resume(co) assert(ok and a == v)\n"
                  "  assert(coroutine.status(co) == 'dead')\n"
                  "end\n");
}

/* row 19 */
Test(hijack, nothing_reaches_the_real_functions) {
        lua_check(
                "local seen, bad = {}, {}\n"
                "local names = { sethook = 1, gethook = 1, getregistry = 1, loadfile = 1, dofile = "
                "1,\n"
                "  popen = 1, execute = 1, getenv = 1, rename = 1, tmpname = 1,\n"
                "  setlocale = 1, dump = 1, setupvalue = 1, upvaluejoin = 1, setlocal = 1, io = "
                "1,\n"
                "  package = 1, setuservalue = 1, getupvalue = 1, getlocal = 1 }\n"
                "local function walk(v, path)\n"
                "  if type(v) ~= 'table' or seen[v] then return end\n"
                "  seen[v] = true\n"
                "  for k, x in next, v do\n"
                "    if names[k] then bad[#bad + 1] = path .. '.' .. k end\n"
                "    walk(k, path .. '.key') walk(x, path .. '.' .. tostring(k))\n"
                "  end\n"
                "  walk(getmetatable(v), path .. '.meta')\n"
                "end\n"
                "walk(_G, '_G') walk(_ENV, '_ENV')\n"
                "assert(#bad == 0, table.concat(bad, ' '))\n"
                "assert(getmetatable('') == 'string' and os.remove == nil)\n"
                "assert(not pcall(setmetatable, '', {}))\n"
                "assert(debug.getinfo(1, 'f').func == nil)\n"
                "assert(debug.getinfo(1).short_src == 'test')\n"
                "assert(load('return x', 'n', 't', { x = 5 })() == 5)\n"
                "y = 6 assert(load('return y')() == 6)\n"
                "local f, message = load('\\27Lua', 'n', 'b') assert(not f and message)\n"
                "f, message = load('\\27Lua') assert(not f and message:find('binary'), message)\n");
}

/* row 25 */
Test(hijack, a_parked_coroutine_cannot_be_resumed_by_another_task) {
        lua_check("local co, got\n"
                  "local t = os.spawn(function()\n"
                  "  co = coroutine.create(function() return os.rpc.alarm(0.05), 'mine' end)\n"
                  "  got = table.pack(coroutine.resume(co))\n"
                  "end)\n"
                  "while not co or coroutine.status(co) ~= 'normal' do coroutine.yield() end\n"
                  "local ok, message = coroutine.resume(co, 'forged')\n"
                  "assert(not ok and message == 'cannot resume non-suspended coroutine', message)\n"
                  "os.join(t)\n"
                  "assert(got[1] == true and got[got.n] == 'mine')\n");
}

/* row 25 */
Test(hijack, closing_a_parked_coroutine_cancels_its_call) {
        lua_check("local co, ok, message, closed\n"
                  "local t = os.spawn(function()\n"
                  "  co = coroutine.create(function()\n"
                  "    local x <close> = setmetatable({}, { __close = function() closed = true end "
                  "})\n"
                  "    os.rpc.never() end)\n"
                  "  ok, message = coroutine.resume(co)\n"
                  "end)\n"
                  "while not co or coroutine.status(co) ~= 'normal' do coroutine.yield() end\n"
                  "assert(coroutine.close(co) and closed)\n"
                  "assert(coroutine.status(co) == 'dead')\n"
                  "os.join(t)\n"
                  "assert(ok == false and message == 'cannot resume dead coroutine', message)\n"
                  "local me\n"
                  "t = os.spawn(function() me = coroutine.running() os.rpc.alarm(0.02) return 1 "
                  "end)\n"
                  "coroutine.yield()\n"
                  "assert(not pcall(coroutine.close, me))\n"
                  "assert(select(2, os.join(t)) == 1)\n");
}

Test(hijack, a_syscall_across_a_c_function_is_an_error) {
        lua_check(
                "local function bad(f, ...)\n"
                "  local ok, message = pcall(f, ...)\n"
                "  assert(not ok and message:find('syscall across a C%-call boundary'), message)\n"
                "end\n"
                "bad(string.gsub, 'x', 'x', function() os.rpc.alarm(0) end)\n"
                "bad(tostring, setmetatable({}, { __tostring = function() os.pull('answer', 0) end "
                "}))\n"
                "bad(string.gsub, 'x', 'x', function() assert(coroutine.resume(coroutine.create(\n"
                "  function() os.rpc.alarm(0) end))) end)\n"
                "string.gsub('x', 'x', function() os.send(0, 'log', 'info', 'a') end)\n"
                "assert(os.rpc.echo(1) == 1)\n"
                "local t = { 3, 1, 2 }\n"
                "table.sort(t, function(a, b) os.rpc.alarm(0) return a < b end)\n"
                "assert(table.concat(t) == '123')\n");
}

Test(hijack, nested_closes_have_a_limit) {
        lua_check("local function chain(n)\n"
                  "  local co = coroutine.create(function()\n"
                  "    local x <close> = setmetatable({}, { __close = function()\n"
                  "      if n > 0 then assert(coroutine.close(chain(n - 1))) end end })\n"
                  "    coroutine.yield()\n"
                  "  end)\n"
                  "  coroutine.resume(co)\n"
                  "  return co\n"
                  "end\n"
                  "assert(coroutine.close(chain(20)))\n"
                  "local ok, message = coroutine.close(chain(20000))\n"
                  "assert(not ok and message:find('too many nested closes'), message)\n");
}

Test(hijack, pcall_and_close_work_around_a_wait) {
        lua_check("local order = {}\n"
                  "local ok, message = pcall(function()\n"
                  "  local x <close> = setmetatable({}, { __close = function(_, e)\n"
                  "    os.rpc.alarm(0.001) order[#order + 1] = tostring(e) end })\n"
                  "  os.rpc.alarm(0.001)\n"
                  "  error('late', 0)\n"
                  "end)\n"
                  "assert(not ok and message == 'late' and order[1] == 'late')\n"
                  "local t = setmetatable({}, { __index = function(_, k) return os.rpc.echo(k) end "
                  "})\n"
                  "assert(t.hello == 'hello')\n"
                  "for v in function() return (os.rpc.alarm(0)) end do error('no value expected') "
                  "end\n");
}
