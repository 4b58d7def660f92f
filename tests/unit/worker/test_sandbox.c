/*
 * test_sandbox.c - what a program finds, limits on memory, runtimes.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "libipc/value.h"
#include "tests/helper/lua_process.h"

/* row 70 */
/* The scenario 15_environment has the list of `os`. */
Test(sandbox, the_environment_is_the_documented_table) {
        lua_check("local function names(t) local n = {} for k in pairs(t) do n[#n + 1] = k end\n"
                  "  table.sort(n) return table.concat(n, ' ') end\n"
                  "local function check(t, want) local have = names(t) assert(have == want, have) "
                  "end\n"
                  "check(_G, '_G _VERSION assert collectgarbage coroutine debug error getmetatable "
                  "ipairs '\n"
                  "  .. 'load math next os pairs pcall print rawequal rawget rawlen rawset require "
                  "select '\n"
                  "  .. 'setmetatable string table tonumber tostring type utf8 warn xpcall')\n"
                  "check(debug, 'getinfo traceback')\n"
                  "check(coroutine, 'close create isyieldable resume running status wrap yield')\n"
                  "check(string, 'byte char find format gmatch gsub len lower match pack packsize "
                  "rep '\n"
                  "  .. 'reverse sub unpack upper')\n"
                  "assert(os.status.OK == 0 and os.status[2] == 'NOTBOUND')\n");
}

Test(sandbox, finalizers_and_memory_controls_are_refused) {
        lua_check("local ok, message = pcall(setmetatable, {}, { __gc = print })\n"
                  "assert(not ok and message:find('__gc is not available'))\n"
                  "assert(getmetatable(setmetatable({}, { __index = 1 })).__index == 1)\n"
                  "assert(not pcall(setmetatable, setmetatable({}, { __metatable = 1 }), {}))\n"
                  "assert(collectgarbage() == 0 and collectgarbage('count') > 1)\n"
                  "assert(not pcall(collectgarbage, 'stop'))\n"
                  "assert(math.random(1 << 30) ~= math.random(1 << 30) or true)\n"
                  "local text = debug.traceback('m') assert(text:find('^m\\nstack "
                  "traceback:\\n\\ttest:'), text)\n"
                  "assert(debug.traceback({}) ~= nil and debug.traceback():find('^stack "
                  "traceback'))\n"
                  "assert(os.date('!%Y', 0) == '1970' and os.date('%H', 0) == '00')\n");
}

Test(sandbox, sort_is_right_for_all_sizes) {
        lua_check("for n = 0, 300, 7 do\n"
                  "  local t, u = {}, {}\n"
                  "  for i = 1, n do t[i] = math.random(50) u[i] = t[i] end\n"
                  "  table.sort(t, function(a, b) return a > b end) table.sort(u)\n"
                  "  for i = 1, n do assert(t[i] == u[n + 1 - i]) end\n"
                  "end\n"
                  "local t = {} for i = 1, 2000 do t[i] = i end\n"
                  "table.sort(t, function(a, b) return a < b end)\n"
                  "for i = 1, 2000 do assert(t[i] == i) end\n"
                  "assert(not pcall(table.sort, t, 5))\n"
                  "pcall(table.sort, t, function() return true end)\n");
}

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

static const struct lua_process_options small = { .memory_bytes = 4u << 20, .quantum_us = 5000 };

Test(sandbox, the_memory_limit_is_an_error_first) {
        struct lua_process *p =
                run("local t = {}\n"
                    "local ok, message = pcall(function()\n"
                    "  for i = 1, 1e9 do t[#t + 1] = { i } end end)\n"
                    "t = nil assert(not ok)\n"
                    "assert(message:find('memory limit exceeded %(4 MiB'), message)\n"
                    "collectgarbage() local s = ('x'):rep(1000000) assert(#s == 1000000)\n"
                    "ok, message = pcall(string.rep, 'x', 1 << 30)\n"
                    "assert(not ok and message:find('not enough memory'), message)\n"
                    "ok, message = pcall(string.rep, 'x', 1 << 62) assert(not ok)\n"
                    "ok, message = pcall(function() local s = 'x' while true do\n"
                    "  s = s .. s end end)\n"
                    "assert(not ok and message:find('memory'), message)\n"
                    "for i = 1, 300000 do local g = { i } end\n",
                    &small);
        cr_assert_eq(p->status, 0, "%s", p->message);
        finish(p);
}

