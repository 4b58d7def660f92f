-- Data objects: keys, transactions, watches, a stream, locks. Rows 75-78.
-- flags: --admin
local tap = require("tap")

local BADARGS, CONFLICT, DENIED = os.status.BADARGS, os.status.CONFLICT, os.status.DENIED
local EXISTS, LIMIT, TIMEOUT = os.status.EXISTS, os.status.LIMIT, os.status.TIMEOUT

local function open(name, options)
    local handle = os.rpc.data.open(name, options)
    return os.rpc[handle], handle
end

local function ended(pid)
    return os.pull(function(event)
        return event.type == "exit" and event.pid == pid
    end)
end

---The call is refused with this status, and a message with this part.
local function refused(status, part, name, fn, ...)
    local is_done, err = pcall(fn, ...)
    tap.is(not is_done and err.status, status, name)
    tap.has(tostring(err), part, name .. ", in words")
end

for _, kind in ipairs({ "persistent", "volatile" }) do
    local d = open("test:" .. kind, { volatile = kind == "volatile" })
    local function name(text)
        return kind .. ": " .. text
    end

    -- row 77
    local first = d.set("a", 1)
    tap.is(d.set("b", { x = { 1, 2 } }), first + 1, name("each change is a revision"))
    tap.same({ d.get("b") }, { { x = { 1, 2 } }, first + 1 }, name("what was set is got"))
    tap.is(d.get("c"), nil, name("what was not is nil"))
    tap.same({ d.incr("a", 41) }, { 42, first + 2 }, name("numbers are counted up"))
    refused(BADARGS, "no integer", name("but tables are not"), d.incr, "b")
    refused(CONFLICT, "expects", name("another value is a conflict"), d.cas, "a", 41, 0)
    tap.is(d.cas("a", 42, "x"), first + 3, name("the same is none"))
    refused(CONFLICT, "revision", name("nor may the revision be another"), d.set, "a", 0,
        { revision = first })
    refused(CONFLICT, "expects", name("0 wants that there is none"), d.set, "a", 0, { revision = 0 })
    tap.is(d.del("a"), true, name("a key is deleted"))
    tap.is(d.del("a"), false, name("once"))

    -- Transactions are all or nothing.
    local done, results = d.txn({
        compare = { { key = "b", exists = true }, { key = "a", revision = 0 } },
        ops = {
            { op = "set", key = "a", value = 1 }, { op = "incr", key = "a", by = 9 },
            { op = "get", key = "a" },
        },
    })
    tap.is(done, true, name("a transaction whose compares hold is done"))
    tap.is(results[3].value, 10, name("its operations see those before them"))
    done = d.txn({
        compare = { { key = "a", value = 11 } }, ops = { { op = "del", key = "a" } }, otherwise = {},
    })
    tap.is(done, false, name("else the other list is"))
    refused(BADARGS, "no integer", name("a failing operation"), d.txn,
        { ops = { { op = "set", key = "a", value = 0 }, { op = "incr", key = "b" } } })
    tap.is(d.get("a"), 10, name("leaves no trace of those before it"))
    local many = {}
    for i = 1, 101 do
        many[i] = { op = "set", key = "k" .. i, value = i }
    end
    refused(LIMIT, "100", name("101 operations are too many"), d.txn, { ops = many })

    -- Pages.
    many[101] = nil
    d.txn({ ops = many })
    local seen, after = 0, nil
    repeat
        local rows
        rows, after = d.scan("k", { after = after, limit = 30, values = false })
        seen = seen + #rows
    until not after
    tap.is(seen, 100, name("pages hold every key once"))

    -- Watches.
    local _, here = d.watch("", { from = 0 })
    tap.ok(here > first, name("all changes since the beginning can be read"))
    here = d.info().revision
    os.spawn(function()
        d.set("elsewhere", 1)
        d.set("w1", "new", { ttl = 0.05 })
    end)
    local events, next = d.watch("w", { from = here })
    tap.same({ events[1].type, events[1].key, events[1].value }, { "set", "w1", "new" },
        name("a watch waits for a key with its prefix"))
    events = d.watch("w", { from = next })
    tap.same({ events[1].type, events[1].key }, { "expire", "w1" }, name("and hears of its end"))
    tap.is(d.get("w1"), nil, name("when the key is gone"))

    -- row 75
    tap.is(d.write("hello world"), 11, name("a stream is written"))
    d.write("W", { from = 6 })
    tap.is(d.read(), "hello World", name("changed in the middle"))
    tap.is(d.read(6, 3), "Wor", name("read in part"))
    d.truncate(5)
    tap.is(d.read(), "hello", name("and cut"))

    -- row 76
    local lock, fence = d.lock("l")
    refused(EXISTS, "already", name("a task has a lock once"), d.lock, "l")
    refused(TIMEOUT, "held", name("another waits in vain"), d.lock, "l", { owner = 2, timeout = 0.02 })
    local guard = { lock = "l", fence = fence }
    tap.ok(d.set("g", 1, { guard = guard }), name("a guard that holds lets a change pass"))
    os.close(lock)
    local again, later = d.lock("l")
    tap.ok(later > fence, name("fences grow"))
    refused(CONFLICT, "not held", name("a stale guard does not"), d.set, "g", 2, { guard = guard })
    tap.is(d.get("g"), 1, name("and nothing was changed"))
    os.close(again)

    -- Limits and bad input.
    refused(LIMIT, "400", name("a key of 401 bytes is too long"), d.set, string.rep("k", 401), 1)
    refused(LIMIT, "1048576", name("a value over 1 MiB too"), d.set, "big", string.rep("v", 1 << 20))
    refused(BADARGS, "context", name("a context is no value"), d.set, "c", lock)
    os.rpc.data.limit("test:" .. kind, { keys = d.info().keys })
    refused(LIMIT, "more than its limit of", name("a quota is kept"), d.set, "one more", 1)
    tap.ok(d.set("g", 3), name("but what is there can change"))

    -- Less is given on, never more.
    local less = os.rpc[d.narrow({ prefix = "k", rights = { "read" } })]
    tap.is(less.get("k1"), 1, name("a narrowed handle reads below its prefix"))
    refused(DENIED, "begins with", name("nothing else"), less.get, "g")
    refused(DENIED, "no right to write", name("and writes nothing"), less.set, "k1", 2)
    refused(DENIED, "never more", name("nor gives more"), less.narrow, { rights = { "write" } })
