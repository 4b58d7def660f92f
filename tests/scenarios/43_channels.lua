-- Channels between tasks, and the choice between them. Row 124.
local tap = require("tap")

-- Rendezvous.
local c = os.chan()
local is_sent = false
local sender = os.spawn(function()
    c:send("first", nil, 3)
    is_sent = true
    return c:send("second")
end)
coroutine.yield()
tap.is(is_sent, false, "a send waits for its receiver")
tap.same({ c:recv() }, { "first", nil, 3 }, "all its values arrive")
coroutine.yield()
tap.is(is_sent, true, "then it goes on")
tap.is(c:recv(), "second", "one message after the other")
tap.same({ os.join(sender) }, { true, true }, "send returns true")

local t = { deep = {} }
os.spawn(c.send, c, t)
tap.is(c:recv(), t, "values are passed, not copied")

-- Buffered.
c = os.chan(2)
tap.is(c:send(1), true, "a buffered channel keeps messages")
c:send()
sender = os.spawn(c.send, c, 3)
coroutine.yield()
tap.refused(os.status.TIMEOUT, "as many as it was made for", os.join(sender, 0))
tap.same({ c:recv() }, { 1 }, "it gives them in their order")
tap.same({ os.join(sender) }, { true, true }, "and takes the next when there is room")
tap.is(select("#", c:recv()), 0, "a message may have no values")
tap.is(c:recv(), 3, "the last one")
tap.refused(os.status.TIMEOUT, "recv(0) only looks", c:recv(0))
local started = os.monotonic()
tap.refused(os.status.TIMEOUT, "recv has a timeout", c:recv(0.02))
tap.lasts(os.monotonic() - started, 0.02, 0.5, "of that many seconds")

c = os.chan(100000)
collectgarbage()
local before = collectgarbage("count")
for i = 1, 100000 do
    c:send(i)
end
for i = 1, 100000 do
    if c:recv() ~= i then
        tap.ok(false, "a long queue keeps its order")
    end
end
collectgarbage()
tap.between(collectgarbage("count") - before, -1000, 100,
    "an empty channel takes no memory, whatever it kept")

-- Who waits longest is served first.
c = os.chan()
local order = {}
for i = 1, 5 do
    os.spawn(function()
        order[i] = c:recv()
    end)
end
coroutine.yield()
for i = 1, 5 do
    c:send(i)
end
coroutine.yield()
tap.same(order, { 1, 2, 3, 4, 5 }, "receivers are served in the order they came")
for i = 1, 5 do
    os.spawn(c.send, c, i)
end
coroutine.yield()
tap.same({ c:recv(), (c:recv()), (c:recv()), (c:recv()), (c:recv()) }, { 1, 2, 3, 4, 5 },
    "and so are senders")

-- Closing.
c = os.chan(1)
c:send("kept")
sender = os.spawn(c.send, c, "waits")
local closed = os.chan()
local receiver = os.spawn(closed.recv, closed)
coroutine.yield()
tap.is(c:close(), true, "a channel is closed")
closed:close()
tap.same({ os.join(sender) }, { true, nil, os.status.DEAD, "the channel is closed" },
    "a waiting sender is told")
tap.same({ os.join(receiver) }, { true, nil, os.status.DEAD, "the channel is closed" }, "so is a receiver")
tap.refused(os.status.DEAD, "nothing can be sent any more", c:send("late"))
tap.is(c:recv(), "kept", "what was kept is still received")
tap.refused(os.status.DEAD, "and then it is over", c:recv())
tap.is(c:close(), true, "closing again changes nothing")
local seen = {}
c = os.chan(3)
for i = 1, 3 do
    c:send("job " .. i, i)
end
c:close()
for value, i in c do
    seen[i] = value
end
tap.same(seen, { "job 1", "job 2", "job 3" }, "a loop over a channel ends with it")

-- alt.
local a, b = os.chan(1), os.chan(1)
tap.refused(os.status.AGAIN, "alt with a default does not wait",
    os.alt({ { a, "recv" }, { b, "recv" }, default = true }))
