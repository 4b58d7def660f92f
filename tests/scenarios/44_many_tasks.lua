-- Ten thousand tasks in one process: they begin, wait and end without one costing more than another. Row 122.
local tap = require("tap")

local N = 10000
local MEMORY_KIB = 50 * 1024

---Seconds that the function takes.
local function time(fn, ...)
    local started = os.clock()
    fn(...)
    return os.clock() - started
end

-- All alive at once.
collectgarbage()
local before = collectgarbage("count")
local c
local gate, group, is_done = os.chan(), os.group(), {}
for i = 1, N do
    group:spawn(function()
        gate:recv()
        is_done[i] = true
    end)
end
coroutine.yield()
tap.between(collectgarbage("count") - before, 0, MEMORY_KIB,
    "ten thousand waiting tasks take less than 50 MiB")
gate:close()
group:join()
tap.is(#is_done, N, "all of them come to their end")

-- Each with a deadline of its own, in an order that no list likes.
group = os.group()
local timeouts = {}
tap.lasts(time(function()
    for i = 1, N do
        group:spawn(function()
            timeouts[i] = os.pull({ name = "nothing" }, (i * 7919 % N) / N * 0.05) == nil or nil
        end)
    end
    group:join()
end), 0, 0.25, "ten thousand deadlines are cheap")
tap.is(#timeouts, N, "and each is kept")

-- A chain: each waits for the one before.
local last = os.spawn(function() return 0 end)
tap.lasts(time(function()
    for _ = 2, N do
        last = os.spawn(function(tid)
            local _, n = os.join(tid)
            return n + 1
        end, last)
    end
    tap.same({ os.join(last) }, { true, N - 1 }, "ten thousand tasks that wait for each other")
end), 0, 0.25, "wake one another at no more cost than a few")

-- Many tasks that end at once, each with somebody who waits for it.
local pairs_of = os.group()
c = os.chan()
local results = {}
for i = 1, N // 2 do
    local tid = os.spawn(function()
        c:recv()
        return i
    end)
    pairs_of:spawn(function()
        results[i] = { os.join(tid) }
    end)
end
coroutine.yield()
coroutine.yield()
c:close()
pairs_of:join()
local n_right = 0
for i = 1, N // 2 do
    n_right = n_right + (results[i][1] and results[i][2] == i and 1 or 0)
end
tap.is(n_right, N // 2, "five thousand results reach those who wait for them")

-- Tasks that print wait for each other too, and each wakes one.
local lines = os.group()
for i = 1, 200 do
    lines:spawn(warn, "line ", tostring(i))
end
tap.is(lines:join(), true, "two hundred tasks write to the log at once")

-- Results that nobody asks for are dropped in the end, whatever runs in between.
collectgarbage()
before = collectgarbage("count")
os.bind("nothing in between", function() end)
for _ = 1, 3000 do
    for _ = 1, 2 do
        os.spawn(function() return ("x"):rep(1000) end)
    end
    os.rpc["nothing in between"]()
end
collectgarbage()
tap.between(collectgarbage("count") - before, -10000, 2000, "results that nobody asks for do not pile up")
os.unbind("nothing in between")

-- Killed while they wait.
group = os.group()
c = os.chan()
for _ = 1, N do
    group:spawn(os.alt, { { c, "recv" }, { gate, "recv" }, { c, "send", 1 }, timeout = 60 })
end
gate = nil
coroutine.yield()
tap.lasts(time(function()
    group:kill()
    group:join()
end), 0, 0.25, "ten thousand are killed at once")
tap.refused(os.status.TIMEOUT, "nothing of them is left in the channel", c:recv(0))

-- The limit.
group = os.group()
c = os.chan()
local refusal
local n_tasks = 0
repeat
    local tid, status, message = group:spawn(c.recv, c)
    refusal = { tid, status, message }
    n_tasks = n_tasks + (tid and 1 or 0)
until not tid
tap.refused(os.status.LIMIT, "there is a limit", table.unpack(refusal, 1, 3))
tap.has(refusal[3], "LIMIT_TASKS 16384", "that has a name")
tap.is(n_tasks, 16384 - 1, "and the main task is counted")
group:kill()
group:join()
tap.ok(os.spawn(print, "# there is room again"), "after their end there is room again")

tap.done()
