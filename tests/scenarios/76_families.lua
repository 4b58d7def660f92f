-- What a program runs, directly or not, counts as its own: together they have a limit and an end. Row 8.
local tap = require("tap")
local child = require("child")

-- Each runs another one as long as it may, and tells how that ended; the ones between end at once.
local CHAIN = [[
    local source, left = table.unpack(os.args)
    local pid, status, message
    if left > 0 then
        pid, status, message = os.run_code(source,
            { args = { source, left - 1 }, contexts = os.contexts, name = "link" })
    end
    os.rpc[os.contexts.scenario].link(left, pid, status, message)
]]

local context = os.context()
local function chain(n, properties)
    local options = { args = { CHAIN, n }, contexts = { scenario = context }, name = "first" }
    options.properties = properties
    return os.run_code(CHAIN, options)
end

-- Those that have spoken wait for their answers, and so go on living.
local function collect(n)
    local calls = {}
    for i = 1, n do
        calls[i] = os.pull({ type = "call", ctx = context })
    end
    table.sort(calls, function(a, b) return a.args[1] > b.args[1] end)
    return calls
end

local function let_go(calls)
    for _, call in ipairs(calls) do
        os.answer(call.cid, os.status.OK)
    end
    os.pull("exit")
end

local first = chain(20, { processes = 5 })
local calls = collect(5)
local last = calls[5].args
tap.is(last[1], 16, "a family has five members")
tap.is(last[3], os.status.LIMIT, "no more are run, by whomever")
tap.has(last[4], "process " .. first .. " (first) and what it has run are 5 processes",
    "which the message explains")
let_go(calls)

-- A family within a family counts in both.
local outer = child.run([[
    os.run_code(os.args[1], {
        args = { table.unpack(os.args) }, contexts = os.contexts, properties = { processes = 10 },
    })
    report()
]], { args = { CHAIN, 20 }, properties = { processes = 4 } })
local n_links, is_full = 0, false
while n_links < 3 do
    local call = os.pull({ type = "call", ctx = outer.context })
    n_links = n_links + (call.name == "link" and 1 or 0)
    is_full = is_full or call.args[3] == os.status.LIMIT
end
tap.ok(is_full, "an inner family has no more than the outer one leaves")
tap.ok(os.rpc.process.kill(outer.pid, "kill", true) == nil, "a family is killed as a whole")
tap.is(outer:exit().reason, "killed", "with whoever is named")

-- Also when those between have ended.
local orphans = child.run([[
    os.run_code(os.args[1], { args = { table.unpack(os.args) }, contexts = os.contexts })
    report()
    os.pull("terminate")
]], { args = { [[
    os.run_code(os.args[2], { contexts = os.contexts })
]], [[
    os.bind("orphan", function() return os.pid() end)
    os.rpc[os.contexts.scenario].report("orphan")
    os.pull("terminate")
]] }, properties = { processes = 8 } })
local said = {}
for _ = 1, 2 do
    said[#said + 1] = orphans:report() or "parent"
end
table.sort(said)
tap.same(said, { "orphan", "parent" }, "a grandchild outlives its parent")
local orphan = os.rpc.orphan()
os.rpc.process.kill(orphans.pid, "kill", true)
orphans:exit()
tap.is(os.pull(os.call(0, "process.kill", orphan)).status_code, os.status.NOPROC, "but not its family")

for _, value in ipairs({ 0, -1, 1.5, 16385, "x" }) do
    tap.refused(os.status.BADARGS, "processes " .. value .. " is refused",
        os.run_code("", { properties = { processes = value } }))
end
tap.done()
