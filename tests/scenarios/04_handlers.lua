-- Handlers: functions that answer by returning, several at a time or one after the other.
local tap = require("tap")

-- rows 33, 37, 49
os.bind("sum", function(a, b) return a + b, os.caller().pid end)
local sum, pid = os.rpc.sum(2, 3)
tap.is(sum, 5, "what a handler returns is the answer")
tap.is(pid, os.pid(), "os.caller tells who asks")
local failure = tap.raises("attempt to add", "what it raises is an error", os.rpc.sum, "x")
tap.is(failure.status, os.status.ERROR, "with the status ERROR")
tap.has(failure.message, "04_handlers.lua:5", "and the server's own file and line")
tap.is(os.rpc.sum(1, 1), 2, "it goes on serving")

os.bind("deep.name.of.mine", function(...) return select("#", ...) end)
tap.is(os.rpc.deep.name.of.mine(1, nil, nil), 3, "names with dots read like fields")

-- A handler may answer itself; what it returns then is nobody's.
os.bind("early", function()
    local call = os.caller()
    os.answer(call.cid, os.status.OK, "early")
    return "late"
end)
tap.is(os.rpc.early(), "early", "a handler may answer before it returns")

-- Pop-up: all at once; queue: one after the other. Rows 47, 48.

local gate = os.context()
local tids, order = {}, {}
local function handler(i)
    tids[#tids + 1] = os.tid()
    order[#order + 1] = i
    os.rpc[gate].wait(i)
    return i
end
os.bind("popup", handler)
local cids = {}
for i = 1, 5 do
    cids[i] = os.call(0, "popup", i)
end
local inside = {}
for i = 1, 5 do
    inside[i] = os.pull({ type = "call", ctx = gate })
end
tap.is(#order, 5, "five calls are in the handler together")
local seen, n_tids = {}, 0
for _, tid in ipairs(tids) do
    n_tids = n_tids + (seen[tid] and 0 or 1)
    seen[tid] = true
end
tap.is(n_tids, 5, "each in a task of its own")
for i = 5, 1, -1 do
    os.answer(inside[i].cid, os.status.OK)
end
for i = 1, 5 do
    if os.pull(cids[i]).args[1] ~= i then
        tap.ok(false, "each call has its own answer: " .. i)
    end
end
os.unbind("popup")

tids, order = {}, {}
os.bind("queue", handler, { mode = "queue" })
for i = 1, 5 do
    cids[i] = os.call(0, "queue", i)
end
local is_alone = true
for _ = 1, 5 do
    local call = os.pull({ type = "call", ctx = gate })
    is_alone = is_alone and not os.pull({ type = "call", ctx = gate }, 0)
    os.answer(call.cid, os.status.OK)
end
for i = 1, 5 do
    os.pull(cids[i])
end
tap.ok(is_alone, "a queue serves one call at a time")
tap.same(order, { 1, 2, 3, 4, 5 }, "in the order of their arrival")
tap.same(tids, { tids[1], tids[1], tids[1], tids[1], tids[1] }, "in one task")
os.unbind("queue")

os.bind("queue", function(i) return 10 // i end, { mode = "queue" })
for i = 0, 2 do
    cids[i] = os.call(0, "queue", i)
end
tap.is(os.pull(cids[0]).status_code, os.status.ERROR, "an error in a queue is its caller's")
tap.is(os.pull(cids[1]).args[1], 10, "and nobody else's")
tap.is(os.pull(cids[2]).args[1], 5, "and the queue goes on")
os.unbind("queue")

-- At most `max` at a time.
order = {}
os.bind("few", handler, { max = 2 })
for i = 1, 4 do
    cids[i] = os.call(0, "few", i)
end
local a, b = os.pull({ type = "call", ctx = gate }), os.pull({ type = "call", ctx = gate })
tap.is(#order, 2, "no more than max run at a time")
os.answer(a.cid, os.status.OK)
os.answer(b.cid, os.status.OK)
for _ = 1, 2 do
    os.answer(os.pull({ type = "call", ctx = gate }).cid, os.status.OK)
end
for i = 1, 4 do
    os.pull(cids[i])
end
tap.is(#order, 4, "the rest waits for its turn")

-- An error without text is described as lua(1) does, without an address.
os.bind("shapeless", function(what) error(what) end)
for want, what in pairs({ table = {}, boolean = true }) do
    local answer = os.pull(os.call(0, "shapeless", what))
    tap.is(answer.args[1], "(error object is a " .. want .. " value)", want .. " is no text (row 37)")
end
os.bind("shaped", function() error(setmetatable({}, { __tostring = function() return "a shape" end })) end)
tap.is(os.pull(os.call(0, "shaped")).args[1], "a shape", "an error that knows its text (row 37)")

-- Local misuse raises.
tap.raises("unknown key 'moed'", "an unknown option is refused", os.bind, "x", print, { moed = "queue" })
tap.raises("descriptors of services", "a descriptor is refused with a reason", os.bind, "x", "fn x()")

tap.done()
