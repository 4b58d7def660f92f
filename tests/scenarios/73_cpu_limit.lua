-- The property cpu_turn: CPU time of a task between two waits. Rows 12, 146.
local tap = require("tap")
local child = require("child")

local LIMIT = "CPU limit exceeded: more than 0.1 s in one turn (property cpu_turn)"
-- What runs for long: in Lua, in a function in C that nothing interrupts, in one that calls Lua.
local SPIN = "local function spin() while true do end end "
local MATCH = "local function match() (('a'):rep(200)):find(('a*'):rep(30) .. 'b') end "
local SORT = [[
    local function sort()
        local t = {}
        for i = 1, 100 do t[i] = i end
        table.sort(t, function(a, b) while true do end end)
    end
]]

local function run(source, properties)
    properties = properties or {}
    properties.cpu_turn = 0.1
    return child.run(SPIN .. MATCH .. SORT .. source, { properties = properties })
end

local function ends(what, source, message, properties)
    local event = run(source, properties):exit()
    tap.is(event.reason, "cpu", what .. " ends by the limit")
    tap.has(event.message, message, "with what, how much and which property")
end

-- row 146
ends("a loop", "spin()", "child:1: " .. LIMIT)
ends("a loop without slices", "spin()", LIMIT, { quantum = 0 })
ends("a loop in a coroutine", "coroutine.wrap(spin)()", LIMIT)
ends("a comparison that loops", "sort()", LIMIT)
ends("a match that takes for ever", "match()", "in a function that cannot be interrupted (property cpu_turn)")
ends("one that catches the error and tries again", "while true do pcall(spin) end", LIMIT)
ends("one that catches it in coroutines", [[
    while true do coroutine.resume(coroutine.create(spin)) end
]], LIMIT)
ends("a loop beside a task", "os.spawn(function() while true do os.rpc.alarm(0.01) end end) spin()", LIMIT)

-- The error is the task's own business first.
local c = run([[
    local ok, message = pcall(spin)
    report(ok, message)
    report("goes on")
    os.bind("spin", spin)
    os.bind("quick", function() return "quick" end)
    report("serves")
    os.pull("terminate")
]])
local is_ok, message = c:report()
tap.is(is_ok, false, "the error is caught as any")
tap.has(message, LIMIT, "and says what")
tap.is(c:report(), "goes on", "the program goes on")
c:report()
local spun, quick = os.call(0, "spin"), os.call(0, "quick")
tap.is(os.pull(quick).args[1], "quick", "a busy handler keeps nobody waiting")
local answer = os.pull(spun)
tap.is(answer.status_code, os.status.ERROR, "and its caller is told")
tap.has(answer.args[1], LIMIT, "why")
tap.is(os.rpc.quick(), "quick", "the service goes on")
c:kill()

-- What waits in between begins anew; so does each task.
c = run([[
    local function work(seconds)
        local started = os.clock()
        while os.clock() - started < seconds do end
    end
    for _ = 1, 8 do work(0.04) os.rpc.alarm(0) end
    report("many turns")
    local tasks = {}
    for i = 1, 4 do tasks[i] = os.spawn(work, 0.06) end
    for i = 1, 4 do report(os.join(tasks[i])) end
]])
tap.is(c:report(), "many turns", "many short turns may take longer than the limit")
for _ = 1, 4 do
    tap.is(c:report(), true, "each task has turns of its own")
end
tap.is(c:exit().reason, "exit", "and it ends by itself")

for _, value in ipairs({ -1, 0.001, 86401, "x", 0 / 0 }) do
    tap.refused(os.status.BADARGS, "cpu_turn " .. tostring(value) .. " is refused",
        os.run_code("", { properties = { cpu_turn = value } }))
    tap.refused(os.status.BADARGS, "as is watchdog " .. tostring(value),
        os.run_code("", { properties = { watchdog = value } }))
end
tap.done()
