-- What came and went leaves nothing behind in the router. Rows 40, 44.
-- flags: --admin
-- load: none
local tap = require("tap")
local child = require("child")

local function router()
    local status = os.rpc.tree.status()
    local memory
    for _, process in ipairs(os.rpc.process.list()) do
        memory = process.pid == 1 and process.memory or memory
    end
    return status.calls, status.processes, memory
end

os.bind("desk")
local calls, processes = router()

-- row 44: callers that die with calls in progress
for _ = 1, 20 do
    local c = child.run("for i = 1, 50 do os.call(0, 'desk') end report()")
    for i = 1, 50 do
        local call = os.pull({ type = "call", name = "desk" })
        if i % 2 == 0 then
            os.answer(call.cid, os.status.OK)
        end
    end
    c:report()
    c:exit()
end
local calls_after, processes_after = router()
tap.is(calls_after, calls, "no call is left of a thousand whose callers are gone")
tap.is(processes_after, processes, "and no process")
for _ = 1, 500 do
    os.pull("cancel")
end
tap.is(os.pull("cancel", 0), nil, "the server was told of each that it had not answered")

-- A server that dies with calls of ours.
for _ = 1, 10 do
    local c = child.run("os.bind('victim') report() os.pull('exit')")
    c:report()
    local cids = {}
    for i = 1, 50 do
        cids[i] = os.call(0, "victim")
    end
    os.kill(c.pid, "kill")
    for i = 1, 50 do
        if os.pull(cids[i]).status_code ~= os.status.DEAD then
            tap.ok(false, "a call of a dead server is answered DEAD")
        end
    end
    c:exit()
end
-- What others had under way at that moment may still be counted; what leaked would stay.
local calls_left = router()
for _ = 1, 100 do
    if calls_left == calls then
        break
    end
    os.rpc.alarm(0.02)
    calls_left = router()
end
tap.is(calls_left, calls, "no call is left of those whose server is gone")

-- row 40: refused calls cost the router nothing
local function refuse(n)
    local cids = {}
    for _ = 1, n do
        for i = 1, 100 do
            cids[i] = os.call(0, "nobody")
        end
        for i = 1, 100 do
            os.pull(cids[i])
        end
    end
end
refuse(20)
local memory = select(3, router())
refuse(200)
local memory_after = select(3, router())
tap.between(memory_after - memory, -math.huge, 200 * 1024, "20,000 refused calls leave its memory as it was")

tap.done()