tap.refused(os.status.TIMEOUT, "alt has a timeout", os.alt({ { a, "recv" }, timeout = 0.01 }))
b:send("from b")
tap.same({ os.alt({ { a, "recv" }, { b, "recv" } }) }, { 2, "from b" }, "alt takes what is there")
tap.same({ os.alt({ { a, "send", "to a" }, { b, "recv" } }) }, { 1, true }, "or sends where there is room")
tap.is(a:recv(), "to a", "what alt sends arrives")
local chooser = os.spawn(os.alt, { { a, "recv" }, { b, "recv" } })
coroutine.yield()
a:send("x", "y")
b:send("stays")
tap.same({ os.join(chooser) }, { true, 1, "x", "y" }, "alt waits for the first")
tap.is(b:recv(0), "stays", "and for one only")
local rendezvous = os.chan()
chooser = os.spawn(os.alt, { { rendezvous, "send", "offered", 2 }, { a, "recv" } })
coroutine.yield()
tap.same({ rendezvous:recv() }, { "offered", 2 }, "an offer is taken")
tap.same({ os.join(chooser) }, { true, 1, true }, "and alt says which")
a:send("later")
tap.is(a:recv(), "later", "the arm that was not taken is gone")
chooser = os.spawn(os.alt, { { a, "recv" }, { rendezvous, "recv" } })
coroutine.yield()
rendezvous:close()
tap.same({ os.join(chooser) }, { true, 2, nil, os.status.DEAD, "the channel is closed" },
    "alt tells of a closed channel")

local counts = { 0, 0, 0 }
local ready = { os.chan(1), os.chan(1), os.chan(1) }
for _ = 1, 3000 do
    for i = 1, 3 do
        os.alt({ { ready[i], "send", i }, default = true })
    end
    local arm, value = os.alt({ { ready[1], "recv" }, { ready[2], "recv" }, { ready[3], "recv" } })
    counts[arm] = counts[arm] + 1
    if arm ~= value then
        tap.ok(false, "the number of the arm is that of its channel")
    end
end
for i = 1, 3 do
    tap.between(counts[i], 850, 1150, "ready arms are chosen at random: arm " .. i)
end

-- Tasks that wait are parked, and can be killed.
c = os.chan()
local cpu = os.clock()
local killed = os.spawn(c.recv, c)
local also_killed = os.spawn(os.alt, { { c, "recv" }, { c, "recv" } })
os.rpc.alarm(0.1)
tap.lasts(os.clock() - cpu, 0, 0.05, "who waits uses no time")
os.kill({ tid = killed })
os.kill({ tid = also_killed })
os.join(also_killed)
tap.refused(os.status.AGAIN, "a killed receiver receives nothing",
    os.alt({ { c, "send", 1 }, default = true }))
killed = os.spawn(c.send, c, "of a dead task")
coroutine.yield()
os.kill({ tid = killed })
os.join(killed)
tap.refused(os.status.TIMEOUT, "a killed sender sends nothing", c:recv(0))
local inner = coroutine.create(c.recv)
local outer = os.spawn(coroutine.resume, inner, c)
coroutine.yield()
coroutine.close(inner)
tap.refused(os.status.AGAIN, "nor does a coroutine that was closed while it waited",
    os.alt({ { c, "send", 1 }, default = true }))
os.join(outer)
local from_below = coroutine.wrap(function() return coroutine.wrap(c.recv)(c) end)
receiver = os.spawn(from_below)
coroutine.yield()
c:send("up")
tap.same({ os.join(receiver) }, { true, "up" }, "coroutines within coroutines receive like any")

-- Busy tasks on both sides, interrupted wherever they are.
local numbers, n_tasks, n_each, sum = os.chan(3), 8, 2000, 0
for _ = 1, n_tasks do
    os.spawn(function()
        for i = 1, n_each do
            os.alt({ { numbers, "send", i } })
        end
    end)
end
for _ = 1, n_tasks * n_each do
    sum = sum + numbers:recv(10)
end
tap.is(sum, n_tasks * n_each * (n_each + 1) // 2, "nothing is lost or doubled")

-- A callback of a C function can do what needs no waiting.
c = os.chan(1)
tap.is((("x"):gsub("x", function() c:send("through") return "y" end)), "y",
    "a send that need not wait works anywhere")
tap.raises("across a C-call boundary", "one that must wait says so", string.gsub, "x", "x",
    function() c:send(2) end)

-- Mistakes.
tap.raises("a capacity is 0", "a capacity is not negative", os.chan, -1)
tap.raises("arm 1: table expected, got userdata", "arms are tables", os.alt, { c, "recv" })
tap.raises("arm 2: channel expected, got number", "of channels", os.alt, { { c, "recv" }, { 3, "recv" } })
tap.raises("arm 1: neither", "that send or receive", os.alt, { { c, "receive" } })
tap.raises("unknown key 'tiemout'", "keys are known", os.alt, { { c, "recv" }, tiemout = 1 })
tap.raises("channel expected", "methods are of channels", c.send, 1)
tap.raises("bad argument #1 to 'os.alt' (no arm", "an alt of nothing would never end", os.alt, {})
tap.refused(os.status.TIMEOUT, "an alt of nothing waits for its timeout", os.alt({ timeout = 0 }))
tap.done()
