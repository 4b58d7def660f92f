-- os.data: data objects as programs use them. Rows 75-78.
-- flags: --admin
local tap = require("tap")

local CONFLICT, DENIED = os.status.CONFLICT, os.status.DENIED
local LIMIT, TIMEOUT = os.status.LIMIT, os.status.TIMEOUT

local function ended(pid)
    return os.pull(function(event)
        return event.type == "exit" and event.pid == pid
    end)
end

local d = os.data()
tap.is(os.data(), d, "a process has one object of its own")

-- row 77
local first = d:set("a", 1)
tap.same({ d:get("a") }, { 1, first }, "what was set is got, with its revision")
tap.same({ d:get("none") }, {}, "what was not is nil")
tap.is(d:incr("a"), 2, "numbers are counted up")
tap.is(d:incr("a", 40), 42, "by any number")
tap.is(d:cas("a", 42, "x"), first + 3, "a value that is the expected one is replaced")
tap.refused(CONFLICT, "another is not: that is told, not raised", d:cas("a", 42, "y"))
tap.refused(CONFLICT, "nor is a key of another revision", d:set("a", "y", { revision = first }))
tap.is(d:get("a"), "x", "and nothing was changed")
tap.is(d:del("a"), true, "a key is deleted")
local is_done, err = pcall(d.set, d, string.rep("k", 401), 1)
tap.ok(not is_done and err.status == LIMIT, "what a program does wrong is raised")
tap.has(tostring(err), "limit of 400", "in words")
tap.ok(d:set("brief", 1, { ttl = 1000 }) and d:expire("brief", 0.01), "a key can end by itself")

-- Iterators.
for i = 1, 600 do
    d:set(string.format("k%04d", i), i)
end
local n, last = 0, 0
for key, value, revision in d:keys("k") do
    n = n + 1
    if key ~= string.format("k%04d", n) or value ~= n or revision <= last then
        break
    end
    last = revision
end
tap.is(n, 600, "all keys with a prefix come in order, however many pages they are")
tap.is(d:keys("nobody's")(), nil, "or none")
tap.is(#d:scan("k", { limit = 7 }), 7, "or a page of them")

local changes = d:watch("w")
d:set("w1", "one")
d:set("elsewhere", 0)
os.spawn(function()
    d:del("w1")
    d:set("w2", "two")
end)
local seen = {}
for event in changes do
    seen[#seen + 1] = event.type .. " " .. event.key .. " " .. tostring(event.value)
    if event.key == "w2" then
        break
    end
end
tap.same(seen, { "set w1 one", "del w1 nil", "set w2 two" }, "a watch tells every change since it was made")
local again = d:watch("w", first)
tap.same({ again().key, again().type }, { "w1", "del" }, "another begins with what was before it")
for i = 1, 1100 do
    d:set("many", i)
end
is_done, err = pcall(d:watch("", first))
tap.ok(not is_done and err.status == CONFLICT, "changes that are not kept any more are not passed over")

-- Transactions.
local done, results = d:txn({
    compare = { { key = "account:a", exists = false } },
    ops = { { op = "set", key = "account:a", value = 10 }, { op = "get", key = "account:a" } },
})
tap.ok(done and results[2].value == 10, "a transaction does all of it")
tap.refused(CONFLICT, "or nothing", d:txn({
    compare = { { key = "account:a", value = 11 } }, ops = { { op = "del", key = "account:a" } },
}))

-- row 75
tap.is(d:write("hello world"), 11, "a stream is written")
d:write("W", { from = 6 })
d:truncate(9)
tap.is(d:read(), "hello Wor", "changed, cut and read")
tap.is(d:read(6, 1), "W", "also in part")

-- row 76
local lock = d:lock("door")
tap.same({ lock.name, type(lock.fence) }, { "door", "number" }, "a lock has a name and a fence")
local refusal
local waiting = os.spawn(function()
    refusal = table.pack(d:lock("door", { timeout = 0.02 }))
    local inner <close> = d:lock("door", { timeout = 10 })
    d:set("inside", true, { guard = inner })
end)
tap.ok(d:set("guarded", 1, { guard = lock }), "a change with a guard that holds is made")
while not refusal do
    os.rpc.alarm(0.001)
end
tap.refused(TIMEOUT, "another task waits for its time", table.unpack(refusal))
lock:unlock()
tap.ok(os.join(waiting), "or until the lock is free")
tap.is(d:get("inside"), true, "a task that ended holds none")
tap.refused(CONFLICT, "what was unlocked guards nothing", d:set("guarded", 2, { guard = lock }))
tap.refused(CONFLICT, "no transaction either", d:txn({
    guard = lock, ops = { { op = "del", key = "guarded" } },
}))
tap.is(d:get("guarded"), 1, "and nothing was changed")
tap.same(d:locks(), {}, "nobody holds or waits")

-- row 78: what others get
local child = [[
    local d = os.data()
    d:incr("visits")
    os.exit(d:get("secret") == nil and 0 or 1)
]]
local less = d:narrow({ prefix = "visits" })
d:set("secret", 1)
is_done, err = pcall(less.get, less, "secret")
tap.ok(not is_done and err.status == DENIED, "an object with less reaches less")
tap.is(ended(os.run_code(child, { data = d })).status, 1, "a child given an object sees what is in it")
tap.is(ended(os.run_code(child, { data = d.context })).status, 1, "given as a context, too")
tap.is(d:get("visits"), 2, "and changes it")
tap.is(ended(os.run_code(child)).status, 0, "without one it has its own")
tap.is(d:get("visits"), 2, "which is another")
local named = os.data("named:one")
tap.is(ended(os.run_code(child, { data = "named:one" })).status, 0, "an administrator names an object")
tap.is(named:get("visits"), 1, "that the child finds")
tap.is(os.data(named.context):get("visits"), 1, "a context that came from somewhere is an object as well")
tap.is(ended(os.run_code([[
    local pid, status = os.run_code("", { data = "named:one" })
    local d, code = os.data("named:one")
    os.exit(pid == nil and status == os.status.DENIED and d == nil and code == status and 0 or 1)
]], { ctx = os.context({ deny = { "data.open" } }) })).status, 0, "who may not open it cannot give it either")
tap.refused(CONFLICT, "an object is of the kind it was made as", os.data("named:one", { volatile = true }))

-- Wrong use.
tap.raises("bad argument #1 to 'os.data'", "an object is named, or given as a context", os.data, true)
tap.raises("bad argument #2 to 'os.data'", "options are a table", os.data, "named:x", 5)
tap.raises("bad argument #2 to 'lock'", "a lock's as well", d.lock, d, "door", 5)
d:close()
is_done = pcall(d.get, d, "a")
tap.ok(not is_done, "a closed object is closed")
tap.ok(os.data() ~= d and os.data():get("a") == nil, "another is opened, without what nobody held")

tap.done()
