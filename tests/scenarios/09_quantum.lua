-- Cooperative programs: with quantum 0 a task gives way only when it waits. Row 15.
-- flags: --quantum 0
local tap = require("tap")
local child = require("child")

-- row 15
local n_turns = 0
os.spawn(function()
    while true do
        n_turns = n_turns + 1
        os.rpc.alarm(0)
    end
end)
os.rpc.alarm(0.01)
local before = n_turns
tap.ok(before > 0, "the other task runs while this one waits")
local started = os.monotonic()
while os.monotonic() - started < 0.05 do
end
tap.is(n_turns, before, "it does not while this one computes")
os.rpc.alarm(0.01)
tap.ok(n_turns > before, "and goes on with the next syscall")

-- row 15: what other values do
local source = [[
    local n, is_over = 0, false
    os.spawn(function() while not is_over do n = n + 1 coroutine.yield() end end)
    coroutine.yield()
    local before, started = n, os.monotonic()
    while os.monotonic() - started < 0.05 do end
    is_over = true
    report(n > before)
]]
for quantum, is_preempted in pairs({ [0] = false, [1000] = true, [20000] = true }) do
    local c = child.run(source, { properties = { quantum = quantum } })
    local what = is_preempted and " interrupts" or " never interrupts"
    tap.is(c:report(), is_preempted, "quantum " .. quantum .. what)
    c:exit()
end
for _, quantum in ipairs({ -1, 1, 999, 1000001, "x", 2.5 }) do
    tap.refused(os.status.BADARGS, "quantum " .. quantum .. " is refused",
        os.run_code("", { properties = { quantum = quantum } }))
end

tap.done()
