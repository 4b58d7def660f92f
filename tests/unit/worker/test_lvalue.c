/*
 * test_lvalue.c - Lua values there and back, and what cannot be sent.
 */
#include "worker/lvalue.h"

#include <criterion/criterion.h>

#include "tests/helper/lua_process.h"

/* row 34 */
Test(lvalue, values_come_back_as_they_were) {
        lua_check(
                "local function same(a, b)\n"
                "  if type(a) ~= 'table' then\n"
                "    return math.type(a) == math.type(b) and (a == b or a ~= a and b ~= b)\n"
                "      and (a ~= 0 or 1 / a == 1 / b)\n"
                "  end\n"
                "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
                "  for k in pairs(b) do if a[k] == nil then return false end end\n"
                "  return true\n"
                "end\n"
                "local function check(v) local r = os.rpc.echo(v)\n"
                "  assert(same(v, r), tostring(v) .. ' ~= ' .. tostring(r)) end\n"
                "for _, v in ipairs{ 0, 1, -1, 23, 24, 255, 256, 65535, 65536, 1 << 32, -25, -(1 "
                "<< 40),\n"
                "  math.maxinteger, math.mininteger, 0.0, -0.0, 1.0, 1.5, 1e300, 0/0, math.huge,\n"
                "  -math.huge, true, false, '', 'a', 'a\\0b', '\\xff\\xfe', ('x'):rep(70000) } do "
                "check(v) end\n"
                "check({}) check({ 1, 2, 3 }) check({ x = 1, ['a b'] = { y = { 2, { z = 'q' } } } "
                "})\n"
                "check({ [1] = 'a', [2] = 'b', x = 1 }) check({ [0] = 1 }) check({ [1.5] = 1, "
                "[true] = 2 })\n"
                "check({ 1, nil, 3 }) check({ [-1] = 1, [math.maxinteger] = 2 })\n"
                "local r = table.pack(os.rpc.echo(1, nil, 'x', nil))\n"
                "assert(r.n == 4 and r[1] == 1 and r[3] == 'x')\n"
                "assert(select('#', os.rpc.echo()) == 0)\n"
                "local big = {} for i = 1, 20000 do big[i] = { i, tostring(i) } end check(big)\n");
}

/* row 34 */
Test(lvalue, nesting_has_a_limit_of_64) {
        lua_check(
                "local function nest(n) local t = 'x' for _ = 1, n do t = { t } end return t end\n"
                "local v = os.rpc.echo(nest(64))\n"
                "for _ = 1, 64 do v = v[1] end assert(v == 'x')\n"
                "local ok, message = pcall(os.rpc.echo, nest(65))\n"
                "assert(not ok and message:find('nested too deep %(limit 64%)'), message)\n"
                "local m = 'x' for _ = 1, 64 do m = { k = m } end\n"
                "assert(os.rpc.echo(m).k.k.k)\n");
}

/* row 34 */
Test(lvalue, what_cannot_be_sent_is_named_by_its_path) {
        lua_check(
                "local function bad(want, ...)\n"
                "  local ok, message = pcall(os.call, 0, 'echo', ...)\n"
                "  assert(not ok and message:find(want, 1, true), message)\n"
                "end\n"
                "bad('args[1]: cannot send a function', print)\n"
                "bad('args[2].x.y: cannot send a function', 1, { x = { y = print } })\n"
                "bad('args[1][3]: cannot send a thread', { 1, 2, coroutine.create(print) })\n"
                "bad('args[1][\"a b\"][true]: cannot send a userdata', { ['a b'] = { [true] = "
                "os.rpc } })\n"
                "bad('args[1].m: cannot send a table with a metatable', { m = setmetatable({}, {}) "
                "})\n"
                "local loop = {} loop.x = { loop }\n"
                "bad('args[1].x[1]: the table contains itself', loop)\n"
                "bad('cannot be a key in a message', { [{}] = 1 })\n"
                "local shared = { 1 }\n"
                "local r = os.rpc.echo({ shared, shared }) assert(r[1][1] == 1 and r[2][1] == 1)\n"
                "assert(os.rpc.echo('still works') == 'still works')\n");
}

Test(lvalue, long_messages_are_split_and_joined) {
        lua_check("for _, n in ipairs{ 65535, 65536, 65537, 262144, 1 << 20, 5000000 } do\n"
                  "  local text = ('0123456789abcdef'):rep(n // 16 + 1):sub(1, n)\n"
                  "  local r = os.rpc.echo(text, n)\n"
                  "  assert(#r == n and r == text)\n"
                  "end\n"
                  "assert(os.bind('back', function(t) return #t, t end))\n"
                  "local n, t = os.rpc.back(('y'):rep(3 << 20)) assert(n == 3 << 20 and #t == n)\n"
                  "os.exit(0)\n");
}

Test(lvalue, handles_are_values_of_their_own) {
        lua_check("local c = assert(os.context()) assert(c > 0 and c ~= 10)\n"
                  "assert(tostring(c):match('^context %d+$') and c == os.handle(c.number))\n"
                  "local r = os.rpc.echo({ file = c })\n"
                  "assert(r.file == c and type(r.file) == 'userdata')\n"
                  "assert(os.rpc.echo(5) == 5)\n"
                  "local t = { [c] = 1 } assert(t[os.handle(c.number)] == 1)\n"
                  "assert(getmetatable(c) == 'context')\n"
                  "assert(os.share(c, 3, { 'call' })) assert(os.close(c))\n"
                  "assert(not pcall(os.share, c, 3, { 'fly' }))\n");
}
