-- What a program can make storaged spend on data has a limit, and a message that names it. Rows 75-78.
-- flags: --admin
local tap = require("tap")

local function refused(part, name, fn, ...)
    local is_done, err = pcall(fn, ...)
    tap.is(not is_done and err.status, os.status.LIMIT, name)
    tap.has(tostring(err), part, name .. ", in words")
end

local function storaged_pid()
    for _, daemon in ipairs(os.rpc.tree.status().daemons) do
        if daemon.name == "storaged" then
            return daemon.pid
        end
    end
end

local before = storaged_pid()

-- Memory of volatile objects.
local mib = string.rep("m", 1 << 20)
local persistent = os.data("limits:persistent")
local own = os.data()
own:set("mine", 1)
local objects, n_mib, refusal = {}, 0, nil
for i = 1, 5 do
    local d = os.data("limits:volatile" .. i, { volatile = true })
    objects[i] = d
    os.rpc.data.limit("limits:volatile" .. i, { bytes = 1 << 30 })
    repeat
        local is_done, err = pcall(d.write, d, mib, { from = d:info().stream })
        if is_done then
            n_mib = n_mib + 1
        else
            refusal = err
        end
    until not is_done or n_mib > 300 or d:info().stream >= 100 << 20
    if refusal then
        break
    end
end
tap.between(n_mib, 200, 256, "volatile objects fill their memory and no more")
tap.is(refusal and refusal.status, os.status.LIMIT, "then they are refused")
tap.has(tostring(refusal), "256 MiB", "in words")
tap.is(objects[1]:read(0, 3), "mmm", "what is there can be read")
tap.is(own:get("mine"), 1, "also by others")
tap.ok(persistent:set("still", 1), "what goes to the disk goes on")
tap.is(os.rpc.data.delete("limits:volatile1"), true, "one is removed")
tap.ok(own:write(mib), "and its memory is there for others")
for i = 1, 5 do
    os.rpc.data.delete("limits:volatile" .. i)
end

-- Locks: 17 programs of 60 tasks, and three tasks here, wait for one.
local d = os.data("limits:locks")
local door = d:lock("door")
local crowd = [[
    local d, n_left = os.data(), ...
    local function wait()
        local mine <close> = d:lock("door", { timeout = 60 })
        if mine.fence <= d:get("last") then
            d:set("wrong", mine.fence)
        end
        d:set("last", mine.fence, { guard = mine })
        d:incr("turns")
        n_left = n_left - 1
        if n_left == 0 then
            os.exit(0)
        end
    end
    for i = 1, n_left do
        os.spawn(wait)
    end
]]
d:set("last", door.fence)
for _ = 1, 17 do
    os.run_code(crowd, { args = { 60 }, data = d })
end
os.run_code(crowd, { args = { 3 }, data = d })
while #d:locks() < 1024 do
    os.rpc.alarm(0.01)
end
tap.is(own:get("mine"), 1, "a thousand who wait for a lock are in nobody's way")
local start = os.monotonic()
door:unlock()
for _ = 1, 18 do
    os.pull("exit")
end
tap.lasts(os.monotonic() - start, 0, 20, "they have it one after the other")
tap.is(d:get("turns"), 1023, "each once")
tap.is(d:get("wrong"), nil, "with fences that only grow")
tap.same(d:locks(), {}, "and nobody has it in the end")
local kept, keepers = d:watch("kept"), {}
for i = 1, 4 do
    keepers[i] = os.run_code([[
        local d, i = os.data(), ...
        for k = 1, 256 do
            d:lock(i .. " " .. k)
        end
        d:incr("kept")
        os.pull("terminate")
    ]], { args = { i }, data = d })
end
for change in kept do
    if change.value == 4 then
        break
    end
end
refused("1024", "an object has 1,024 locks", d.lock, d, "one more")
os.kill(keepers[1], "kill")
os.pull("exit")
tap.ok(d:lock("one more"), "until somebody who has some ends")
for i = 2, 4 do
    os.kill(keepers[i], "kill")
    os.pull("exit")
end

-- Anything as an argument: refused in words, and nothing else.
local deep = {}
for i = 1, 40 do
    deep = { deep, i }
end
local anything = {
    -1, 0, 1 << 62, 0.5, 0 / 0, 1 / 0, "", "\0", string.rep("k", 400), string.rep("k", 401), mib, true, false,
    {}, { {} }, { 1, 2, 3 }, { key = {} }, { ttl = -1 }, { ttl = 0 / 0 }, { guard = 1 }, { guard = {} },
    { guard = { lock = {}, fence = "x" } }, { from = -1 }, { limit = 0 }, { limit = 1 << 40 }, { after = {} },
    { compare = 1 }, { compare = { 1 } }, { ops = { {} } }, { ops = { { op = "set" } } },
    { ops = { { op = "no" } } }, { ops = "x", otherwise = 7 }, { rights = {} }, { rights = { "everything" } },
    { prefix = string.rep("p", 500) }, { unknown = 1 }, { mode = "both" }, { timeout = -5 }, { owner = "me" },
    deep, d.context,
}
local endpoints = {
    "get", "set", "del", "incr", "cas", "expire", "scan", "txn", "read", "write", "truncate", "lock", "locks",
    "info", "narrow", "nothing",
}
local allowed = { OK = true, BADARGS = true, LIMIT = true, CONFLICT = true, EXISTS = true, NOTBOUND = true }
local scratch = os.data("limits:scratch", { volatile = true })
local n, wrong = 0, {}
local function try(ctx, name, ...)
    local cid = os.call({ ctx = ctx, name = name, args = table.pack(...), timeout = 5 })
    local status = os.pull(cid).status_code
    n = n + 1
    if not allowed[os.status[status]] then
        wrong[#wrong + 1] = name .. ": " .. os.status[status]
    end
end
for _, name in ipairs(endpoints) do
    try(scratch.context, name)
    for _, first in ipairs(anything) do
        try(scratch.context, name, first)
        try(scratch.context, name, "key", first)
        try(scratch.context, name, "key", 1, first)
        try(scratch.context, name, first, first, first, first, first)
    end
end
for _, name in ipairs({ "own", "open", "list", "delete", "limit" }) do
    for _, first in ipairs(anything) do
        try(0, "data." .. name, first)
        try(0, "data." .. name, "limits:scratch", first)
    end
end
for _, first in ipairs(anything) do
    try(0, "program.import", first)
    try(0, "program.import", nil, "thox package", 1, "p", 1, first)
    try(0, "program.import", nil, "thox package", 1, "p", 1, "", "", 10, 10, "", 1, first, first)
    try(0, "program.rollback", "p", nil, first)
end
tap.same(wrong, {}, n .. " calls with anything as arguments get a status of their own")
tap.is(storaged_pid(), before, "and storaged is the one that it was")

tap.done()
