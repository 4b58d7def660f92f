--- watcher: runs a program and prints everything it calls, and what it is answered.
--
--     thoxctl run examples/watcher.lua
--     thoxctl run examples/watcher.lua PROGRAM ARGUMENTS...
--
-- The program runs in a context that copies each call and each answer to a queue. It notices nothing,
-- and nothing waits for this program: what it is too slow to print is counted, not held up. thoxctl
-- trace does the same for a whole tree.

local LOG <const> = "calls"

local SAMPLE <const> = [[
    os.rpc.alarm(0.1)
    os.rpc.example.add(1, 2)
    pcall(os.rpc.example.add, "one", { "two", [3] = true })
    pcall(os.rpc.process.list)
    os.send(0, "example.note", "nobody waits for this")
]]

-- A value as Lua would write it, cut where it gets long.
local function show(value)
    if type(value) == "string" then
        return ("%q"):format(#value <= 40 and value or value:sub(1, 40) .. "...")
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    for key, item in pairs(value) do
        key = type(key) == "string" and key or "[" .. show(key) .. "]"
        table.insert(parts, key .. " = " .. show(item))
    end
    table.sort(parts)
    return "{ " .. table.concat(parts, ", ") .. " }"
end

-- Arguments or results; of long ones the log has nothing but the size.
local function show_all(record)
    if not record.args then
        return record.size .. " bytes"
    end
    local parts = {}
    for i = 1, record.args.n or #record.args do
        parts[i] = show(record.args[i])
    end
    return table.concat(parts, ", ")
end

local function print_record(record)
    if record.kind == "call" then
        print(("%s(%s)%s"):format(record.name, show_all(record), record.oneway and "  one-way" or ""))
    else
        local status = os.status[record.status] or record.status
        print(("    %s answers %s after %.1f ms: %s"):format(record.name, status, record.duration * 1000,
            show_all(record)))
    end
end

local function print_event(event)
    if event.dropped > 0 then
        print(("    (%d records were lost)"):format(event.dropped))
    end
    print_record(event.info)
end

-- What the sample uses.
assert(os.bind(0, "example.note", function() end))
assert(os.bind(0, "example.add", function(a, b)
    return a + b
end))

local world = assert(os.context({
    to = 0,
    default = "forward",
    deny = { "process.list" },
    bind = { "*" },
    log = LOG,
}))
assert(os.listen(world, LOG, { limit = 1000 }))

local options = { ctx = world, contexts = { console = os.contexts.console } }
local pid, status, message
if ... then
    options.args = { select(2, ...) }
    pid, status, message = os.run((...), options)
else
    options.name = "sample"
    pid, status, message = os.run_code(SAMPLE, options)
end
if not pid then
    print(("cannot run it: %s: %s"):format(os.status[status], message))
    os.exit(1)
end

local ended
while not ended do
    local event = os.pull(function(e)
        return e.type == "queue" or e.type == "exit" or e.type == "terminate"
    end)
    if event.type == "queue" then
        print_event(event)
    else
        ended = event
    end
end
-- The end of a process overtakes what has been logged of it.
local late = os.pull("queue", 0)
while late do
    print_event(late)
    late = os.pull("queue", 0)
end
if ended.type == "exit" then
    print(("process %d ended: %s, status %d"):format(pid, ended.reason, ended.status))
end
os.exit()
