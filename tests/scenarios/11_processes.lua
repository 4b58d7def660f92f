-- Programs start programs: each is a process of its own, with an end that its parent hears of.
local tap = require("tap")
local child = require("child")

-- row 2: separate worlds
-- luacheck: globals shared
shared = "parent's"
local source = "report(shared) shared = os.args[1] report() report(shared)"
local a, b = child.run(source, { args = { "a" } }), child.run(source, { args = { "b" } })
tap.is(a:report(), nil, "a global of the parent is not there in a child")
b:report()
a:report()
b:report()
tap.is(a:report(), "a", "each child has its own globals")
tap.is(b:report(), "b", "and reads back only those")
tap.is(shared, "parent's", "the parent keeps its own")

-- row 3
tap.ok(a.pid ~= b.pid and a.pid >= 2 and math.type(a.pid) == "integer", "each has a pid of its own")
tap.same({ a:exit().status, b:exit().status }, { 0, 0 }, "both end with status 0")

-- row 4
local function refused(status, name, what, options)
    tap.refused(os.status[status], name, os.run(what, options))
end
refused("NOTFOUND", "an unknown program is NOTFOUND", "nosuch")
refused("NOTFOUND", "an unknown runtime too", "nosuch#01_hello") -- row 68
refused("BADARGS", "a bad name is BADARGS", "a/b")
refused("BADARGS", "an empty name too", "")
refused("BADARGS", "so is an unknown property", { code = "", properties = { memroy = 1 } })
refused("BADARGS", "neither program nor code", {})
refused("BADARGS", "both program and code", { program = "x", code = "" })
refused("BADARGS", "two runtimes that differ", "native#x", { runtime = "extended" }) -- row 69
refused("BADARGS", "less memory than there must be", { code = "", properties = { memory = 1000 } })
refused("DENIED", "another uid", { code = "", uid = 0 })
tap.raises("bad option 'argss'", "an unknown option is a mistake", os.run, "x", { argss = {} })
local _, status, message = os.run_code("x = = 1", { chunk = "@broken.lua" })
tap.is(status, os.status.BADCODE, "code that does not compile is BADCODE")
tap.has(message, "broken.lua:1:", "with file and line")
tap.raises("a function cannot leave its process", "a function is no code", os.run_code, print)

-- row 6: how they end
local function ending(code, options)
    return child.run(code, options):exit()
end
local event = ending("os.exit(3)")
tap.same({ event.type, event.status, event.reason, event.message, event.signal }, { "exit", 3, "exit", "" },
    "os.exit(3) is status 3")
tap.is(ending("return 7").status, 7, "what the program returns is its status")
tap.is(ending("return 'text'").status, 0, "when it is an integer")
tap.is(ending("").status, 0, "nothing at all is 0")
tap.is(ending("return 64").reason, "error", "more than 63 is an error")
event = ending("local function f()\n  error('broken')\nend\nf()", { chunk = "=bad" })
tap.is(event.status, 1, "an uncaught error is status 1")
tap.is(event.reason, "error", "with the reason error") -- row 146
tap.has(event.message, "bad:2: broken", "its message")
tap.has(event.message, "bad:4", "and a traceback")
tap.has(ending("error({})").message, "table", "an error that is no text is told as what it is")
tap.has(ending("error(setmetatable({}, { __tostring = function() return 'custom' end }))").message,
    "custom", "or as it wants to be told")

