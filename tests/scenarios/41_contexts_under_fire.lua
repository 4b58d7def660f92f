-- Contexts by the thousand, closed and killed in the middle of everything; nothing is lost, nothing left.
-- Rows 52, 53, 54, 55, 56, 57, 58, 59, 62, 63.
-- flags: --admin
-- load: none
local tap = require("tap")
local child = require("child")
local machine = require("machine")

local BADCTX, DEAD, DENIED, LIMIT, NOTBOUND, OK = os.status.BADCTX, os.status.DEAD, os.status.DENIED,
    os.status.LIMIT, os.status.NOTBOUND, os.status.OK

math.randomseed(41)

local function counts()
    local status, memory = os.rpc.tree.status(), nil
    for _, process in ipairs(os.rpc.process.list()) do
        memory = process.pid == 1 and process.memory or memory
    end
    return status.calls, #os.rpc.handle.list(os.pid()), memory
end

---Others' calls come and go while we count; what leaked would stay.
local function settles(count, want)
    for _ = 1, 100 do
        if count() == want then
            return true
        end
        os.rpc.alarm(0.02)
    end
    return count() == want
end

local function status_of(ctx, name, ...)
    return os.pull(os.call(ctx, name, ...)).status_code
end

-- rows 52, 53: ten thousand, one after the other
local calls, handles = counts()
local function churn(n)
    for i = 1, n do
        local ctx = assert(os.context(i % 2 == 0 and { default = "forward", to = 0, deny = { "x*" } } or nil))
        if i % 100 == 0 then
            os.bind(ctx, "name", function() end)
        end
        assert(os.close(ctx))
    end
end
churn(2000)
local memory = select(3, counts())
churn(8000)
local _, handles_after, memory_after = counts()
tap.is(handles_after, handles, "of ten thousand contexts none is left")
-- A sanitizer keeps freed memory for a while, and finds what leaks itself.
if machine.slowness == 1 then
    tap.between(memory_after - memory, -math.huge, 512 * 1024, "nor their memory")
end

