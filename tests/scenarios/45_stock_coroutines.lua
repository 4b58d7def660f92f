-- What programs can see of coroutines, and of what works with them, is what stock Lua 5.4 shows: in a
-- task, in a coroutine and in a capture, interrupted all the time.
-- flags: --quantum 1ms --memory 256M
local tap = require("tap")

local is_over = false
os.spawn(function()
    while not is_over do
        coroutine.yield()
    end
end)

-- row 17: who runs, and who can yield
local main, is_main = coroutine.running()
tap.same({ type(main), is_main }, { "thread", true }, "a task's own coroutine is a main one")
tap.same({ coroutine.isyieldable(), coroutine.isyieldable(main) }, { false, false },
    "it has nobody to yield to")
tap.is(select("#", coroutine.yield(1, 2)), 0, "and when it does yield, others run") -- row 16
coroutine.wrap(function()
    local self, is_self_main = coroutine.running()
    tap.same({ self ~= main, is_self_main, coroutine.isyieldable(), coroutine.isyieldable(self),
        coroutine.isyieldable(main) }, { true, false, true, true, false },
        "in a coroutine it is the other way round")
    string.gsub("x", "x", function()
        tap.is(coroutine.isyieldable(), false, "inside a C function nobody can yield")
        tap.same({ pcall(coroutine.yield) }, { false, "attempt to yield across a C-call boundary" },
            "and is told so")
    end)
end)()

local function work()
    local n = 0
    for i = 1, 20000 do
        n = n + i
    end
    return n
end

local function closing(fn)
    return setmetatable({}, { __close = function(_, failure)
        work()
        return fn(failure)
    end })
end

