-- A front desk passes calls on: the one who asked gets the answer of the one who knows.
local tap = require("tap")
local child = require("child")

local OK, BADARGS, BADCID, BADCTX, CANCELLED, DEAD, DENIED, NOTBOUND, TIMEOUT =
    os.status.OK, os.status.BADARGS, os.status.BADCID, os.status.BADCTX, os.status.CANCELLED,
    os.status.DEAD, os.status.DENIED, os.status.NOTBOUND, os.status.TIMEOUT

-- The expert tells what it was asked, by whom, and who answered.
local expert = child.run([[
    os.bind("expert", function(...)
        local call = os.caller()
        return call.name, call.pid, call.uid, ...
    end)
    os.bind("expert.slow")
    report()
    while true do
        local event = os.pull()
        report(event.type, event.cid, event.pid, event.timeout)
    end
]])
expert:report()

-- row 41: a handler forwards; what it returns then is nobody's
os.bind("desk", function(how, ...)
    local call = os.caller()
    if how == "renamed" then
        os.forward(call.cid, 0, "expert")
    elseif how == "rewritten" then
        os.forward(call.cid, 0, "expert", "instead", nil)
    else
        os.forward(call.cid, ...)
    end
    return "late"
end)

local client = child.run([[
    local event = os.pull(os.call(0, "desk", "renamed", 1.5, nil))
    report(event.status_code, event.pid, table.unpack(event.args, 1, event.args.n))
    report(os.rpc.desk("rewritten", "not this"))
]])
tap.same({ client:report() }, { OK, expert.pid, "expert", client.pid, os.uid(), "renamed", 1.5, nil },
    "the caller gets the answer of the last server, which sees the caller and its arguments")
tap.same({ client:report() }, { "expert", client.pid, os.uid(), "instead", nil },
    "arguments may be other ones")
client:exit()

-- row 41: raw events, long values, contexts; the name stays when none is given
local room = os.context()
os.bind(room, "expert")
local long = string.rep("long", 1000000)
local cid = os.call(room, "expert", long, room)
local call = os.pull({ type = "call", name = "expert" })
tap.is(os.forward(call.cid, 0), true, "a call that was pulled can be forwarded")
tap.refused(BADCID, "the forwarder cannot answer any more", os.answer(call.cid, OK))
tap.refused(BADCID, "nor forward it again", os.forward(call.cid, 0))
local answer = os.pull(cid)
tap.is(answer.args[1], "expert", "under its own name")
tap.ok(answer.args[4] == long, "with four million bytes")
tap.is(answer.args[5], room, "and with its context")
os.unbind(room, "expert")

-- row 41: the forwarder may be gone
local clerk = child.run([[
    os.bind("clerk")
    report()
    local call = os.pull("call")
    os.forward(call.cid, 0, "expert.slow")
]])
clerk:report()
cid = os.call(0, "clerk", "patient")
tap.is(clerk:exit().status, 0, "the forwarder ends")
local kind, served = expert:report()
tap.is(served, cid, "the call goes on under its id")
tap.is(kind, "call", "as a call")
tap.is(os.pull("answer", 0), nil, "and waits for its new server")

-- rows 41, 42, 45: cancel, deadline and death follow the chain
os.cancel(cid)
tap.is(os.pull(cid).status_code, CANCELLED, "a cancel is answered at once")
tap.same({ expert:report() }, { "cancel", cid, nil, nil }, "and reaches the present server")

os.bind("front")
local function forwarded(options)
    options.name = "front"
    local id = os.call(options)
    os.forward(os.pull({ type = "call", name = "front" }).cid, 0, "expert.slow")
    local what, seen, pid, timeout = expert:report()
    return id, what == "call" and seen == id and pid == os.pid(), timeout
end
local started = os.monotonic()
local timed, is_right, timeout = forwarded({ timeout = 0.2 })
tap.ok(is_right, "a call with a deadline is forwarded")
tap.ok(timeout > 0 and timeout <= 0.2, "its server learns what is left of the deadline")
tap.is(os.pull(timed).status_code, TIMEOUT, "which goes on")
tap.lasts(os.monotonic() - started, 0.2, 0.4, "from where it was")
tap.is((expert:report()), "cancel", "and the server hears of it")

-- Refusals of the new target are the answer, like those of a tail call.
for _, case in ipairs({
    { NOTBOUND, { 0, "nobody.at.all" }, "a name that nobody serves" },
    { BADCTX, { 999, "expert" }, "a context that the forwarder has not" },
    { BADARGS, { 0, "a/b" }, "no name at all" },
    { DENIED, { 0, "process.run" }, "an endpoint that acts for its caller" },
}) do
    local refused = os.pull(os.call(0, "desk", "there", table.unpack(case[2])))
    tap.is(refused.status_code, case[1], "the caller hears of " .. case[3])
    tap.has(refused.args[1], "forwarded by process " .. os.pid(), "and by whom it was forwarded there")
end
tap.is(os.pull(os.call(0, "desk", "there", 0, "log", "info", "a line by way of the desk")).status_code, OK,
    "endpoints of the tree that do not are served")

-- Local misuse
cid = os.call(0, "front")
call = os.pull({ type = "call", name = "front" })
tap.raises("bad argument #2", "a context is needed", os.forward, call.cid, "expert")
tap.raises("bad argument #3", "a name is a string", os.forward, call.cid, 0, {})
tap.raises("args[2]", "functions are not sent", os.forward, call.cid, 0, "expert", 1, print)
tap.refused(BADARGS, "an empty name is none", os.forward(call.cid, 0, ""))
tap.refused(BADCID, "a cid that nobody has", os.forward(12345, 0))
tap.is(os.answer(call.cid, OK, "after all"), true, "none of this took the call away")
tap.is(os.pull(cid).args[1], "after all", "and it is answered")
cid = os.call(0, "front")
call = os.pull({ type = "call", name = "front" })
os.cancel(cid)
os.pull({ type = "cancel", cid = call.cid })
tap.refused(CANCELLED, "one whose caller is gone is not forwarded", os.forward(call.cid, 0, "expert"))
os.pull(cid)

-- row 41: in a circle, 16 times
os.bind("circle", function() os.forward(os.caller().cid, 0) end)
local circle = os.pull(os.call(0, "circle"))
tap.is(circle.status_code, DENIED, "a circle ends")
tap.has(circle.args[1], "LIMIT_CALL_HOPS", "with the name of the limit")
os.unbind("circle")

-- row 46: a call without an answer
os.send(0, "front", "just so you know")
call = os.pull({ type = "call", name = "front" })
tap.is(os.forward(call.cid, 0, "expert.slow"), true, "a call without an answer is forwarded")
tap.is((expert:report()), "call", "and arrives")
os.bind("pass.on", function() os.forward(os.caller().cid, 0, "expert.slow") end)
os.send(0, "pass.on")
tap.is((expert:report()), "call", "also from a handler")

-- row 43: the new server dies
cid = forwarded({})
expert:kill()
local dead = os.pull(cid)
tap.is(dead.status_code, DEAD, "the death of the new server is the answer")
tap.has(dead.args[1], tostring(expert.pid), "and names it")
tap.done()