end

-- row 76: a lock outlives its holder by nothing
local d, handle = open("test:persistent")
local here = d.info().revision
local pid = os.run_code([[
    local lock = os.rpc[os.contexts.data].lock("shared work")
    os.rpc[os.contexts.data].set("g", "locked")
    os.pull({ name = "never" })
]], { contexts = { data = handle } })
repeat
    here = select(2, d.watch("g", { from = here }))
until d.get("g") == "locked"
os.spawn(function()
    os.kill(pid, "kill")
end)
tap.ok(d.lock("shared work", { timeout = 10 }), "a killed holder's lock goes to the next")

-- row 78
local own = os.rpc[os.rpc.data.own()]
own.set("mine", 1)
tap.is(own.info().volatile, true, "code without a name has a volatile object of its own")
tap.is(os.rpc[os.rpc.data.own()].get("mine"), 1, "one, however often it asks")
tap.is(ended(os.run_code("os.exit(os.rpc[os.rpc.data.own()].get('mine') and 1 or 0)")).status, 0,
    "which nobody else has")
os.set_program("keeper", "local d = os.rpc[os.rpc.data.own()] d.incr('runs')")
for _ = 1, 2 do
    ended(os.run("keeper"))
end
tap.is(open("program:keeper").get("runs"), 2, "a stored program has one that stays")
tap.is(os.rpc.data.delete("program:keeper"), true, "until it is deleted")
tap.is(open("program:keeper").get("runs"), nil, "with all it had")

-- row 76: nobody has the lock whose handle found no place
local greedy = os.run_code([[
    local d = os.rpc[os.contexts.data]
    while pcall(d.narrow, {}) do
    end
    local _, err = pcall(d.lock, "nobody's")
    os.exit(err.status == os.status.LIMIT and 0 or 1)
]], { contexts = { data = handle } })
tap.is(ended(greedy).status, 0, "a process with all the handles it may have gets no lock")
tap.ok(d.lock("nobody's", { timeout = 10 }), "then others can have it")
os.call({ name = "lock", ctx = handle, args = { "one-way" }, oneway = true })
tap.ok(d.lock("one-way", { timeout = 10, owner = 7 }), "nor has whoever does not wait for the answer")

-- Rights count within transactions, too.
local blind = os.rpc[d.narrow({ rights = { "write" } })]
refused(DENIED, "no right to read", "who may not read gets nothing out of a transaction", blind.txn,
    { ops = { { op = "get", key = "g" } } })
refused(LIMIT, "1024", "a watch has pages of at most 1,024 events", d.watch, "", { limit = 1025 })

tap.done()
