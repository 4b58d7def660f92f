-- A routing with a log: its owner sees what is called through the context, and nobody notices. Row 60.
local tap = require("tap")
local child = require("child")

local DENIED, NOTBOUND, OK = os.status.DENIED, os.status.NOTBOUND, os.status.OK

local function record()
    local event = os.pull({ queue = "audit" }, 10)
    return event and event.info, event
end

os.bind("watched.slow")
os.bind("watched.double", function(x) return x * 2, "twice" end)
local world = os.context({ to = 0, default = "forward", deny = { "secret" }, log = "audit",
    listen = { "audit" }, push = { "*" } })
assert(os.listen(world, "audit"))

-- row 60: pairs
local source = [[
    report(os.rpc.watched.double(21))
    report(os.pull(os.call(0, "secret", "x", nil)).status_code)
    report(os.pull(os.call(0, "nobody")).status_code)
    report(os.call({ name = "watched.double", args = { 1 }, oneway = true }))
    report(os.pull(os.call({ name = "watched.slow", timeout = 0.01 })).status_code)
]]
local watched = child.run(source, { ctx = world, name = "suspect" })
tap.same({ watched:report() }, { 42, "twice" }, "a call through a log has its result")
local call, event = record()
tap.same({ call.kind, call.name, call.pid, call.program, call.server, call.uid },
    { "call", "watched.double", watched.pid, "suspect", os.pid(), os.uid() }, "the log has the call")
tap.same(call.args, { 21 }, "with its arguments")
tap.same({ event.pid, event.key, event.ctx }, { 1, "watched.double", world }, "from initd, by endpoint")
tap.ok(math.abs(call.time - os.time()) < 60 and call.trace ~= nil, "with time and trace")
local answer = record()
tap.same({ answer.kind, answer.name, answer.cid, answer.status, answer.pid, answer.caller },
    { "answer", "watched.double", call.cid, OK, os.pid(), watched.pid }, "and its answer")
tap.same(answer.args, { 42, "twice" }, "with what came back")
tap.ok(answer.duration >= 0 and answer.duration < 60, "and how long it took")

tap.is(watched:report(), DENIED, "a refusal is as without a log")
tap.same({ record().args, record().status }, { { "x" }, DENIED }, "and in the log")
tap.is(watched:report(), NOTBOUND, "so is a name that nobody serves")
tap.same({ record().name, record().status }, { "nobody", NOTBOUND }, "further down the chain")
watched:report()
call = record()
tap.same({ call.name, call.oneway }, { "watched.double", true }, "a one-way call has no answer")
tap.is(watched:report(), os.status.TIMEOUT, "a deadline passes as ever")
tap.same({ record().name, record().status }, { "watched.slow", os.status.TIMEOUT }, "and is in the log")
tap.is(watched:exit().reason, "exit", "the watched process has noticed nothing")

-- row 60: chains
local inner = os.context({ to = world, default = "forward", log = "inner" })
os.listen(inner, "inner")
watched = child.run("report(os.rpc.watched.double(1))", { ctx = inner })
watched:report()
tap.same({ record().name, record().kind }, { "watched.double", "answer" },
    "a log in the middle of a chain sees what passes")
tap.same({ os.pull({ queue = "inner" }).info.kind, os.pull({ queue = "inner" }).info.kind },
    { "call", "answer" }, "as the one at its beginning does")
watched:exit()
os.close(inner)

-- Names as they are where the log is.
local old = os.context({ to = world, default = "forward", map = { ["old.double"] = "watched.double" } })
watched = child.run("report(os.rpc.old.double(1))", { ctx = old })
watched:report()
local names = { record().name, record().name }
tap.ok(names[2] == "watched.double", "the answer has the name that the server knows")
watched:exit()
os.close(old)

