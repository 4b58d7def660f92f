-- What the living hear when somebody dies in the middle of a call.
local tap = require("tap")
local child = require("child")

local CANCELLED, DEAD, OK = os.status.CANCELLED, os.status.DEAD, os.status.OK

-- row 43: a server dies with one call in service and one queued
local server = child.run([[
    os.bind("victim", function() report("serving") os.pull("exit") end, { mode = "queue" })
    os.bind("raw")
    report("ready")
]])
server:report()
local serving, queued, raw = os.call(0, "victim"), os.call(0, "victim"), os.call(0, "raw")
tap.is(server:report(), "serving", "the server is at it")
local started = os.monotonic()
os.kill(server.pid, "kill")
for cid, what in pairs({ [serving] = "in service", [queued] = "queued", [raw] = "delivered" }) do
    local answer = os.pull(cid)
    tap.is(answer.status_code, DEAD, "a call " .. what .. " is answered DEAD")
end
tap.lasts(os.monotonic() - started, 0, 0.1, "within 100 ms")
server:exit()
tap.is(os.pull(os.call(0, "victim")).status_code, os.status.NOTBOUND, "its names are free")

-- row 44: a caller dies
os.bind("desk")
local caller = child.run("os.call(0, 'desk', 'in service') os.call(0, 'desk', 'queued') report()")
local first = os.pull({ type = "call", name = "desk" })
caller:report()
caller:exit()
tap.is(os.pull("cancel", 1).cid, first.cid, "the server is told that a caller is gone")
tap.refused(CANCELLED, "its answer is harmless", os.answer(first.cid, OK, "late"))
tap.is(os.pull({ type = "call", name = "desk" }, 0), nil, "a call it had not seen is withdrawn")

-- row 45: a deadline of the caller's, a server that never answers
caller = child.run([[
    local event = os.pull(os.call({ name = "desk", timeout = 0.1 }))
    report(event.status_code)
]])
local call = os.pull({ type = "call", name = "desk" })
tap.is(caller:report(), os.status.TIMEOUT, "the caller has its answer in time")
tap.is(os.pull("cancel").cid, call.cid, "the server learns of it")
caller:exit()

-- row 42: the caller changes its mind
os.bind("self")
local cid = os.call(0, "self")
call = os.pull({ type = "call", name = "self" })
tap.is(os.cancel(cid), true, "a call can be cancelled")
tap.is(os.pull(cid).status_code, CANCELLED, "its answer says so")
tap.is(os.pull("cancel").cid, call.cid, "the server learns of it")
tap.refused(CANCELLED, "the server's answer is dropped", os.answer(call.cid, OK))
tap.is(os.pull(cid, 0), nil, "there is no second answer")

-- A handler that wants to be stopped is stopped.
local is_closed = false
os.bind("long", function()
    local _ <close> = setmetatable({}, { __close = function() is_closed = true end })
    os.rpc.alarm(3600)
end, { abort = true })
cid = os.call(0, "long")
os.rpc.alarm(0)
os.cancel(cid)
os.pull(cid)
os.rpc.alarm(0)
tap.is(is_closed, true, "a handler with abort ends when its caller gives up")

-- row 57: an owner dies
local owner = child.run([[
    local context = os.context()
    report(context)
    os.pull({ type = "call", ctx = context })
    report("called")
    os.pull("exit")
]])
local context = owner:report()
local pending = os.call(context, "anything")
tap.is(owner:report(), "called", "a context serves its holder")
owner:kill()
tap.is(os.pull(pending).status_code, DEAD, "the call through it is answered DEAD")
local hangup = os.pull("hangup", 1)
tap.is(hangup and hangup.ctx, context, "the holder is told that the context is gone")
local after = os.pull(os.call(context, "anything")).status_code
tap.ok(after == DEAD or after == os.status.BADCTX, "and nothing goes through it any more")

-- row 56: a holder dies
local file = os.context()
local holders = {}
for i = 1, 2 do
    holders[i] = child.run("report() os.pull()", { contexts = { file = file } })
    holders[i]:report()
end
started = os.monotonic()
holders[1]:kill()
local close = os.pull({ type = "close", ctx = file }, 1)
tap.is(close and close.pid, holders[1].pid, "the owner of a context hears that a holder is gone")
tap.is(close and close.reason, "killed", "and why")
tap.lasts(os.monotonic() - started, 0, 0.1, "within 100 ms")
tap.is(os.pull({ type = "close", ctx = file }, 0), nil, "once")
os.kill(holders[2].pid)
close = os.pull({ type = "close", ctx = file }, 1)
tap.is(close and close.pid, holders[2].pid, "each holder is told of by itself")
holders[2]:exit()
local polite = child.run("report(os.close(os.contexts.file))", { contexts = { file = file } })
tap.is(polite:report(), true, "a holder may close its handle")
close = os.pull({ type = "close", ctx = file }, 1)
tap.is(close and close.reason, "close", "the reason says that it did")
polite:exit()
local quiet = child.run("report()", { contexts = { file = file } })
quiet:report()
quiet:exit()
close = os.pull({ type = "close", ctx = file }, 1)
tap.is(close and close.reason, "exit", "or that it ended")

tap.done()
