-- Calls an echo for some time, as endpoint.c does through the relay, and prints what it saw.
--
--     client.lua SIZE FLIGHT MILLISECONDS [START [WAY [NAMES]]]
--
-- START is the second of the monotonic clock at which to begin, so that several clients do together.
-- The ways: `tasks`, FLIGHT of them, each with one call; `events`, one task with all of them;
-- `connection`, tasks that call through one; `chain`, through four contexts of the client; `owner`,
-- through a context of another program; `names`, tasks that call NAMES names in turn.

local size, flight, ms, start, way, n_names = ...
size, flight = math.tointeger(size), math.tointeger(flight)
local seconds = tonumber(ms) / 1000
local payload = ("x"):rep(size)

-- The functions to call.
local ways = {
    tasks = function()
        return { os.rpc.bench.echo }
    end,
    connection = function()
        return { assert(os.connect("bench.echo")) }
    end,
    chain = function()
        local ctx = 0
        for _ = 1, 4 do
            ctx = assert(os.context({ to = ctx, default = "forward" }))
        end
        return { os.rpc[ctx].bench.echo }
    end,
    owner = function()
        return { os.rpc[os.rpc.bench.context()].bench.echo }
    end,
    names = function()
        local found = {}
        for i = 1, math.tointeger(n_names) do
            found[i] = os.rpc.bench.name[tostring(i)]
        end
        return found
    end,
}

local function call_one(stop, echoes)
    local now, n_echoes = os.monotonic, #echoes
    local latencies, n = {}, 0
    local before = now()
    while before < stop do
        echoes[n % n_echoes + 1](payload)
        local after = now()
        n = n + 1
        latencies[n] = after - before
        before = after
    end
    return n, latencies
end

-- Each task asks again as soon as it is answered. The clock is read only now and then: that costs too.
local function call_in_tasks(stop, echoes)
    local is_over, n_all, now, n_echoes = false, 0, os.monotonic, #echoes
    local function keep_calling(first)
        local n, until_clock = 0, first % 16 + 1
        local echo = echoes[first % n_echoes + 1]
        while not is_over do
            echo(payload)
            n, until_clock = n + 1, until_clock - 1
            if n_echoes > 1 then
                echo = echoes[(first + n * flight) % n_echoes + 1]
            end
            if until_clock == 0 or size > 4096 then
                is_over, until_clock = is_over or now() >= stop, 16
            end
        end
        n_all = n_all + n
    end
    local tids = {}
    for i = 1, flight do
        tids[i] = os.spawn(keep_calling, i)
    end
    for i = 1, flight do
        assert(os.join(tids[i]))
    end
    return n_all, {}
end

local function call_by_events(stop)
    local call, pull, now = os.call, os.pull, os.monotonic
    local n, n_open, until_clock = 0, flight, 64
    local is_over = false
    for _ = 1, flight do
        call(0, "bench.events", payload)
    end
    while n_open > 0 do
        local answer = pull("answer")
        if answer.status_code ~= 0 then
            error(("bench.events was refused: status %d"):format(answer.status_code))
        end
        n = n + 1
        until_clock = until_clock - 1
        if until_clock == 0 or size > 4096 then
            is_over, until_clock = now() >= stop, 64
        end
        if is_over then
            n_open = n_open - 1
        else
            call(0, "bench.events", payload)
        end
    end
    return n, {}
end

local function quantile(sorted, q)
    return sorted[math.floor(q * (#sorted - 1) + 0.5) + 1] * 1e6
end

local run, echoes = call_by_events, nil
if way ~= "events" then
    run, echoes = flight == 1 and call_one or call_in_tasks, ways[way or "tasks"]()
end
if start then
    os.rpc.alarm(math.max(0, tonumber(start) - os.monotonic()))
end
local n_warm = run(os.monotonic() + seconds / 10, echoes)
local before, cpu = os.monotonic(), os.clock()
local n, latencies = run(before + seconds, echoes)
local after = os.monotonic()
cpu = (os.clock() - cpu) * 1e6
table.sort(latencies)
local found = ('"calls": %d, "warm": %d, "start": %.6f, "end": %.6f, "cpu_us": %.2f'):format(n, n_warm,
    before, after, cpu / n)
if #latencies > 0 then
    found = found .. (', "p50_us": %.2f, "p99_us": %.2f'):format(quantile(latencies, 0.5),
        quantile(latencies, 0.99))
end
print("{" .. found .. "}")
os.exit(0)
