-- A server without handlers: it pulls calls, answers them by hand, and stops serving.
local tap = require("tap")
local child = require("child")

local OK, BADARGS, BADCID, BUSY, EXISTS, NOTBOUND =
    os.status.OK, os.status.BADARGS, os.status.BADCID, os.status.BUSY, os.status.EXISTS,
    os.status.NOTBOUND

local function answer_of(cid)
    return os.pull(cid)
end

-- row 32: nobody serves
local refused = answer_of(os.call(0, "nope"))
tap.is(refused.status_code, NOTBOUND, "a name that nobody serves is refused")
tap.has(refused.args[1], "'nope'", "the message names it")
local message = tap.raises("NOTBOUND", "os.rpc raises that", os.rpc.nope)
tap.is(message.status, NOTBOUND, "as an error with a status")
tap.is(message.name, "nope", "and the name")
local _, from_pcall = pcall(os.rpc.nope)
tap.has("error: " .. from_pcall, "nope: NOTBOUND", "that can be made part of a text")
for name, what in pairs({
    [""] = "an empty name", [string.rep("x", 129)] = "a name of 129 bytes", ["a\nb"] = "a control character",
    ["a#b"] = "a '#'", ["@a"] = "a leading '@'", ["\xff"] = "bytes that are no UTF-8",
}) do
    tap.is(answer_of(os.call(0, name)).status_code, BADARGS, what .. " is no name")
end
tap.is(answer_of(os.call(0, string.rep("x", 128))).status_code, NOTBOUND, "128 bytes are a name")
tap.raises("bad argument #2 to 'os.call'", "a call needs a name", os.call, 0)
tap.raises("bad argument #1 to 'os.call'", "and a context", os.call, "x", "y")

-- row 33
local sid = os.bind("desk")
tap.ok(sid, "a name is bound")
local client = child.run([[
    local cids = {}
    for i = 1, 3 do cids[i] = os.call(0, "desk", "visitor", i, nil) end
    for i = 1, 3 do
        local event = os.pull(cids[i])
        report(event.cid, event.status_code, event.pid, table.unpack(event.args, 1, event.args.n))
    end
    report((os.pull("answer", 0)))
]])
local calls = {}
for i = 1, 3 do
    calls[i] = os.pull({ type = "call", name = "desk" })
end
local call = calls[1]
tap.is(call.type, "call", "a call is an event")
tap.is(call.name, "desk", "with the name")
tap.is(call.ctx, os.handle(0), "the context it came through")
tap.is(call.pid, client.pid, "the caller's pid")
tap.is(call.uid, os.uid(), "and its uid")
tap.is(call.oneway, nil, "it wants an answer")
tap.same(call.args, { "visitor", 1, nil, n = 3 }, "its arguments, trailing nils counted")
tap.is(calls[3].args[2], 3, "calls of one caller come in their order")

-- rows 34, 35: answers, in another order than the calls
tap.is(os.answer(calls[3].cid, OK, "third"), true, "an answer is accepted")
tap.is(os.answer(calls[1].cid, true, "first", nil), true, "true means OK")
tap.is(os.answer(calls[2].cid, false, "no second"), true, "false means ERROR")
tap.refused(BADCID, "a second answer is refused", os.answer(calls[1].cid, OK, "again"))
tap.refused(BADCID, "a cid that nobody has is refused", os.answer(12345, OK))
tap.same({ client:report() }, { calls[1].cid, OK, os.pid(), "first", nil }, "the caller got the first answer")
tap.same({ client:report() }, { calls[2].cid, os.status.ERROR, os.pid(), "no second" }, "and its error")
tap.same({ client:report() }, { calls[3].cid, OK, os.pid(), "third" }, "and the third")
tap.is(client:report(), nil, "and nothing else")
tap.is(client:exit().status, 0, "and ended well")

-- row 35: a call that was made of somebody else
local mine = os.call(0, "desk", "to myself")
local own = os.pull({ type = "call", name = "desk" })
tap.is(own.pid, os.pid(), "a process can call itself")
local thief = child.run("local cid = report(); report(os.answer(cid, 0, 'forged'))")
local event = os.pull({ type = "call", ctx = thief.context })
os.answer(event.cid, OK, own.cid)
tap.refused(BADCID, "nobody answers somebody else's call", thief:report())
thief:exit()
os.answer(own.cid, OK, "real")
tap.is(answer_of(mine).args[1], "real", "the real answer arrives")

-- row 36
local pending = os.call(0, "desk", "too late")
tap.refused(EXISTS, "a bound name is not free", os.bind("desk"))
tap.is(os.unbind(sid), true, "a name is unbound by its sid")
tap.is(answer_of(os.call(0, "desk")).status_code, NOTBOUND, "then nobody serves it")
tap.refused(NOTBOUND, "and it cannot be unbound again", os.unbind("desk"))
local late = os.pull({ type = "call", name = "desk" }, 0)
tap.ok(late and os.answer(late.cid, OK, "still"), "what had been delivered can still be answered")
tap.is(answer_of(pending).args[1], "still", "and that answer arrives")
tap.ok(os.bind("desk"), "the name is free again")
local other = child.run([[
    report(os.unbind("desk"))
    report(os.bind("desk"))
]])
tap.refused(NOTBOUND, "somebody else's name cannot be unbound", other:report())
tap.refused(EXISTS, "nor bound", other:report())
other:exit()
tap.is(os.unbind("desk"), true, "a name is unbound by its name")

-- row 36: queued calls of a handler that was busy
local gate = os.context()
os.bind("slow", function() os.rpc[gate].wait() return "done" end, { mode = "queue" })
local first, second = os.call(0, "slow"), os.call(0, "slow")
local held = os.pull({ type = "call", ctx = gate })
tap.is(os.unbind("slow"), true, "a busy handler is unbound")
tap.is(answer_of(second).status_code, NOTBOUND, "what was queued is refused")
os.answer(held.cid, OK)
tap.is(answer_of(first).args[1], "done", "what was running is answered")

-- row 31
local server = child.run([[
    for i = 0, 4 do os.bind("never" .. i) end
    report()
    os.pull("cancel")
    report()
]])
server:report()
local started = os.monotonic()
local cids, n_unique = {}, 0
for i = 0, 255 do
    local cid = os.call(0, "never" .. i // 64)
    n_unique = n_unique + (cids[cid] and 0 or 1)
    cids[cid] = true
end
local seconds = os.monotonic() - started
local pulled = os.pull("answer", 0)
local busy = os.pull(os.call(0, "never4")) -- row 40
for cid in pairs(cids) do
    os.cancel(cid)
    os.pull(cid)
end
tap.lasts(seconds, 0, 0.5, "256 calls that nobody answers return at once")
tap.is(n_unique, 256, "each with a cid of its own")
tap.is(pulled, nil, "none of them has an answer")
tap.is(busy.status_code, BUSY, "more unanswered calls of one process are refused")
tap.has(busy.args[1], "256", "the message names the limit")
tap.is(os.pull(os.call(0, "alarm", 0)).status_code, OK, "after the cancels there is room again")
server:kill()

tap.done()
