-- Coroutines behave as in stock Lua, although every one of them can be interrupted and can wait.
-- flags: --quantum 1ms
local tap = require("tap")

-- Somebody else who is always runnable: each slice that ends is a pre-emption.
local is_over, n_turns = false, 0
os.spawn(function()
    while not is_over do
        n_turns = n_turns + 1
        coroutine.yield()
    end
end)

local function work(n)
    local sum = 0
    for i = 1, n do
        sum = sum + i % 7
    end
    return sum
end

-- row 17: a generator with long work inside gives its own yields and nothing else
local function counter(n)
    for i = 1, n do
        work(1e6)
        coroutine.yield(i)
    end
    return "end"
end
local co = coroutine.create(counter)
local got = {}
repeat
    local results = table.pack(coroutine.resume(co, 3))
    got[#got + 1] = results
until coroutine.status(co) == "dead"
tap.same(got, { { true, 1, n = 2 }, { true, 2, n = 2 }, { true, 3, n = 2 }, { true, "end", n = 2 } },
    "a generator gives exactly its own yields")
tap.ok(n_turns > 4, "and was interrupted meanwhile")

-- row 14: the same three deep, by wrap
local turns = n_turns
local deep = coroutine.wrap(function()
    local middle = coroutine.wrap(function()
        local inner = coroutine.wrap(counter)
        for _ = 1, 2 do
            coroutine.yield(inner(2))
        end
    end)
    coroutine.yield(middle())
    coroutine.yield(middle())
end)
tap.is(deep(), 1, "three wraps deep too")
tap.is(deep(), 2, "twice")
tap.ok(n_turns > turns, "interrupted there as well")

-- row 17: the library as it is documented
tap.same({ coroutine.resume(co) }, { false, "cannot resume dead coroutine" }, "a dead one cannot be resumed")
tap.same({ coroutine.resume(coroutine.running()) }, { false, "cannot resume non-suspended coroutine" },
    "nor a running one")
tap.is(coroutine.status(coroutine.running()), "running", "status: running")
local outer = coroutine.running()
local statuses = {}
co = coroutine.create(function(...)
    statuses.inside, statuses.outer = coroutine.status(co), coroutine.status(outer)
    statuses.running, statuses.is_main = coroutine.running()
    statuses.is_yieldable = coroutine.isyieldable()
    local second = coroutine.yield(...)
    error({ second })
end)
tap.is(coroutine.status(co), "suspended", "status: suspended before the first resume")
tap.same({ coroutine.resume(co, 1, nil, 3) }, { true, 1, nil, 3 }, "values go in and out")
tap.is(coroutine.status(co), "suspended", "status: suspended at a yield")
tap.same({ statuses.inside, statuses.outer, statuses.is_main, statuses.is_yieldable },
    { "running", "normal", false, true }, "status: running inside, normal outside")
tap.is(statuses.running, co, "running gives the coroutine itself")
local ok, failure = coroutine.resume(co, "second")
tap.ok(ok == false and failure[1] == "second", "an error comes as false and the error value") -- row 18
tap.is(coroutine.status(co), "dead", "and the coroutine is dead")
tap.is(select(2, coroutine.running()), true, "a task's own coroutine says that it is the main one")
tap.raises("cannot resume dead coroutine", "a dead wrap raises", (function()
    local f = coroutine.wrap(function() end)
    f()
    return f
end)())
tap.raises("07_coroutines.lua", "an error in a wrap keeps its position", coroutine.wrap(function()
    error("x")
end))

local is_closed = false
co = coroutine.create(function()
    local _ <close> = setmetatable({}, { __close = function() is_closed = true end })
    coroutine.yield()
end)
coroutine.resume(co)
tap.is(coroutine.close(co), true, "close ends a suspended coroutine")
tap.is(is_closed, true, "and runs what was to be closed")
tap.is(coroutine.status(co), "dead", "it is dead then")

-- row 18: no value that a program returns is taken for something of the system's
for _, value in ipairs({ false, 0, "yield", "preempt", "call", {}, print, co, os.handle(0) }) do
    local inner = coroutine.create(function() return value, value end)
    local outcome = table.pack(coroutine.resume(inner))
    if outcome.n ~= 3 or outcome[1] ~= true or outcome[2] ~= value or coroutine.status(inner) ~= "dead" then
        tap.ok(false, "a plain return of " .. tostring(value))
    end
end

-- row 16
turns = n_turns
tap.same(table.pack(coroutine.yield(1, 2, 3)), { n = 0 }, "a yield of a task's own body gives no values")
tap.ok(n_turns > turns, "and lets the others run")

-- row 23: a syscall from ten coroutines deep
os.bind("answer", function(n) return n + 1 end)
local function at_depth(depth, fn)
    if depth == 0 then
        return fn()
    end
    local inner = coroutine.create(at_depth)
    local results = table.pack(coroutine.resume(inner, depth - 1, fn))
    if not results[1] then
        error(results[2], 0)
    end
    if coroutine.status(inner) ~= "dead" then
        error("a resume between saw something of the syscall", 0)
    end
    return table.unpack(results, 2, results.n)
end
tap.is(at_depth(10, function() return os.rpc.answer(41) end), 42, "a call 10 coroutines deep is answered")
tap.is(at_depth(10, function() return os.pull(os.call(0, "alarm", 0)).type end), "answer", "so is a pull")
tap.is(at_depth(190, function() return os.rpc.answer(1) end), 2, "190 deep works")
tap.raises("C stack overflow", "250 deep is an error", at_depth, 250, function() end)
tap.is(at_depth(10, function() return os.rpc.answer(2) end), 3, "that the process survives")

-- row 25: nobody forges an answer
local waiting = coroutine.create(function() return os.rpc.alarm(0.05), "real" end)
local task = os.spawn(function() return coroutine.resume(waiting) end)
repeat
    coroutine.yield()
until coroutine.status(waiting) ~= "suspended"
tap.same({ coroutine.resume(waiting, "forged") }, { false, "cannot resume non-suspended coroutine" },
    "a coroutine that waits in a call cannot be resumed")
tap.is(coroutine.status(waiting), "normal", "its status is normal")
tap.same({ os.join(task) }, { true, true, nil, "real" }, "its own task gets the real answer")

-- Where nothing can wait, that is said.
tap.raises("C-call boundary", "a call within a gsub callback is an error", string.gsub, "x", "x", function()
    os.rpc.alarm(0)
end)
local list = { 3, 1, 2 }
table.sort(list, function(a, b) os.rpc.alarm(0) return a < b end)
tap.same(list, { 1, 2, 3 }, "a comparator may wait")

is_over = true
tap.done()
