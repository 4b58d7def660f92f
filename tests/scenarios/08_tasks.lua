-- Tasks of one process: a busy one does not stop the others.
local tap = require("tap")

-- row 13
local is_over = false
local function spin()
    while not is_over do
    end
end
local busy = os.spawn(spin)
local started = os.monotonic()
for _ = 1, 10 do
    os.rpc.alarm(0.01)
end
tap.lasts(os.monotonic() - started, 0.1, 1, "ten alarms come beside an endless loop")
is_over = true
tap.is(os.join(busy), true, "the loop was still running")

-- row 14
is_over = false
busy = os.spawn(function()
    coroutine.wrap(function()
        local co = coroutine.create(function()
            coroutine.wrap(spin)()
        end)
        coroutine.resume(co)
    end)()
end)
started = os.monotonic()
for _ = 1, 10 do
    os.rpc.alarm(0.01)
end
tap.lasts(os.monotonic() - started, 0.1, 1, "also when it runs three coroutines deep")
is_over = true
os.join(busy)

-- row 13: a comparator is Lua code like any other
is_over = false
busy = os.spawn(function()
    local list = {}
    for i = 1, 100 do
        list[i] = i
    end
    table.sort(list, function(a, b)
        while not is_over do
        end
        return a < b
    end)
end)
os.rpc.alarm(0.01)
is_over = true
tap.is(os.join(busy), true, "also within a comparator of table.sort")

-- row 12: both of two busy tasks go on
local counts = { 0, 0 }
is_over = false
local tasks = {}
for i = 1, 2 do
    tasks[i] = os.spawn(function()
        while not is_over do
            counts[i] = counts[i] + 1
        end
    end)
end
os.rpc.alarm(0.1)
is_over = true
os.join(tasks[1])
os.join(tasks[2])
tap.ok(counts[1] > 1000 and counts[2] > 1000, "two busy tasks both go on")

-- row 12: and both of two busy programs
local child = require("child")
local programs = {}
for i = 1, 2 do
    programs[i] = child.run([[
        local n = 0
        os.spawn(function() while true do n = n + 1 end end)
        for _ = 1, 2 do
            report(n)
        end
    ]])
end
local before = { programs[1]:report(), programs[2]:report() }
os.rpc.alarm(0.05)
tap.ok(programs[1]:report() > before[1] and programs[2]:report() > before[2], "two busy programs both go on")
programs[1]:kill()
programs[2]:kill()

-- Ends of tasks.
tap.same({ os.join(os.spawn(function(...) return ... end, 1, nil, 3)) }, { true, 1, nil, 3 },
    "join gives what a task returned")
local ok, message = os.join(os.spawn(function() error("broken") end))
tap.is(ok, false, "join tells that a task failed")
tap.has(message, "08_tasks.lua", "and where")
tap.refused(os.status.NOTFOUND, "a task is joined once", os.join(tasks[1]))
tap.refused(os.status.TIMEOUT, "join has a timeout",
    os.join(os.spawn(function() os.rpc.alarm(0.05) end), 0.01))
local joined = os.spawn(function() os.rpc.alarm(0.01) return "both" end)
local joiner = os.spawn(os.join, joined)
tap.same({ os.join(joined) }, { true, "both" }, "a task may be waited for")
tap.same({ os.join(joiner) }, { true, true, "both" }, "by several")
local killed = os.spawn(spin)
is_over = false
tap.is(os.kill({ tid = killed }), true, "a task is killed")
tap.same({ os.join(killed) }, { false, "killed" }, "its joiner is told")

-- row 125
local server = child.run([[
    local slow = os.context({ mode = "table" })
    os.bind(slow, "slow", function() os.rpc.alarm(0.05) return "slow" end)
    report(slow)
]])
local service = server:report()
is_over = false
local asking = os.spawn(function()
    local store = os.list_programs()
    local answer = os.rpc[service].slow()
    is_over = true
    return store and answer
end)
local n_rounds = 0
while not is_over do
    n_rounds = n_rounds + 1
    os.rpc.alarm(0.001)
end
tap.ok(n_rounds > 5, "others go on while a task waits for the store and for a slow service")
tap.same({ os.join(asking) }, { true, "slow" }, "which answer in the end")
server:kill()

tap.done()