-- row 146: the reasons
tap.is(ending("os.exit(0)").reason, "exit", "reason: exit")
local c = child.run("report() os.pull()")
c:report()
event = c:kill()
tap.is(event.reason, "killed", "reason: killed")
tap.is(event.signal, 9, "with the signal") -- row 6
event = ending("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    { properties = { memory = 2 * 1024 * 1024 } })
tap.is(event.reason, "memory", "reason: memory")
tap.has(event.message, "2 MiB", "the message says the limit")
tap.has(event.message, "child:1", "and the line")

-- row 8
local function timed_kill(what, code, signal)
    local victim = child.run("report() " .. code)
    victim:report()
    local started = os.monotonic()
    tap.is(os.kill(victim.pid, signal), true, what .. ": killed")
    tap.lasts(os.monotonic() - started, 0, 1.5, what .. ": within the grace")
    tap.is(victim:exit().reason, "killed", what .. ": its end says so")
end
timed_kill("an endless loop", "while true do end")
timed_kill("an endless loop, at once", "while true do end", "kill")
timed_kill("a call into C that takes for ever", "(('a'):rep(60)):find(('a-'):rep(30) .. 'b')")
timed_kill("one that ignores terminate", "while true do os.pull() end")
timed_kill("one that never pulls", "os.rpc.alarm(3600)")

c = child.run([[
    os.spawn(function() report() end)
    local e = os.pull('terminate')
    report(e.type, e.grace)
    os.exit(9)
]])
c:report()
os.spawn(os.kill, c.pid)
tap.same({ c:report() }, { "terminate", 1.0 }, "a program may pull its terminate event")
tap.is(c:exit().status, 9, "and end in its own way")

c = child.run([[
    report(os.ppid())
    report(os.kill(os.ppid()))
    report(os.kill(os.args[1]))
]], { args = { a.pid } })
tap.is(c:report(), os.pid(), "a child knows its parent")
tap.refused(os.status.DENIED, "and cannot kill it", c:report())
tap.refused(os.status.NOPROC, "what is gone is NOPROC", c:report())
c:exit()
tap.refused(os.status.NOPROC, "also for its parent", os.kill(c.pid))
tap.refused(os.status.DENIED, "the daemons cannot be killed", os.kill(2))
c = child.run("report() while true do os.pull() end")
c:report()
local first, second = os.call(0, "process.kill", c.pid), os.call(0, "process.kill", c.pid)
tap.same({ os.pull(first).status_code, os.pull(second).status_code }, { 0, 0 }, "killing twice is fine")
c:exit()

-- A child outlives its parent; init takes it over.
c = child.run([[
    os.run_code("local up = os.rpc[os.contexts.up] up.ready(os.ppid()) up.ready()",
        { contexts = { up = os.contexts.scenario } })
    report()
]])
local call = os.pull({ type = "call", ctx = c.context, name = "ready" })
tap.is(call.args[1], c.pid, "a grandchild's parent is the child")
os.answer(os.pull({ type = "call", ctx = c.context, name = "report" }).cid, os.status.OK)
tap.is(os.pull("exit").pid, c.pid, "the child ends")
os.answer(call.cid, os.status.OK)
call = os.pull({ type = "call", ctx = c.context, name = "ready" })
tap.ok(call.pid ~= c.pid, "its own child goes on")
tap.refused(os.status.DENIED, "and is nobody's to kill", os.kill(call.pid))
os.answer(call.cid, os.status.OK)
-- Restarts: a program that fails is started again, with the same pid.
c = child.run([[
    local n = report(os.pid())
    if n < 3 then error("failure " .. n) end
]], { restart = "on-failure" })
local pids = {}
for n = 1, 3 do
    call = os.pull({ type = "call", ctx = c.context })
    pids[n] = call.args[1]
    os.answer(call.cid, os.status.OK, n)
end
tap.same(pids, { c.pid, c.pid, c.pid }, "a program that fails is restarted under its pid")
tap.is(c:exit().status, 0, "its parent hears of the last end only")

-- row 127
tap.is(os.execute, nil, "nothing of the API replaces a process's program")
tap.is(rawget(os, "exec"), nil, "there is no exec")

-- row 3: pids are not used twice
local seen, n_twice = {}, 0
for _ = 1, 100 do
    local pid = os.run_code("")
    n_twice = n_twice + (seen[pid] and 1 or 0)
    seen[pid] = true
end
for _ = 1, 100 do
    os.pull("exit")
end
tap.is(n_twice, 0, "a hundred processes have a hundred pids")

tap.raises("bad argument #1 to 'os.kill' (tid: number expected", "a task is named by a number", os.kill, {})
tap.raises("bad argument #2 to 'os.kill' (nil or string", "a signal by its name", os.kill, os.pid(), 9)
tap.raises("bad argument #1 to 'os.run' (string or table", "what to run by text or a table", os.run, 1)
tap.done()
