-- Works on a data object and tells of each operation before it begins and after it has ended, in lines that
-- killing.py reads. What was told has reached thoxctl before the program goes on.
--
--     writer.lua OBJECT work NAME ROUND SEED TASKS    until killed, with so many tasks
--     writer.lua OBJECT look NAME ROUND KEY...        reads what there is, and ends

local object, mode, name, round = ...
local tell = os.rpc[os.contexts.console].write
local status, now = os.status, os.monotonic

local REGISTERS, COUNTERS, ACCOUNTS, N_ROWS = { "a", "b", "stream", "rows" }, { "n", "m" }, 4, 40
local SIZES = { 0, 100, 3000, 20, 9000, 0, 60000 }
-- storaged, or the lock, was not there: nothing was done. What else may come of a kill is DEAD.
local REFUSALS = { [status.UNAVAIL] = true, [status.BADCTX] = true, [status.CONFLICT] = true }

local function open()
    while true do
        local d, code, message = os.data(object)
        if d then
            return d
        elseif not REFUSALS[code] and code ~= status.DEAD then
            error(message)
        end
        os.rpc.alarm(0.005)
    end
end

local d = open()

---A conflict, which os.data returns, as an error like the others.
local function must(value, code, message)
    if value == nil and code then
        error({ status = code, message = message })
    end
    return value
end

-- Values are a short name and as many more bytes as that says.
local function fill(value)
    local size = SIZES[tonumber(value:match("%d+$")) % #SIZES + 1]
    return value .. ":" .. ("x"):rep(size)
end

local function unfill(content)
    if not content then
        return "nil"
    end
    local value = content:match("^[^:]*")
    return fill(value) == content and value or "half of " .. value
end

---Many keys as one: they are written in one transaction, and seen in one page.
local function set_rows(value)
    local ops = {}
    for i = 1, N_ROWS do
        ops[i] = { op = "set", key = "row." .. i, value = value }
    end
    return d:txn({ ops = ops })
end

local function get_rows()
    local rows = d:scan("row.")
    for i = 2, #rows do
        if rows[i].value ~= rows[1].value then
            return "half of " .. rows[i].value
        end
    end
    return (#rows == 0 or #rows == N_ROWS) and (rows[1] and rows[1].value or "nil") or "a part of the rows"
end

local verbs = {}

function verbs.set(key, value)
    if key == "rows" then
        must(set_rows(value))
    elseif key == "stream" then
        must(d:write(fill(value)))
    else
        must(d:set(key, fill(value)))
    end
end

function verbs.get(key)
    if key == "rows" then
        return get_rows()
    elseif key == "stream" then
        local content = d:read()
        return content == "" and "nil" or unfill(content)
    end
    return unfill((d:get(key)))
end

function verbs.swap(key, old, new)
    must(d:cas(key, old ~= "nil" and fill(old) or nil, fill(new)))
    return old
end

function verbs.add(key)
    return must(d:incr(key))
end

function verbs.count(key)
    return d:get(key) or 0
end

---Counts under a lock, by reading and writing, with the lock as guard.
function verbs.guarded(key)
    local lock <close> = must(d:lock("the lock"))
    local n = (d:get(key) or 0) + 1
    must(d:set(key, n, { guard = lock }))
    return n
end

function verbs.move(from, to, amount, mark, value)
    must(d:txn({
        ops = {
            { op = "incr", key = from, by = -math.tointeger(amount) },
            { op = "set", key = mark, value = fill(value) },
            { op = "incr", key = to, by = math.tointeger(amount) },
        },
    }))
end

function verbs.sum()
    local found = {}
    for _, row in ipairs((d:scan("account."))) do
        found[#found + 1] = row.key .. "=" .. row.value
    end
    return table.concat(found, " ")
end

---Runs one and tells of it; its outcome and what it found.
local function perform(id, verb, ...)
    tell(table.concat({ "begin", id, ("%.6f"):format(now()), verb, ... }, "\t") .. "\n")
    local is_done, found = pcall(verbs[verb], ...)
    local ended, outcome = now(), "ok"
    if not is_done then
        local code = type(found) == "table" and found.status
        outcome = code == status.DEAD and "unknown" or REFUSALS[code] and "refused" or "wrong"
        found = code and status[code] .. " " .. tostring(found.message) or found
    end
    tell(("end\t%s\t%.6f\t%s\t%s\n"):format(id, ended, outcome, tostring(found or "")))
    return outcome, found
end

-- Choices of a task, the same for the same seed whatever the others do.
local function chances(seed)
    return function(n)
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        return (seed >> 12) % n + 1
    end
end

local function work(task, seed)
    local chance, seen, n = chances(seed), {}, 0
    local choices = {
        { "set", REGISTERS }, { "set", REGISTERS }, { "get", REGISTERS }, { "swap", REGISTERS },
        { "add", COUNTERS }, { "add", COUNTERS }, { "count", COUNTERS }, { "guarded", { "locked" } },
        { "move" }, { "move" }, { "sum" },
    }
    while true do
        n = n + 1
        local id = ("%s-%s-%d-%d"):format(round, name, task, n)
        local choice = choices[chance(#choices)]
        local verb, keys = choice[1], choice[2]
        local key = keys and keys[chance(#keys)]
        local args = { key }
        if verb == "set" then
            args = { key, id }
        elseif verb == "swap" then
            key = key == "b" and "b" or "a"
            args = { key, seen[key] or "nil", id }
        elseif verb == "move" then
            args = {
                "account." .. chance(ACCOUNTS), "account." .. chance(ACCOUNTS), tostring(chance(1000)),
                ("mark.%s.%d"):format(name, task), id,
            }
        end
        local outcome, found = perform(id, verb, table.unpack(args))
        if verb == "get" and outcome == "ok" then
            seen[key] = found
        elseif outcome ~= "ok" then
            os.rpc.alarm(0.002)
        end
    end
end

if mode == "work" then
    local seed, n_tasks = math.tointeger(select(5, ...)), math.tointeger(select(6, ...))
    tell(("up\t%d\n"):format(os.pid()))
    local first
    for task = n_tasks, 1, -1 do
        first = assert(os.spawn(work, task, seed + task))
    end
    error(select(2, os.join(first)))
end

---Until it is answered: storaged may be about to come back.
local function insist(id, verb, ...)
    while perform(id, verb, ...) ~= "ok" do
        id = id .. "+"
        os.rpc.alarm(0.005)
    end
end

-- What was under way is over once a later change has been made.
while not pcall(d.set, d, "barrier", round) do
    os.rpc.alarm(0.005)
end
for i, key in ipairs({ select(5, ...) }) do
    local id = ("%s-%s-%d"):format(round, name, i)
    if key == "accounts" then
        insist(id, "sum")
    else
        local verb, of = key:match("^(%w+) (.*)$")
        insist(id, verb, of)
    end
end
os.exit(0)
