-- A surgery: whoever is in more of a hurry comes first, and nobody waits for ever.
-- flags: --admin
local tap = require("tap")
local child = require("child")

local OK, BADARGS, DENIED = os.status.OK, os.status.BADARGS, os.status.DENIED

-- Two callers, each of which sends all it may when it is told to.
local CALLER = [[
    local prio = os.rpc[os.contexts.scenario].ready()
    for i = 1, 40 do os.call{ name = "surgery", args = { i }, priority = prio } end
    report("sent")
    for i = 1, 40 do os.pull("answer") end
    report("done")
]]
local function caller(priority, ask)
    local c = child.run(CALLER, { properties = { priority = priority } })
    local ready = os.pull({ type = "call", ctx = c.context, name = "ready" })
    return c, function()
        os.answer(ready.cid, OK, ask)
        c:report()
    end
end

-- row 21: raw events
os.bind("surgery")
local low, low_send = caller(0, 7)
local high, high_send = caller(7, 7)
low_send()
high_send()
local order, last = {}, {}
local is_in_order = true
for i = 1, 80 do
    local call = os.pull({ type = "call", name = "surgery" })
    order[i] = call.prio
    is_in_order = is_in_order and call.args[1] == (last[call.pid] or 0) + 1
    last[call.pid] = call.args[1]
    os.answer(call.cid, OK)
end
tap.is(order[1] .. order[20] .. order[40], "777",
    "the calls of the higher priority come first, though they came last")
tap.is(order[41] .. order[80], "00", "no call gets more than its caller's")
tap.ok(is_in_order, "those of one caller keep their order")
low:report()
high:report()
low:exit()
high:exit()
os.unbind("surgery")

-- row 21: a handler in queue mode
local gate = os.context()
local served = {}
os.bind("surgery", function()
    served[#served + 1] = os.caller().prio
    if #served == 1 then
        os.rpc[gate].wait()
    end
end, { mode = "queue" })
local first = os.call(0, "surgery")
local held = os.pull({ type = "call", ctx = gate })
low, low_send = caller(0, 0)
high, high_send = caller(7, 7)
low_send()
high_send()
os.answer(held.cid, OK)
os.pull(first)
high:report()
low:report()
tap.is(served[1], 4, "a call has its caller's priority, which is 4 unless somebody chose")
local n_high = 0
for i = 2, 21 do
    n_high = n_high + (served[i] == 7 and 1 or 0)
end
tap.is(n_high, 20, "a queue serves the higher priority first")
low:exit()
high:exit()
os.unbind("surgery")

-- row 21: who waits long enough is served, whoever else comes
os.bind("busy", function() os.rpc.alarm(0.004) end, { mode = "queue" })
local rude = child.run([[
    local n = 0
    for i = 1, 40 do os.call(0, "busy") end
    report()
    while true do
        os.pull("answer")
        os.call(0, "busy")
    end
]], { properties = { priority = 7 } })
rude:report()
local meek = child.run([[
    local started = os.monotonic()
    os.rpc.busy()
    report(os.monotonic() - started)
]], { properties = { priority = 0 } })
tap.lasts(meek:report(), 0.3, 2, "under a flood of priority 7 a call of priority 0 is served, later")
meek:exit()
rude:kill()
os.unbind("busy")

-- Selective receive takes what it asks for, whatever else is urgent.
os.bind("a")
os.bind("b")
os.call{ name = "a", priority = 0 }
os.call{ name = "b", priority = 4 }
os.call{ name = "a", priority = 1 }
os.send(0, "b", "the last")
os.pull(function(event) return event.oneway end)
tap.is(os.pull({ type = "call", name = "a" }).prio, 1, "a filter looks at all priorities")
tap.is(os.pull(function(event) return event.prio == 0 end).name, "a", "so does a predicate")
tap.is(os.pull("call").name, "b", "and the rest is still there")

-- Limits of the property
tap.raises("priority is an integer from 0 to 7", "priorities go to 7", os.call, { name = "a", priority = 8 })
tap.raises("priority is an integer from 0 to 7", "from 0", os.call, { name = "a", priority = -1 })
tap.refused(BADARGS, "no process has another", os.run_code("", { properties = { priority = 8 } }))
local modest = child.run([[
    local function try(priority)
        local pid, status, message = os.run_code("", { properties = { priority = priority } })
        return pid ~= nil, status, message
    end
    report(try(3))
    report(try(4))
    os.bind("modest.prio", function() return os.caller().prio end)
    os.run_code("report = os.rpc[os.contexts.scenario].report; report(os.rpc.modest.prio())",
        { contexts = os.contexts })
    os.pull("exit")
]], { properties = { priority = 3 } })
tap.is(modest:report(), true, "a child may have its parent's priority")
local is_run, status, message = modest:report()
tap.is(is_run, false, "but no higher one")
tap.is(status, DENIED, "even of uid 0, once it has been lowered")
tap.has(message, "priority: 4 is more than the 3", "the message says so")
tap.is(modest:report(), 3, "and has it by itself")
modest:kill()
tap.done()