-- Connections do not lead past it.
watched = child.run([[
    local double = os.connect(0, "watched.double")
    report(os.rpc[double].x(4))
]], { ctx = world })
tap.is(watched:report(), 8, "a call on a connection")
call, answer = record(), record()
tap.same({ call.name, call.args[1], answer.name, answer.args[1] },
    { "watched.double", 4, "watched.double", 8 }, "is logged under the name it leads to")
watched:exit()

-- A context that is called by hand.
local manual = os.context({ mode = "manual", log = "manual" })
os.listen(manual, "manual")
watched = child.run("report(os.rpc[os.contexts.manual].anything(1))", { contexts = { manual = manual } })
os.answer(os.pull({ type = "call", ctx = manual }).cid, OK, "by hand")
watched:report()
tap.same({ os.pull({ queue = "manual" }).info.name, os.pull({ queue = "manual" }).info.args[1] },
    { "anything", "by hand" }, "calls that the owner answers are logged as well")
watched:exit()

-- Contexts in values, long values, deep values.
watched = child.run([[
    local room = os.context()
    report(os.pull(os.call(0, "nobody", { room = room }, ("x"):rep(10))).status_code)
    report(os.pull(os.call(0, "nobody", ("x"):rep(100000))).status_code)
    report(os.pull(os.call(0, "nobody", ("x"):rep(1000000))).status_code)
]], { ctx = world })
watched:report()
call = record()
tap.is(call.args[1].room, "context", "a context that others passed is a word in the log")
record()
watched:report()
call = record()
tap.ok(call.args == nil and call.size > 100000, "of long values there is the size")
record()
watched:report()
call = record()
while call.name ~= "nobody" or call.kind ~= "call" do
    call = record()
end
record()
watched:exit()
while os.pull({ queue = "audit" }, 0.05) do end

-- Nobody else writes it.
watched = child.run("report(os.push('audit', { kind = 'call', name = 'forged' })) report(os.listen('audit'))",
    { ctx = world })
tap.refused(DENIED, "who is watched cannot push to the log", watched:report())
tap.ok(watched:report(), "but others may listen when the routing says so")
watched:exit()

-- row 60: the watcher dies, the watched goes on
local watcher = child.run([[
    assert(os.listen(os.contexts.world, "audit"))
    report()
    report(os.pull("queue").info.name)
    os.pull("terminate")
]], { contexts = { world = world } })
watcher:report()
os.unlisten(world, "audit")
watched = child.run([[
    for i = 1, 3 do
        report(os.rpc.watched.double(i))
    end
]], { ctx = world })
tap.is(watched:report(), 2, "a watcher need not be the owner")
tap.is(watcher:report(), "watched.double", "it sees what is called")
watcher:kill()
tap.is(watched:report(), 4, "and when it dies")
tap.is(watched:report(), 6, "the watched process goes on")
watched:exit()

-- A watcher that does not read loses records and nothing else.
os.listen(world, "audit", { limit = 4, mode = "block" })
watched = child.run("for i = 1, 20 do assert(os.rpc.watched.double(i) == 2 * i) end report('done')",
    { ctx = world })
tap.is(watched:report(), "done", "a full log refuses nothing")
watched:exit()
local n, n_dropped = 0, 0
for logged in function() return os.pull({ queue = "audit" }, 0) end do
    n, n_dropped = n + 1, n_dropped + logged.dropped
end
os.rpc[world].watched.double(1)
event = os.pull({ queue = "audit" })
tap.same({ n, n_dropped + event.dropped }, { 4, 36 }, "and says how much it has lost")

tap.refused(os.status.BADARGS, "a log has a name", os.context({ log = "a/b" }))
local long = {}
for i = 1, 256 do
    long[i] = ("x"):rep(120) .. i
end
tap.refused(os.status.LIMIT, "a routing has a largest size",
    os.context({ allow = long, deny = long, push = long, listen = long }))
tap.raises("log must be the name of a queue", "which is a string", os.context, { log = true })
os.close(world)
os.close(manual)
tap.done()
