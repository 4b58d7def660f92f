-- A tree without pre-emption: everything cooperative works. Row 22.
-- tree: --no-hooks
local tap = require("tap")
local child = require("child")

-- row 22: the quantum is as if it were 0
local n_turns = 0
local ticker = os.spawn(function()
    for _ = 1, 5 do
        n_turns = n_turns + 1
        os.rpc.alarm(0)
    end
end)
os.rpc.alarm(0.01)
local before = n_turns
local started = os.monotonic()
while os.monotonic() - started < 0.03 do
end
tap.is(n_turns, before, "a busy task is never interrupted")
tap.is(os.join(ticker), true, "waiting lets the others go on")

os.bind("double", function(n) return 2 * n end)
tap.is(os.rpc.double(21), 42, "a handler answers")
tap.is(coroutine.wrap(function() return os.rpc.double(4) end)(), 8, "from within a coroutine too")
local squares = coroutine.wrap(function()
    for i = 1, 3 do
        coroutine.yield(i * i)
    end
end)
tap.same({ squares(), squares(), squares() }, { 1, 4, 9 }, "generators work")
local results = {}
local tasks = {}
for i = 1, 3 do
    tasks[i] = os.spawn(function()
        for _ = 1, 2 do
            results[#results + 1] = i
            coroutine.yield()
        end
    end)
end
for i = 1, 3 do
    os.join(tasks[i])
end
tap.same(results, { 1, 2, 3, 1, 2, 3 }, "tasks take turns at their yields")

-- row 8: what cannot be interrupted can still be killed
local c = child.run("report() while true do end")
c:report()
tap.is(c:kill().reason, "killed", "a loop without an end is killed from outside")

tap.done()
