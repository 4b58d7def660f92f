-- A shop with room for four, a crowd that does not wait its turn, and a guest who gets in all the same.
-- flags: --admin
local tap = require("tap")
local child = require("child")
local machine = require("machine")

local OK, BUSY = os.status.OK, os.status.BUSY

-- row 40: the limit of a service
tap.raises("limit must be from 1 to 1024", "a limit is a number of calls", os.bind, "shop", nil,
    { limit = 0 })
tap.raises("limit must be from 1 to 1024", "that one process can hold", os.bind, "shop", nil,
    { limit = 1025 })
os.bind("shop", nil, { limit = 4 })
local cids = {}
for i = 1, 4 do
    cids[i] = os.call(0, "shop", i)
end
local started = os.monotonic()
local busy = os.pull(os.call(0, "shop", 5), 5)
tap.is(busy and busy.status_code, BUSY, "the fifth call is refused")
tap.lasts(os.monotonic() - started, 0, 0.1, "at once")
tap.has(busy.args[1], "'shop'", "with the service's name")
tap.has(busy.args[1], "4", "and its limit")
for i = 1, 4 do
    local call = os.pull("call")
    if call.args[1] ~= i then
        tap.ok(false, "the calls that fit come in their order: " .. i)
    end
    os.answer(call.cid, OK, "served")
end
tap.is(os.pull("call", 0), nil, "the four that fit are there, the fifth is not")
for i = 1, 4 do
    os.pull(cids[i])
end
cids[1] = os.call(0, "shop", "again")
os.answer(os.pull("call").cid, OK, "served")
tap.is(os.pull(cids[1]).args[1], "served", "when they have been served, there is room again")

-- row 40: each client has its share of a service, and no more
os.bind("fair")
local flooder = child.run([[
    local n_busy, busy = 0, nil
    for i = 1, 200 do os.call(0, "fair", i) end
    for i = 65, 200 do
        local event = os.pull("answer")
        if event.status_code == os.status.BUSY then
            n_busy, busy = n_busy + 1, event
        end
    end
    report(n_busy, busy.args[1])
    while true do
        for i = 1, 200 do os.call(0, "fair", "more") end
        for i = 1, 200 do os.pull("answer") end
    end
]])
local n_busy, message = flooder:report()
tap.is(n_busy, 200 - 64, "a client may have 64 calls at one service")
tap.has(message, "LIMIT_CALLS_PER_PAIR 64", "the refusal names the limit")
local guest = child.run([[
    local started, n = os.monotonic(), 0
    for i = 1, 20 do
        n = n + os.rpc.fair("guest")
    end
    report(n, os.monotonic() - started)
]])
local n_guest = 0
while n_guest < 20 do
    local call = os.pull({ type = "call", name = "fair" })
    if call.pid == guest.pid then
        os.answer(call.cid, OK, 1)
        n_guest = n_guest + 1
    end
end
local n = guest:report()
tap.is(n, 20, "while it floods, another client's calls are all served")
flooder:kill()
guest:exit()
os.unbind("fair")

-- A manual context is a service as well, of its owner's.
local room = os.context()
for i = 1, 64 do
    cids[i] = os.call(room, "any" .. i)
end
tap.is(os.pull(os.call(room, "one.more")).status_code, BUSY,
    "64 calls of one process fit in a manual context")
for i = 1, 64 do
    os.cancel(cids[i])
    os.pull(cids[i])
end

-- row 40: what is refused costs initd nothing
os.bind("closed", nil, { limit = 1 })
local kept = os.call(0, "closed")
local function initd_memory()
    for _, process in ipairs(os.rpc.process.list()) do
        if process.pid == 1 then
            return process.memory
        end
    end
end
local function flood(n_calls)
    local n_refused = 0
    for _ = 1, n_calls / 100 do
        for i = 1, 100 do
            cids[i] = os.call(0, "closed")
        end
        for i = 1, 100 do
            n_refused = n_refused + (os.pull(cids[i]).status_code == BUSY and 1 or 0)
        end
    end
    return n_refused
end
flood(10000)
local before = initd_memory()
tap.is(flood(100000), 100000, "a hundred thousand calls are refused")
local after = initd_memory()
-- A sanitizer keeps freed memory for a while, and finds what leaks itself.
if machine.slowness == 1 then
    tap.ok(after <= before + 128 * 1024, "and initd is not larger for it: " .. before .. ", " .. after)
end
os.answer(os.pull({ type = "call", name = "closed" }).cid, OK, "kept")
tap.is(os.pull(kept).args[1], "kept", "the one that fits has waited")
os.unbind("closed")

-- rows 40, 46: nobody refuses a call without an answer, but what waits has an end
local idle = child.run([[
    os.bind("idle")
    os.bind("wake")
    report()
    os.pull({ type = "call", name = "wake" })
    local n_kept, n_bytes = 0, 0
    local event = os.pull({ type = "call", name = "idle" }, 0)
    while event do
        n_kept, n_bytes = n_kept + 1, n_bytes + #event.args[1]
        event = os.pull({ type = "call", name = "idle" }, 0)
    end
    report(n_kept, n_bytes)
]])
idle:report()
local text = string.rep("x", 10000)
for _ = 1, 5000 do
    os.send(0, "idle", text)
end
os.call(0, "wake")
local n_kept, n_bytes = idle:report()
tap.ok(n_kept > 0 and n_kept < 5000,
    "of 5000 one-way calls to a process that does not look some are dropped: " .. n_kept)
tap.between(n_bytes, 900000, 1200000, "about a mebibyte waits for it")
tap.done()
