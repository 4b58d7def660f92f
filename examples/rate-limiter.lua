--- rate-limiter: lets a program call a service so often and no more.
--
--     thoxctl run examples/rate-limiter.lua
--     thoxctl run examples/rate-limiter.lua PER-SECOND BURST
--
-- The program runs in a context that this one owns by hand: each of its calls comes here first. Within
-- the rate it is passed on, and the answer goes straight to the program; beyond it the answer is BUSY.

local rate, burst = tonumber(... or 2), tonumber(select(2, ...) or 3)
if not rate or not burst or rate <= 0 or burst < 1 then
    print("usage: rate-limiter.lua [PER-SECOND [BURST]], two numbers above zero")
    return 2
end

-- A bucket of tokens: each call takes one, and time puts them back.
local tokens, filled_at = burst, os.monotonic()

local function seconds_to_wait()
    local now = os.monotonic()
    tokens = math.min(burst, tokens + (now - filled_at) * rate)
    filled_at = now
    if tokens >= 1 then
        tokens = tokens - 1
        return 0
    end
    return (1 - tokens) / rate
end

-- The service that is worth protecting.
local n_served = 0
assert(os.bind(0, "example.search", function(word)
    n_served = n_served + 1
    return "found " .. word
end))

-- A greedy program: it does not know that it is limited.
local source = [[
    for _, word in ipairs({ "one", "two", "three", "four", "five", "six" }) do
        local ok, result = pcall(os.rpc.example.search, word)
        print(ok and result or word .. " refused: " .. tostring(result))
    end
    os.rpc.alarm(1.5 / ...)
    print("after a while: " .. os.rpc.example.search("seven"))
]]

local gate = assert(os.context({ mode = "manual" }))
local client = assert(os.run_code(source, {
    name = "greedy",
    args = { rate },
    ctx = gate,
    contexts = { console = os.contexts.console },
}))

while true do
    local event = os.pull(function(e)
        return e.type == "exit" or e.type == "terminate" or e.type == "call" and e.ctx == gate
    end)
    if event.type ~= "call" then
        break
    end
    -- Only the search is limited: its alarms and the rest are the client's own business.
    local wait = event.name == "example.search" and seconds_to_wait() or 0
    if wait == 0 then
        os.forward(event.cid, 0)
    else
        os.answer(event.cid, os.status.BUSY,
            ("%g searches per second are enough; try again in %.1f s"):format(rate, wait))
    end
end

print(("process %d ended; %d searches were let through"):format(client, n_served))
os.exit()
