-- Calls `bench.echo` for some time, as endpoint.c does through the relay, and prints what it saw.
--
--     client.lua SIZE FLIGHT MILLISECONDS [START]
--
-- START is the second of the monotonic clock at which to begin, so that several clients do together.

local size, flight, ms, start = ...
size, flight = math.tointeger(tonumber(size)), math.tointeger(tonumber(flight))
local seconds = tonumber(ms) / 1000
local payload = ("x"):rep(size)

local function call_one(stop)
    local echo, now = os.rpc.bench.echo, os.monotonic
    local latencies, n = {}, 0
    local before = now()
    while before < stop do
        echo(payload)
        local after = now()
        n = n + 1
        latencies[n] = after - before
        before = after
    end
    return n, latencies
end

-- What is answered is asked again at once. The clock is read only now and then: that costs too.
local function call_many(stop)
    local call, pull, now = os.call, os.pull, os.monotonic
    local n, n_open, until_clock = 0, flight, 64
    local is_over = false
    for _ = 1, flight do
        call(0, "bench.echo", payload)
    end
    while n_open > 0 do
        local answer = pull("answer")
        if answer.status_code ~= 0 then
            error(("bench.echo was refused: status %d"):format(answer.status_code))
        end
        n = n + 1
        until_clock = until_clock - 1
        if until_clock == 0 or size > 4096 then
            is_over, until_clock = now() >= stop, 64
        end
        if is_over then
            n_open = n_open - 1
        else
            call(0, "bench.echo", payload)
        end
    end
    return n, {}
end

local function quantile(sorted, q)
    return sorted[math.floor(q * (#sorted - 1) + 0.5) + 1] * 1e6
end

if start then
    os.rpc.alarm(math.max(0, tonumber(start) - os.monotonic()))
end
local run = flight == 1 and call_one or call_many
local n_warm = run(os.monotonic() + seconds / 10)
local before, cpu = os.monotonic(), os.clock()
local n, latencies = run(before + seconds)
local after = os.monotonic()
cpu = (os.clock() - cpu) * 1e6
table.sort(latencies)
local found = ('"calls": %d, "warm": %d, "start": %.6f, "end": %.6f, "cpu_us": %.2f'):format(n, n_warm,
    before, after, cpu / n)
if flight == 1 then
    found = found .. (', "p50_us": %.2f, "p99_us": %.2f'):format(quantile(latencies, 0.5),
        quantile(latencies, 0.99))
end
print("{" .. found .. "}")
os.exit(0)
