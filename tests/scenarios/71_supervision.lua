-- What a parent asks of the supervision of its programs: readiness, restarts, groups. Row 9.
local tap = require("tap")
local child = require("child")

-- row 9: a program that was run with `ready` is up when it says so
local context, order = os.context(), {}
os.spawn(function()
    local call = os.pull({ type = "call", ctx = context })
    order[#order + 1] = "it prepares"
    os.answer(call.cid, os.status.OK)
end)
local pid = os.run_code([[
    os.rpc[os.contexts.scenario].prepares()
    os.ready()
    os.pull()
]], { ready = 60, contexts = { scenario = context } })
order[#order + 1] = "it runs"
tap.same(order, { "it prepares", "it runs" }, "os.run returns when the program is ready")
os.kill(pid)
tap.is(os.pull("exit").pid, pid, "and its end is told as any")

local function refused(name, message, source, options)
    local values = table.pack(os.run_code(source, options))
    tap.refused(os.status.DEAD, name, table.unpack(values))
    tap.has(values[3], message, "with the reason")
end
refused("one that is not ready in time", "did not call os.ready() within 0.1 s (its option ready)",
    "os.pull()", { name = "slow", ready = 0.1 })
refused("one that fails before", "'early' ended before it was ready: early:1: too bad",
    "error('too bad')", { name = "early", chunk = "=early", ready = 60 })
refused("one that just ends", "ended before it was ready: exit", "", { ready = 60 })

-- A restart that is asked for keeps the pid; the program may tidy up before.
local c = child.run([[
    os.spawn(function()
        os.pull("terminate")
        report("tidies up")
        os.exit(0)
    end)
    os.rpc.alarm(0)
    report(os.pid())
    os.pull()
]])
tap.is(c:report(), c.pid, "a program")
local call = os.call(0, "process.restart", c.pid)
tap.is(c:report(), "tidies up", "that is to be restarted ends as it likes")
tap.is(c:report(), c.pid, "and is started again under its pid")
tap.is(os.pull(call).status_code, os.status.OK, "which is the answer")
c:kill()
for target, status in pairs({ [c.pid] = "NOPROC", [2] = "DENIED", x = "BADARGS" }) do
    local answer = os.pull(os.call(0, "process.restart", target))
    tap.is(answer.status_code, os.status[status], "what is gone, is no child or no process is not restarted")
end

-- Groups of three, each of which says that it starts and falls when it is told so.
local group = {}
group.__index = group

local FALLS = [[
    local scenario = os.rpc[os.contexts.scenario]
    scenario.starts(os.args[1])
    os.ready()
    scenario.waits(os.args[1])
    error("fell")
]]

function group.run(restart)
    local self = setmetatable({ context = os.context(), pids = {}, waits = {}, log = {} }, group)
    os.spawn(function()
        for _, name in ipairs({ "a", "b", "c" }) do
            self.pids[name] = os.run_code(FALLS, {
                name = name, args = { name }, contexts = { scenario = self.context }, ready = 60,
                restart = "on-failure", group = { name = "three", restart = restart },
            })
        end
    end)
    self:serve()
    return self
end

-- Until all wait for their fall; who started meanwhile.
function group:serve()
    self.log = {}
    while not (self.waits.a and self.waits.b and self.waits.c) do
        local said = os.pull({ type = "call", ctx = self.context })
        local name = said.args[1]
        if said.name == "waits" then
            self.waits[name] = said.cid
        else
            self.log[#self.log + 1] = name
            os.answer(said.cid, os.status.OK)
        end
    end
    return table.concat(self.log, " ")
end

-- `taken` are those that fall with it.
function group:fall(name, taken)
    local cid = self.waits[name]
    for _, other in ipairs(taken) do
        self.waits[other] = nil
    end
    os.answer(cid, os.status.OK)
end

function group:finish(n)
    local ends = {}
    for _ = 1, n do
        local exit = os.pull("exit")
        ends[exit.pid] = exit
    end
    os.close(self.context)
    return ends
end

-- row 9: all for one
local g = group.run("all")
tap.same(g.log, { "a", "b", "c" }, "a group of three")
g:fall("b", { "a", "b", "c" })
tap.is(g:serve(), "a b c", "falls together, and is started again in order")
g:fall("c", { "a", "b", "c" })
tap.is(g:serve(), "a b c", "whoever falls")
for _, name in ipairs({ "a", "b", "c" }) do
    os.kill(g.pids[name])
end
g:finish(3)

-- row 9: the rest for one
g = group.run("rest")
g:fall("b", { "b", "c" })
tap.is(g:serve(), "b c", "the fall of one takes along those that were run after it")
for _ = 1, 4 do
    g:fall("c", { "c" })
    tap.is(g:serve(), "c", "the last falls alone")
end
for _ = 2, 5 do
    g:fall("b", { "b", "c" })
    g:serve()
end
g:fall("b", {})
local ends = g:finish(2)
tap.has(ends[g.pids.b].message, "more than 5 times", "one that falls too often is given up")
tap.is(ends[g.pids.c].message, "its group 'three' was given up", "and the rest with it")
tap.is(ends[g.pids.c].reason, "killed", "which is an end by force")
tap.ok(os.kill(g.pids.a), "the first goes on")

-- Bad options.
for name, options in pairs({
    ["ready: wants a positive number of seconds"] = { { ready = 0 }, { ready = -1 }, { ready = "x" } },
    ["group: wants a table"] = { { group = "x" } },
    ["group: wants a name"] = { { group = {} }, { group = { restart = "all" } } },
    ["group: its name is not a valid name"] = { { group = { name = "a b\0" } } },
    ["\"all\" or \"rest\""] = { { group = { name = "g", restart = "one" } } },
}) do
    for _, option in ipairs(options) do
        local values = table.pack(os.run_code("", option))
        tap.refused(os.status.BADARGS, "bad options are refused", table.unpack(values))
        tap.has(values[3], name, "with " .. name)
    end
end
tap.refused(os.status.LIMIT, "an hour is the most that ready may be", os.run_code("", { ready = 3601 }))
tap.done()