---All values of a coroutine's yields, resumed with what it yielded last.
local function run(fn, ...)
    local co, yielded = coroutine.create(fn), {}
    local got = table.pack(coroutine.resume(co, ...))
    while coroutine.status(co) == "suspended" do
        yielded[#yielded + 1] = got[2]
        got = table.pack(coroutine.resume(co, got[2]))
    end
    return yielded, got
end

local function yield_and(value)
    work()
    coroutine.yield(value)
    return value
end

local function operators()
    local meta = {}
    local function operand()
        return setmetatable({}, meta)
    end
    for _, name in ipairs({ "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl",
        "shr",
        "unm", "bnot", "concat", "len", "eq", "lt", "le", "call" }) do
        meta["__" .. name] = function()
            return yield_and(name)
        end
    end
    meta.__index = function(_, key)
        return yield_and(key)
    end
    meta.__newindex = function(_, key, value)
        yield_and(key .. value)
    end
    local a, b = operand(), operand()
    local results = {
        a + b, a - 1, 1 * a, a / b, a % b, a ^ 2, a // b, a & b, a | 1, 1 ~ a, a << b, a >> b, -a, ~a,
        a .. "x", #a,
        a == b, a < b, a <= b, a ~= b, not (a > 1), a(), a.field, -- luacheck: ignore 581
    }
    a.set = "ting"
    return table.unpack(results, 1, 24)
end

local function checks(where)
    local function is(have, want, what)
        tap.same(have, want, where .. ": " .. what)
    end
    local function outcome(fn, ...)
        return table.pack(pcall(fn, ...))
    end

    -- row 17: values, whatever they are and however many
    local co = coroutine.create(function(...)
        return coroutine.yield(select("#", ...), ...)
    end)
    is({ coroutine.resume(co, nil, nil) }, { true, 2, nil, nil }, "nils go in")
    is(table.pack(coroutine.resume(co)), { true, n = 1 }, "and nothing comes out where nothing was given")
    is(table.pack(coroutine.resume(co)), { false, "cannot resume dead coroutine", n = 2 }, "then it is dead")
    local many = {}
    for i = 1, 5000 do
        many[i] = i
    end
    co = coroutine.wrap(function(...)
        work()
        return select("#", coroutine.yield(...))
    end)
    is({ select("#", co(table.unpack(many))), co(table.unpack(many)) }, { 5000, 5000 },
        "five thousand values")
    local failure = setmetatable({}, { __tostring = error })
    for _, thrown in ipairs({ failure, 7, false }) do
        co = coroutine.create(error)
        is({ coroutine.resume(co, thrown) }, { false, thrown },
            "an error may be any value, not only a string")
    end
    is({ coroutine.resume(coroutine.create(error)) }, { false, nil }, "even nil")

    -- row 17: yields from where Lua code can be
    local yielded, got = run(operators)
    is(yielded, { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr",
        "unm",
        "bnot", "concat", "len", "eq", "lt", "le", "eq", "lt", "call", "field", "setting" },
        "each operator can yield")
    is(got, { true, "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr",
        "unm",
        "bnot", "concat", "len", true, true, true, false, false, "call", "field", nil, n = 25 },
        "and goes on with its result")
    yielded, got = run(function()
        local sum = 0
        for i in function(_, i)
            i = coroutine.yield((i or 0) + 1)
            return i < 4 and i or nil
        end do
            sum = sum + i
        end
        local t = setmetatable({}, { __pairs = function()
            coroutine.yield("pairs")
            return next, { "x" }
        end })
        for _, value in pairs(t) do
            coroutine.yield(value)
        end
        return sum, select(2, pcall(pcall, function()
            coroutine.yield("in pcall")
            error("x", 0)
        end)), xpcall(function()
            coroutine.yield("in xpcall")
            error("y", 0)
        end, function(message)
            return message .. "!"
        end)
    end)
    is(yielded, { 1, 2, 3, 4, "pairs", "x", "in pcall", "in xpcall" },
        "iterators and protected calls can yield")
    is(got, { true, 6, false, false, "y!", n = 5 }, "and give what they ought to")

    -- row 17: variables to be closed
    local log = {}
    local function note(what)
        return closing(function(why)
            log[#log + 1] = what .. ":" .. tostring(why)
            coroutine.yield(what)
        end)
    end
    yielded, got = run(function()
        for i = 1, 2 do
            local _ <close> = note("loop" .. i)
        end
        local is_ok, message = pcall(function()
            local _ <close> = note("outer")
            local _ <close> = closing(function(why)
                log[#log + 1] = "second:" .. tostring(why)
                error("second", 0)
            end)
            error("first", 0)
        end)
        local _ <close> = note("end")
        return is_ok, message
    end)
    is(yielded, { "loop1", "loop2", "outer", "end" }, "closes can yield")
    is(log, { "loop1:nil", "loop2:nil", "second:first", "outer:second", "end:nil" },
        "and know the error there is")
    is(got, { true, false, "second", n = 3 }, "the last error is what remains")
    log = {}
    local function waits_with(...)
        local closes = { ... }
        local waiting = coroutine.create(function()
            local _ <close> = closing(closes[1])
            local _ <close> = closing(closes[2] or function() end)
            coroutine.yield()
        end)
        coroutine.resume(waiting)
        return waiting
    end
    co = waits_with(function(why)
        log[#log + 1] = tostring(why)
        error("in close", 0)
    end, function()
        log[#log + 1] = select(2, pcall(coroutine.yield))
        error("before", 0)
    end)
    is({ coroutine.close(co) }, { false, "in close" }, "close tells the error of a close")
    is(log, { "attempt to yield across a C-call boundary", "before" }, "closes run, and cannot yield there")
    is({ coroutine.status(co), coroutine.close(co) }, { "dead", true }, "a second close finds nothing")
    is({ coroutine.close(coroutine.create(print)) }, { true }, "what was never begun can be closed")
    co = coroutine.create(error)
    coroutine.resume(co, "x")
    is({ coroutine.close(co) }, { false, "x" }, "closing what has failed tells why")
    is({ coroutine.close(co) }, { true }, "once")

    -- row 17: wrap raises, closes, and says where
    local wrapped = coroutine.wrap(function()
        local _ <close> = closing(function(why)
            log = { why }
            error("closed", 0)
        end)
        error("wrapped", 0)
    end)
    is(outcome(function()
        wrapped()
    end)[2]:match("45_stock_coroutines.lua:%d+: closed$") ~= nil, true,
        "a wrap closes and raises with a position")
    is(log, { "wrapped" }, "after the variables were closed")
    is(outcome(wrapped), { false, "cannot resume dead coroutine", n = 2 }, "then it is dead")
    wrapped = coroutine.wrap(function()
        return wrapped()
    end)
    is(outcome(wrapped)[2]:match("cannot resume non%-suspended coroutine$") ~= nil, true, "a wrap of itself")
    is(outcome(coroutine.wrap(error), failure), { false, failure, n = 2 },
        "errors that are no strings stay as they are")

    -- row 17: statuses and refusals
    local outer, seen
    outer = coroutine.create(function()
        local inner = coroutine.create(function()
            seen = { coroutine.status(outer), coroutine.resume(outer) }
            seen[4], seen[5] = pcall(coroutine.close, outer)
            return coroutine.yield()
        end)
        coroutine.resume(inner)
        return coroutine.status(inner), coroutine.status(coroutine.running()), coroutine.close(inner),
            coroutine.status(inner), select(2, pcall(coroutine.close, coroutine.running()))
    end)
    is({ coroutine.resume(outer) },
        { true, "suspended", "running", true, "dead", "cannot close a running coroutine" },
        "statuses from inside")
    is(seen, { "normal", false, "cannot resume non-suspended coroutine", false,
        "cannot close a normal coroutine" },
        "and of who resumed")
    for name, wanted in pairs({ resume = "thread", status = "thread", close = "thread",
        isyieldable = "thread",
        wrap = "function", create = "function" }) do
        is(outcome(coroutine[name], 1),
            { false, "bad argument #1 to 'coroutine." .. name .. "' (" .. wanted ..
            " expected, got number)", n = 2 }, name .. " of a number")
    end

    -- row 17: depth
    local function fall(n)
        return coroutine.wrap(function()
            return fall(n + 1)
        end)()
    end
    is(outcome(fall, 1)[2]:match("C stack overflow") ~= nil, true, "endless nesting is an error")
    co = coroutine.create(function()
        local function deeper()
            return deeper() + 1
        end
        return deeper()
    end)
    is(select(2, coroutine.resume(co)):match("stack overflow") ~= nil, true, "and so is endless recursion")
    is(debug.traceback(co):match("^stack traceback:\n\t") ~= nil, true, "of which there is a traceback")

    -- row 13: a comparator sees what the stock sort shows it, and may yield
    local compared = {}
    local list = { 5, 2, 8, 1, 9, 3 }
    yielded = run(function()
        table.sort(list, function(a, b)
            compared[#compared + 1] = a .. "<" .. b
            coroutine.yield(#compared)
            return a < b
        end)
    end)
    is(list, { 1, 2, 3, 5, 8, 9 }, "table.sort sorts")
    is(table.concat(compared, " "), "3<5 8<3 5<8 2<5 9<5 5<1 9<5 5<1 8<9 1<3 2<1 3<2",
        "with the comparisons of the stock one")
    is(#yielded, #compared, "and each of them may yield")
    local _, message = pcall(function()
        table.sort({ 1, 2, 3, 4 }, function()
            return true
        end)
    end)
    is(message:match("^.*45_stock_coroutines.lua:%d+: (.*)$"), "invalid order function for sorting",
        "a false order")
    is(outcome(table.sort, 1, print),
        { false, "bad argument #1 to 'table.sort' (table expected, got number)", n = 2 },
        "no table")
    is(outcome(table.sort, { 1, 2 }, 1),
        { false, "bad argument #2 to 'table.sort' (function expected, got number)",
        n = 2 }, "no function")
    is(outcome(table.sort, { 1 }, 1), { true, n = 1 }, "which nobody asks for a single value")
end

checks("in a task")
tap.is(coroutine.resume(coroutine.create(checks), "in a coroutine"), true, "the same in a coroutine")
local co = coroutine.create(checks)
local asked = table.pack(os.capture(co, "in a capture"))
while asked[1] ~= "return" and asked[1] ~= "error" do
    asked = table.pack(os.capture(co, os.syscall(table.unpack(asked, 1, asked.n))))
end
tap.same(asked, { "return", n = 1 }, "the same in a capture")

-- row 13: an order made for the worst of it does not make sorting slow
local n, n_known, ranks, values = 4000, 0, {}, {}
for i = 1, n do
    values[i] = i
end
local candidate
table.sort(values, function(a, b)
    -- Decides as late as it can, so that each pivot turns out to be among the smallest.
    if not ranks[a] and not ranks[b] then
        n_known = n_known + 1
        ranks[a == candidate and a or b] = n_known
    end
    candidate = not ranks[a] and a or not ranks[b] and b or candidate
    return (ranks[a] or n + 1) < (ranks[b] or n + 1)
end)
local n_compared = 0
for i = 1, n do
    values[i] = ranks[i] or n + i
end
table.sort(values, function(a, b)
    n_compared = n_compared + 1
    return a < b
end)
tap.ok(n_compared < n * 100, "an order made to be slow: " .. n_compared .. " comparisons")

-- row 19: chunks and strings, where this state is another
tap.same({ load("return 1", "x", "b") }, { nil, "attempt to load a text chunk (mode is 'b')" },
    "text where none is wanted")
tap.same({ load("\27Lua", "x", "bt") }, { nil, "attempt to load a binary chunk (mode is 't')" },
    "binary chunks are never")
tap.raises("resulting string too large", "a string of more than 2 GiB", string.rep, "xx", 1 << 30)
is_over = true
tap.done()
