-- The same work under stock lua5.4 and under thox; prints the CPU seconds it took.
--
--     cpu.lua alone      nobody else in the process
--     cpu.lua waiting    another task waits for an event that never comes
--     cpu.lua runnable   two tasks do the work; the seconds are those of both, halved
--     cpu.lua gap        two tasks count; prints the longest and the 99th percentile of the time, in
--                        CPU milliseconds, that one of them stood still

local mode = ... or "alone"

local function fibonacci(n)
    if n < 2 then
        return n
    end
    return fibonacci(n - 1) + fibonacci(n - 2)
end

local function count_primes(n)
    local is_composite, count = {}, 0
    for i = 2, n do
        if not is_composite[i] then
            count = count + 1
            for j = i * i, n, i do
                is_composite[j] = true
            end
        end
    end
    return count
end

local function count_words(n)
    local counts, text = {}, {}
    for i = 1, n do
        text[i] = ("word%d"):format(i * 7919 % 1000)
    end
    for word in table.concat(text, " "):gmatch("%a+%d+") do
        counts[word] = (counts[word] or 0) + 1
    end
    return counts.word7
end

-- Calls, tables, strings and the collector.
local function work()
    assert(fibonacci(31) == 1346269)
    for _ = 1, 15 do
        assert(count_primes(200000) == 17984)
    end
    for _ = 1, 20 do
        assert(count_words(40000) == 40)
    end
end

-- The times another task took away while this one wanted to run.
local function gaps(seconds)
    local found, last = {}, os.clock()
    local stop = last + seconds
    while last < stop do
        local now = os.clock()
        if now - last > 0.0005 then
            found[#found + 1] = (now - last) * 1000
        end
        last = now
    end
    return found
end

if mode == "gap" then
    os.spawn(gaps, 1.5)
    local found = gaps(1.5)
    table.sort(found)
    print(('{"max_ms": %.3f, "p99_ms": %.3f, "n": %d}'):format(found[#found],
        found[math.ceil(#found * 0.99)], #found))
    os.exit(0)
end

local before = os.clock()
if mode == "waiting" then
    os.spawn(function()
        os.pull({ name = "bench.never" })
    end)
    work()
elseif mode == "runnable" then
    os.join(os.spawn(work), work())
else
    work()
end
local seconds = os.clock() - before
print(('{"cpu_s": %.4f}'):format(mode == "runnable" and seconds / 2 or seconds))
if os.exit then
    os.exit(0)
end