-- All at once: a named limit.
local held, status, message = {}
repeat
    held[#held + 1], status, message = os.context()
until status
tap.is(status, LIMIT, "a process owns so many")
tap.has(message, "LIMIT_CONTEXTS_OWNED", "and is told the limit")
tap.is(os.rpc.alarm(0), nil, "its calls go on")
for _, ctx in ipairs(held) do
    os.close(ctx)
end
tap.is(select(2, counts()), handles, "closed, they are gone")

-- row 62: a chain of sixteen, broken anywhere
os.bind("deep", function() return "deep" end)
for _ = 1, 20 do
    local chain = { os.context({ default = "forward", to = 0 }) }
    for i = 2, 15 do
        chain[i] = os.context({ default = "forward", to = chain[i - 1] })
    end
    local top = chain[15]
    local before = status_of(top, "deep")
    local broken = math.random(1, 14)
    os.close(chain[broken])
    local after = status_of(top, "deep")
    if before ~= OK or after ~= DEAD then
        tap.ok(false, "a chain works until one of it is closed")
        tap.note(before, after, broken)
    end
    for i = 1, 15 do
        if i ~= broken then
            os.close(chain[i])
        end
    end
end
tap.is(select(2, counts()), handles, "chains broken in their middle leave nothing")

-- row 53: numbers that nobody gave
local room = os.context()
local thief = child.run([[
    local n_refused = 0
    for number = 3, 1500 do
        local cid = os.call(number, "knock")
        n_refused = n_refused + (os.pull(cid).status_code == os.status.BADCTX and 1 or 0)
    end
    local _, closed = os.close(1400)
    local _, shared = os.share(1400, os.ppid())
    local _, bound = os.bind(1400, "x")
    local _, routed = os.route(1400, {})
    local _, connected = os.connect(1400, "x")
    report(n_refused, closed, shared, bound, routed, connected)
]])
tap.same({ thief:report() }, { 1498, BADCTX, BADCTX, BADCTX, BADCTX, BADCTX },
    "numbers of contexts that a process was not given mean nothing to it")
thief:exit()
tap.is(os.pull({ type = "call", ctx = room }, 0), nil, "and their owner hears nothing")

-- rows 54, 56: holders that die at random, with calls on their way
local n_closed, n_opened = {}, 0
local pids = {}
local HOLDER = [[
    local room = os.contexts.room
    report(true)
    for _ = 1, 40 do os.call(room, "knock") end
    if os.args[1] == "exit" then return end
    if os.args[1] == "close" then os.close(room) end
    os.pull("terminate")
]]
for round = 1, 10 do
    local ways, holders = { "exit", "close", "kill" }, {}
    for i = 1, 6 do
        holders[i] = child.run(HOLDER, { contexts = { room = room }, args = { ways[(round + i) % 3 + 1] } })
        pids[holders[i].pid] = true
    end
    for i = 1, 6 do
        holders[i]:report()
    end
    for _ = 1, math.random(0, 60) do
        local call = os.pull({ type = "call", ctx = room }, 0)
        if call then
            os.answer(call.cid, OK)
        end
    end
    for i = 1, 6 do
        os.kill(holders[i].pid, "kill")
        holders[i]:exit()
    end
end
local event = os.pull({ type = "close", ctx = room }, 1)
while event do
    n_closed[event.pid] = (n_closed[event.pid] or 0) + 1
    event = os.pull({ type = "close", ctx = room }, 0)
end
local n_once = 0
for pid in pairs(pids) do
    n_once = n_once + (n_closed[pid] == 1 and 1 or 0)
end
tap.is(n_once, 60, "an owner hears once of each holder that is gone, however it went")
repeat
    event = os.pull("open", 0)
    n_opened = n_opened + (event and 1 or 0)
until not event
tap.is(n_opened, 0, "and nothing of what it gave itself")
repeat
    event = os.pull({ type = "call", ctx = room }, 0)
until not event
tap.ok(settles(function() return (counts()) end, calls), "no call of theirs is left")

-- rows 57, 59: owners that die at random, with calls in every state
local OWNER = [[
    local room = os.context()
    os.bind(room, "bound", function() os.rpc.alarm(math.random() / 50) return "bound" end)
    os.share(room, os.ppid())
    while true do
        local call = os.pull({ type = "call", ctx = room })
        if call.cid % 3 == 0 then os.answer(call.cid, os.status.OK) end
    end
]]
local n_lost, n_hangups, n_wrong = 0, 0, 0
for round = 1, 20 do
    local owner = child.run(OWNER)
    local opened = os.pull(function(e) return e.type == "open" and e.pid == owner.pid end)
    local cids = {}
    for i = 1, 60 do
        cids[i] = os.call(opened.ctx, i % 2 == 0 and "bound" or "by hand")
    end
    for _ = 1, math.random(0, 30) do
        os.pull("answer", 0.001)
    end
    os.kill(owner.pid, "kill")
    local hangup = os.pull({ type = "hangup", ctx = opened.ctx }, 5)
    n_hangups = n_hangups + (hangup and 1 or 0)
    owner:exit()
    if status_of(opened.ctx, "after") ~= BADCTX then
        n_wrong = n_wrong + 1
    end
    repeat
        event = os.pull("answer", 0)
        if event and event.status_code ~= OK and event.status_code ~= DEAD then
            n_wrong = n_wrong + 1
            tap.note("round " .. round, "status " .. event.status_code)
        end
    until not event
    for i = 1, 60 do
        local _, code = os.cancel(cids[i])
        n_lost = n_lost + (code == os.status.BADCID and 0 or 1)
    end
end
tap.is(n_hangups, 20, "a holder is told of each owner that dies")
tap.is(n_lost, 0, "no call stays unanswered")
tap.is(n_wrong, 0, "each was answered by its owner, or DEAD by its end")

-- Closing while calls are on their way: by the owner, by the holder.
n_lost, n_wrong = 0, 0
for _ = 1, 20 do
    local own = os.context()
    os.share(own, os.pid())
    local cids = {}
    for i = 1, 60 do
        cids[i] = os.call(own, "x")
    end
    for _ = 1, math.random(0, 30) do
        local call = os.pull({ type = "call", ctx = own }, 0.01)
        if call then
            os.answer(call.cid, OK)
        end
    end
    os.close(own)
    for i = 1, 60 do
        local answer = os.pull(cids[i], 5)
        if not answer then
            n_lost = n_lost + 1
        elseif answer.status_code ~= OK and answer.status_code ~= DEAD then
            n_wrong = n_wrong + 1
        end
    end
end
tap.is(n_lost, 0, "an owner that closes answers all calls in the context")
tap.is(n_wrong, 0, "with DEAD")
tap.ok(settles(function() return (counts()) end, calls), "and none is left")

-- rows 55, 58, 63: what a child may reach is what it was given, whatever it tries
local jail = os.context({ allow = { "deep" }, to = 0 })
local prisoner = child.run([[
    local names = { "process.list", "process.run", "process.kill", "tree.shutdown", "program.set",
        "store.delegate", "service.list", "handle.list", "log.read" }
    local statuses = {}
    local map = { ["deep"] = "process.list", ["d*"] = "process.*" }
    for _, via in ipairs({ 0, os.context({ default = "forward", to = 0 }),
        os.context({ map = map, default = "forward", to = 0 }) }) do
        for _, name in ipairs(names) do
            local code = os.pull(os.call(via, name)).status_code
            statuses[code] = (statuses[code] or 0) + 1
        end
    end
    local renamed = os.context({ map = { deep = "process.list" }, default = "forward", to = 0 })
    report(statuses[os.status.DENIED], os.rpc.deep(), select(2, os.connect("process.list")),
        os.pull(os.call(renamed, "deep")).status_code)
]], { ctx = jail })
tap.same({ prisoner:report() }, { 27, "deep", DENIED, DENIED }, "a sandbox holds whatever is derived from it")
prisoner:exit()
os.close(jail)

-- Nothing is left of all that.
os.close(room)
tap.is(select(2, counts()), handles, "every handle is gone")
tap.is(status_of(0, "bound"), NOTBOUND, "and every name")
tap.ok(settles(function() return (counts()) end, calls), "and every call")

tap.done()
