-- A coroutine that waits for the system is nobody's to resume: what another task passed to it would be
-- taken for the system's answer.
-- flags: --quantum 1ms
local tap = require("tap")

local REFUSED = "cannot resume non-suspended coroutine"
local NOT_NOW = { false, REFUSED }

---Three coroutines within each other in a task of its own; the innermost runs `body`.
local function start(body)
    local parts = {}
    parts.tid = os.spawn(function()
        parts.task = coroutine.running()
        parts.middle = coroutine.create(function()
            parts.wrapped = coroutine.wrap(function()
                parts.inner = coroutine.running()
                return body()
            end)
            return parts.wrapped()
        end)
        parts.result = table.pack(coroutine.resume(parts.middle))
        return table.unpack(parts.result, 1, parts.result.n)
    end)
    while not parts.inner do
        coroutine.yield()
    end
    return parts
end

local function try_all(parts, where)
    for _, level in ipairs({ "inner", "middle", "task" }) do
        local co = parts[level]
        tap.is(coroutine.status(co), "normal",
            where .. ": the status of the " .. level .. " is normal") -- row 25
        tap.same({ coroutine.resume(co, "forged") }, NOT_NOW, "it cannot be resumed") -- row 25
        tap.same({ os.capture(co, "forged") }, { "error", REFUSED }, "nor captured")
    end
    local is_ok, message = pcall(parts.wrapped, "forged")
    tap.ok(not is_ok and message:find(REFUSED, 1, true), "nor called where it is wrapped")
    tap.is(parts.result, nil, "it has noticed nothing")
end

-- row 25: from every state in which a task can be
os.bind("parked.echo", function(...)
    os.rpc.alarm(0.02)
    return ...
end)
local channel, context = os.chan(), os.context()
local release = os.chan()
local other = os.spawn(function()
    return release:recv()
end)
local cases = {
    { "in a call", function()
        return os.rpc.parked.echo("real")
    end },
    { "in a pull", function()
        return os.pull({ type = "call", ctx = context }).args[1]
    end, function()
        os.send(context, "x", "real")
    end },
    { "in a pull with a predicate", function()
        return os.pull(function(event)
            return event.ctx == context
        end).args[1]
    end, function()
        os.send(context, "x", "real")
    end },
    { "in a pull with a timeout", function()
        return os.pull({ type = "queue" }, 0.02) or "real"
    end },
    { "in a receive", function()
        return channel:recv()
    end, function()
        channel:send("real")
    end },
    { "in a choice", function()
        return select(2, os.alt({ { channel, "recv" }, timeout = 30 }))
    end, function()
        channel:send("real")
    end },
    { "in a join", function()
        return select(2, os.join(other))
    end, function()
        release:send("real")
    end },
}
for _, case in ipairs(cases) do
    local parts = start(case[2])
    coroutine.yield()
    try_all(parts, case[1])
    if case[3] then
        case[3]()
    end
    tap.same({ os.join(parts.tid, 20) }, { true, true, "real" }, "and gets the answer that is meant for it")
    tap.is(coroutine.status(parts.inner), "dead", "then it has ended")
end

-- row 25: a slice that is over is such a state too
local is_released
local busy = start(function()
    while not is_released do
    end
    return "real"
end)
try_all(busy, "between two slices")
is_released = true
tap.same({ os.join(busy.tid, 20) }, { true, true, "real" }, "and goes on undisturbed")

-- row 25: closing it ends the wait, and its own levels see that
local cancelled
os.bind("parked.raw")
local function wait_for_raw()
    local call = os.pull({ type = "call", name = "parked.raw" })
    return call.cid
end
for _, level in ipairs({ "inner", "middle" }) do
    local n_closed = 0
    local parts = start(function()
        local _ <close> = setmetatable({}, { __close = function()
            n_closed = n_closed + 1
        end })
        return os.rpc.parked.raw()
    end)
    local cid = wait_for_raw()
    tap.is(coroutine.close(parts[level]), true, "the " .. level .. " one is closed")
    tap.is(coroutine.status(parts[level]), "dead", "it is dead then")
    local joined = table.pack(os.join(parts.tid, 20))
    tap.is(joined[2], false, "the coroutine around it is told")
    tap.ok(tostring(joined[3]):find("cannot resume dead coroutine", 1, true), "why")
    tap.is(n_closed, level == "inner" and 1 or 0, "its variables are closed")
    cancelled = os.pull({ type = "cancel", cid = cid }, 20)
    tap.ok(cancelled, "and its call is cancelled") -- row 44
    tap.refused(os.status.CANCELLED, "an answer comes too late", os.answer(cid, 0, "late"))
    tap.same({ coroutine.resume(parts.inner) },
        level == "inner" and { false, "cannot resume dead coroutine" } or NOT_NOW,
        "what it left behind cannot be resumed")
    coroutine.close(parts.inner)
    tap.is(n_closed, 1, "but closed")
end
local parts = start(function()
    return channel:recv()
end)
tap.is(coroutine.close(parts.inner), true, "one that waits at a channel is closed")
os.join(parts.tid, 20)
tap.refused(os.status.TIMEOUT, "nothing of it waits there any more",
    os.alt({ { channel, "send", 1 }, timeout = 0 }))
parts = start(function()
    return os.pull("queue")
end)
tap.raises("cannot close the main coroutine of a task", "a task's own coroutine is not closed",
    coroutine.close, parts.task)
tap.is(os.kill({ tid = parts.tid }), true, "but killed, as a task")
os.join(parts.tid, 20)
tap.same({ coroutine.resume(parts.inner, "forged") }, NOT_NOW,
    "a coroutine that outlives its task stays refused")
tap.is(coroutine.close(parts.inner), true, "and can be closed")
tap.done()
