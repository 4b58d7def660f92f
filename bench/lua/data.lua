-- Sets or gets keys of a data object for some time, and prints what it saw.
--
--     data.lua WAY SIZE TASKS MILLISECONDS [START]
--
-- START is the second of the monotonic clock to begin at. Ways: `set` and `get`, of a persistent object,
-- `set-volatile` and `get-volatile`; `call`, the call of a get to the program shelf.lua instead.

local N_KEYS = 1000

local way, size, n_tasks, ms, start = ...
size, n_tasks = math.tointeger(size), math.tointeger(n_tasks)
local seconds, now = tonumber(ms) / 1000, os.monotonic
local value = ("x"):rep(size)

local function open()
    local verb, kind = way:match("^(%w+)-?(%w*)$")
    if verb == "call" then
        return os.rpc["bench.shelf"]
    end
    local d = assert(os.data("bench:" .. way, { volatile = kind == "volatile" }))
    for i = 1, N_KEYS, 100 do
        local ops = {}
        for key = i, i + 99 do
            ops[#ops + 1] = { op = "set", key = "k" .. key, value = value }
        end
        assert(d:txn({ ops = ops }))
    end
    local method = d[verb]
    return function(key)
        return method(d, key, verb == "set" and value or nil)
    end
end

local perform = open()

local function quantile(sorted, q)
    return sorted[math.floor(q * (#sorted - 1) + 0.5) + 1] * 1e6
end

---All tasks until then: how many, and how long each took.
local function run(stop)
    local latencies, n = {}, 0
    local function keep_on(first)
        local key, before = first, now()
        while before < stop do
            assert(perform("k" .. key))
            local after = now()
            n = n + 1
            latencies[n] = after - before
            key, before = key % N_KEYS + 1, after
        end
    end
    local tids = {}
    for i = 1, n_tasks do
        tids[i] = os.spawn(keep_on, i * N_KEYS // n_tasks)
    end
    for i = 1, n_tasks do
        assert(os.join(tids[i]))
    end
    return latencies
end

if start then
    os.rpc.alarm(math.max(0, tonumber(start) - now()))
end
run(now() + seconds / 10)
local before = now()
local latencies = run(before + seconds)
local after = now()
table.sort(latencies)
print(('{"calls": %d, "start": %.6f, "end": %.6f, "p50_us": %.2f, "p99_us": %.2f}'):format(
    #latencies, before, after, quantile(latencies, 0.5), quantile(latencies, 0.99)))
os.exit(0)