Test(sandbox, past_the_reserve_the_process_ends_with_limit_and_line) {
        struct lua_process *p = run("local t = {}\n"
                                    "for i = 1, 60000 do t[i] = i end\n"
                                    "table.move(t, 1, 60000, 1000000)\n"
                                    "local u = table.pack(table.unpack(t, 1, 50000))\n"
                                    "while true do pcall(function() while true do\n"
                                    "  t[#t + 1] = { {} } end end) end",
                                    &small);
        cr_assert_eq(p->reason, EXIT_REASON_MEMORY, "%s", p->message);
        cr_assert(strstr(p->message, "limit 4 MiB"), "%s", p->message);
        cr_assert(strstr(p->message, "at test:"), "%s", p->message);
        finish(p);
}

/* row 68, row 73 */
Test(sandbox, a_runtime_makes_the_environment_of_the_program) {
        struct lua_process_options o = small;
        o.args = "'arg'";
        o.runtime = "return { setup = function(env, program, args)\n"
                    "  return setmetatable({ hello = function() return program .. args[1] end },\n"
                    "    { __index = env }) end }";
        lua_check_with("assert(hello() == 'native#testarg') x = 1\n"
                       "assert(load('return hello()')() == hello() and not rawget(_G, 'x'))\n",
                       &o);
}

/* row 73 */
Test(sandbox, a_runtime_that_fails_ends_the_process_before_the_program) {
        struct lua_process_options o = small;
        o.runtime = "return { setup = function() error('no way') end }";
        struct lua_process *p = run("print('never')", &o);
        cr_assert_eq(p->reason, EXIT_REASON_RUNTIME);
        cr_assert(strstr(p->message, "no way"), "%s", p->message);
        cr_assert_eq(p->output_len, 0);
        finish(p);
        o.runtime = "return 5";
        p = run("print('never')", &o);
        cr_assert_eq(p->reason, EXIT_REASON_RUNTIME);
        cr_assert(strstr(p->message, "function 'setup'"), "%s", p->message);
        finish(p);
}

static const struct {
        const char *name, *source;
} libraries[] = {
        { "plain", "return { n = 0, name = ... }" },
        { "a", "return require('b')" },
        { "b", "return require('a')" },
        { "slow", "os.rpc.alarm(0.02) return {}" },
        { "broken", "error('inside')" },
};

static bool serve_libraries(struct lua_process *p, struct wire_frame *f) {
        struct value_reader r;
        const uint8_t *name;
        size_t len, size;
        if (f->call.name_len != 13 || memcmp(f->call.name, "library.image", 13) != 0)
                return false;
        value_reader_init(&r, f->extra.values, f->extra.values_len);
        cr_assert(value_get_bytes(&r, &name, &len));
        for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
                if (len != strlen(libraries[i].name) || memcmp(name, libraries[i].name, len) != 0)
                        continue;
                int fd = lua_image("=library", libraries[i].source, &size);
                struct wire_cap cap = { .handle = 20 };
                struct buf values;
                buf_init(&values, 4096);
                value_put_map(&values, 1);
                value_put_text(&values, "size");
                value_put_integer(&values, (int64_t)size);
                value_put_cap(&values, 0);
                struct wire_extra extra = { .fds = &fd,
                                            .n_fds = 1,
                                            .caps = &cap,
                                            .n_caps = 1,
                                            .values = values.data,
                                            .values_len = values.len };
                struct wire_answer answer = { .cid = f->call.cid };
                conn_send_answer(&p->conn, f->seq, &answer, &extra, NULL);
                buf_deinit(&values);
                fd_close(fd);
                return true;
        }
        return false;
}

/* row 67 */
Test(sandbox, require_loads_a_library_once) {
        struct lua_process_options o = small;
        o.on_call = serve_libraries;
        lua_check_with("local l = require('plain') l.n = 1\n"
                       "assert(require('plain').n == 1 and l.name == 'plain')\n"
                       "local ok, message = pcall(require, 'missing')\n"
                       "assert(not ok and message:find(\"library 'missing'\"), message)\n"
                       "ok, message = pcall(require, 'a')\n"
                       "assert(not ok and message:find('requires itself'), message)\n"
                       "ok, message = pcall(require, 'broken') assert(not ok)\n"
                       "assert(message:find('inside'), message)\n"
                       "local t = os.spawn(require, 'slow')\n"
                       "local mine = require('slow')\n"
                       "assert(select(2, os.join(t)) == mine)\n",
                       &o);
}
