-- Queues: what is pushed reaches everybody who listens, and nobody waits for anybody.
local tap = require("tap")
local child = require("child")

local AGAIN, BADARGS, BADCTX, DENIED, LIMIT, NOTFOUND =
    os.status.AGAIN, os.status.BADARGS, os.status.BADCTX, os.status.DENIED, os.status.LIMIT,
    os.status.NOTFOUND

local function drain()
    local infos, dropped = {}, {}
    for event in function() return os.pull("queue", 0) end do
        infos[#infos + 1] = event.info
        dropped[#dropped + 1] = event.dropped
    end
    return infos, dropped
end

-- row 64
tap.is(os.push("news", "early"), 0, "a push that nobody hears counts 0")
local id = os.listen("news")
tap.ok(id, "os.listen gives an id")
tap.is(os.push("news", { rain = true, from = { 1, 2 } }, { key = "weather" }), 1, "a listener is counted")
local event = os.pull("queue")
tap.same({ event.type, event.name, event.key, event.id, event.pid, event.uid, event.seq, event.dropped },
    { "queue", "news", "weather", id, os.pid(), os.uid(), 1, 0 }, "an event says where it is from")
tap.same(event.info, { rain = true, from = { 1, 2 } }, "and has what was pushed")
tap.is(event.ctx, os.handle(0), "in this context")

local source = [[
    assert(os.listen("news"))
    report()
    for i = 1, 3 do
        local event = os.pull({ queue = "news" })
        report(event.info, event.seq, event.pid)
    end
]]
local readers = {}
for i = 1, 3 do
    readers[i] = child.run(source)
    readers[i]:report()
end
for i = 1, 3 do
    tap.is(os.push("news", "issue " .. i), 4, "a push goes to everybody who listens")
end
for i = 1, 3 do
    local seen = {}
    for n = 1, 3 do
        seen[n] = { readers[i]:report() }
    end
    tap.same(seen, { { "issue 1", 2, os.pid() }, { "issue 2", 3, os.pid() }, { "issue 3", 4, os.pid() } },
        "each gets all, in order, with the queue's count")
    readers[i]:exit()
end
tap.same((drain()), { "issue 1", "issue 2", "issue 3" }, "the pusher too, when it listens")
tap.is(os.push("news", "late"), 1, "who is gone is not counted")
drain()

-- row 64: no listening, no events
tap.is(os.push("news", 1), 1, "one more")
tap.is(os.unlisten(id), true, "os.unlisten takes the id")
tap.is(os.pull("queue", 0), nil, "what waited goes with it")
tap.is(os.push("news", 2), 0, "and nothing comes any more")
tap.refused(NOTFOUND, "it works once", os.unlisten(id))
os.listen("news")
tap.is(os.unlisten("news"), true, "os.unlisten takes the name as well")
tap.refused(NOTFOUND, "of a queue that is listened to", os.unlisten(0, "news"))

-- row 65: match
os.listen("log", { match = { "error", "disk.*" } })
for _, key in ipairs({ "error", "errors", "disk.full", "disk", "net" }) do
    os.push("log", key, { key = key })
end
os.push("log", "no key")
tap.same((drain()), { "error", "disk.full" }, "match takes keys by name and prefix")
os.unlisten("log")

-- row 65: overflow, mode by mode
local function overflow(options)
    local counts = {}
    local listener = assert(os.listen("flow", options))
    for i = 1, 5 do
        counts[i] = os.push("flow", i) or "refused"
    end
    local infos, dropped = drain()
    counts[6] = os.push("flow", 6)
    local after = os.pull("queue")
    os.unlisten(listener)
    return { counts, infos, dropped, { after.info, after.seq, after.dropped } }
end
tap.same(overflow({ limit = 3 }), { { 1, 1, 1, 1, 1, 1 }, { 3, 4, 5 }, { 2, 0, 0 }, { 6, 6, 0 } },
    "drop-oldest keeps the newest, and says what is missing where it is missing")
tap.same(overflow({ limit = 3, mode = "drop-new" }),
    { { 1, 1, 1, 0, 0, 1 }, { 1, 2, 3 }, { 0, 0, 0 }, { 6, 6, 2 } },
    "drop-new keeps the oldest, and says so with the next one")
tap.same(overflow({ limit = 3, mode = "block" }),
    { { 1, 1, 1, "refused", "refused", 1 }, { 1, 2, 3 }, { 0, 0, 0 }, { 6, 4, 0 } },
    "block loses nothing: the push is refused")
os.listen("flow", { limit = 1, mode = "block" })
local heard = os.listen("flow")
os.push("flow", 1)
tap.refused(AGAIN, "one full listener refuses for all", os.push("flow", 2))
os.unlisten("flow")
tap.same((drain()), { 1 }, "the others did not get it either")
os.unlisten(heard)
local default = os.listen("flow")
for i = 1, 65 do
    os.push("flow", i)
end
tap.is(os.pull("queue").dropped, 1, "the default limit is 64")
os.unlisten(default)

-- row 39: pulling among other things
os.listen("a")
os.listen("b")
os.push("a", "of a")
os.push("b", "of b")
local alarm = os.call(0, "alarm", 0)
tap.is(os.pull({ queue = "b" }).info, "of b", "a pull chooses by queue")
tap.is(os.pull(function(e) return e.type == "queue" end).info, "of a", "or by a predicate")
tap.is(os.pull(alarm).cid, alarm, "answers are not in the way")
os.unlisten("a")
os.unlisten("b")

-- Each task hears what it listens to; what it leaves is for the others.
local by_task = {}
local function hear(name)
    os.listen(name)
    by_task[name] = os.pull("queue").info
end
local one, two = os.spawn(hear, "one"), os.spawn(hear, "two")
os.pull(nil, 0)
while os.push("one", 1) == 0 or os.push("two", 2) == 0 do
    os.pull(nil, 0)
end
os.join(one)
os.join(two)
tap.same(by_task, { one = 1, two = 2 }, "an event goes to the task that listens")
os.unlisten("one")
os.unlisten("two")
drain()

-- row 54: contexts travel
local room = os.context()
os.bind(room, "hello", function(name) return "hello " .. name end)
local guests = {}
for i = 1, 2 do
    guests[i] = child.run([[
        os.listen("rooms")
        report()
        report(os.rpc[os.pull("queue").info.room].hello(os.args[1]))
    ]], { args = { "guest " .. i } })
    guests[i]:report()
end
tap.is(os.push("rooms", { room = room }), 2, "a context in a message")
for i = 1, 2 do
    tap.is(guests[i]:report(), "hello guest " .. i, "is a handle of each listener's")
    guests[i]:exit()
end
os.pull("open", 0)
os.listen("rooms", { limit = 1 })
for _ = 1, 10 do
    os.push("rooms", room)
end
os.unlisten("rooms")
tap.is(os.rpc[room].hello("owner"), "hello owner", "an owner keeps its own, whatever is dropped")
local closed = os.context()
os.close(closed)
os.listen("rooms")
tap.refused(BADCTX, "a closed context is not sent", os.push("rooms", closed))
os.unlisten("rooms")

-- row 65: routing
local service = os.context({ to = 0, default = "forward", push = { "request.*" }, listen = { "status" } })
local guest = child.run([[
    report(os.push("request.new", 1))
    report(os.push("status", "forged"))
    report(os.listen("request.new"))
    report(os.listen("status") ~= nil)
    report(os.push("request.new", 2))
    report(os.pull("queue").info)
]], { ctx = service })
tap.is(guest:report(), 0, "a holder may push what the routing names")
tap.refused(DENIED, "nothing else", guest:report())
tap.refused(DENIED, "and listen to nothing else", guest:report())
os.listen(service, "request.new")
tap.is(guest:report(), true, "than what it names")
tap.is(guest:report(), 1, "the owner of the context hears it")
tap.is(os.pull("queue").ctx, service, "in its context")
tap.is(os.push("status", "up"), 1, "what the holder listens to lies where the context leads")
tap.is(guest:report(), "up", "and arrives")
guest:exit()
os.close(service)

-- A context of its own is a place of its own, and its end the end of listening.
local place = os.context({ mode = "manual", push = { "*" }, listen = { "*" } })
guest = child.run([[
    report(os.listen(os.contexts.place, "x") ~= nil)
    report(os.pull({ queue = "x" }).info)
    report(os.pull("hangup").type)
    report(os.unlisten(os.contexts.place, "x"))
]], { contexts = { place = place } })
guest:report()
tap.is(os.push("x", 1), 0, "a queue of a context is not the same in another")
tap.is(os.push(place, "x", 2), 1, "a manual context can have queues")
tap.is(guest:report(), 2, "for its holders")
os.close(place)
tap.is(guest:report(), "hangup", "closing it")
tap.refused(NOTFOUND, "ends what was listened to in it", guest:report())
guest:exit()

-- row 65: limits and bad input
tap.refused(LIMIT, "a message has a largest size", os.push("x", ("x"):rep(200000)))
tap.refused(BADARGS, "a name has a form", os.push("a/b", 1))
tap.refused(BADARGS, "so has a key", os.push("x", 1, { key = "a/b" }))
tap.refused(BADARGS, "and a pattern", os.listen("x", { match = { "a/b" } }))
tap.refused(BADARGS, "a limit has a limit", os.listen("x", { limit = 5000 }))
tap.refused(BADCTX, "a context must be there", os.push(1000, "x", 1))
for i = 1, 64 do
    assert(os.listen("many." .. i))
end
tap.refused(LIMIT, "64 listeners are the most", os.listen("one more"))
for i = 1, 64 do
    os.unlisten("many." .. i)
end
tap.raises("info.x[2]: cannot send a function", "what cannot be sent is named", os.push, "x",
    { x = { 1, print } })
tap.raises("bad argument #1", "the queue is a string", os.push, {}, 1)
tap.raises("bad argument #2", "there is something to push", os.push, "x")
tap.raises("unknown key 'kye'", "options have names", os.push, "x", 1, { kye = "a" })
tap.raises("unknown key 'mod'", "for listening too", os.listen, "x", { mod = "block" })
tap.raises("mode is drop-oldest, drop-new or block", "there are three modes", os.listen, "x", { mode = "?" })
tap.raises("limit is a number", "a limit is a number", os.listen, "x", { limit = 0 })
tap.raises("every entry must be a string", "patterns are strings", os.listen, "x", { match = { 1 } })

-- row 65: a flood hurts nobody
local deaf = child.run("os.listen('flood') report() while true do end", { properties = { quantum = 0 } })
deaf:report()
local flooder = child.run([[
    report()
    while true do
        os.push("flood", ("x"):rep(10000))
    end
]])
flooder:report()
os.listen("flood")
local last, n_dropped = 0, 0
for _ = 1, 2000 do
    event = os.pull("queue")
    if event.seq ~= last + 1 + event.dropped and last ~= 0 then
        n_dropped = n_dropped + 1
    end
    last = event.seq
end
tap.is(n_dropped, 0, "who reads what a flood brings knows of each event it lost")
tap.ok(os.rpc.alarm(0) == nil, "the tree goes on")
flooder:kill()
tap.ok(os.push("flood", "still") >= 1, "a listener that reads nothing")
tap.is(deaf:kill().reason, "killed", "is not removed for it")

tap.done()
