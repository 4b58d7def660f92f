-- Starts the stored program `bench.child` again and again: how long until its first line runs (the
-- child tells the time of it), and how many a second with several under way.
--
--     starts.lua COUNT FLIGHT

local count, flight = ...
count, flight = math.tointeger(tonumber(count)), math.tointeger(tonumber(flight))

os.bind("bench.born")

local function measure_latency()
    local latencies = {}
    for i = 1, count do
        local before = os.monotonic()
        os.run("bench.child", { args = { "tell" } })
        local call = os.pull("call")
        latencies[i] = call.args[1] - before
        os.answer(call.cid, true)
        os.pull("exit")
    end
    table.sort(latencies)
    return latencies[math.ceil(count / 2)] * 1e6
end

local function measure_rate()
    local before = os.monotonic()
    local n_started, n_ended = 0, 0
    while n_ended < count do
        while n_started < count and n_started - n_ended < flight do
            os.call(0, "process.run", { program = "bench.child" })
            n_started = n_started + 1
        end
        os.pull("exit")
        n_ended = n_ended + 1
    end
    return count / (os.monotonic() - before)
end

print(('{"first_line_us": %.1f, "starts_s": %.1f}'):format(measure_latency(), measure_rate()))
os.exit(0)
