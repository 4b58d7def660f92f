-- Hostile programs beside a service and its client: each ends as it must, and these two do not notice.
-- Rows 8, 12, 132, 139, 146.
-- flags: --memory 256M
local tap = require("tap")
local child = require("child")
local hostile = require("hostile")
local machine = require("machine")

local RUNS_S, ENDS_S, DIES_S = 0.2, 5, 2 -- how long each is looked at; ends by itself in; when it is killed

local function serve(name)
    local service = child.run([[
        os.bind(os.args[1], function(...) return ... end)
        report()
        os.pull("terminate")
    ]], { args = { name } })
    service:report()
    return service
end
local victim, neighbour = serve("victim"), serve("neighbour")

local wrong = 0

---How long each call of the service took, in seconds, until `is_over()`.
local function call_neighbour(is_over)
    local times, n = {}, 0
    repeat
        n = n + 1
        local started = os.monotonic()
        local answer = os.pull(os.call(0, "neighbour", n))
        times[n] = os.monotonic() - started
        if answer.status_code ~= os.status.OK or answer.args[1] ~= n then
            wrong = wrong + 1
            tap.note("answer:", os.status[answer.status_code], tostring(answer.args[1]))
        end
    until is_over()
    table.sort(times)
    return times[math.max(1, n * 99 // 100)], times[n]
end

local function after(seconds)
    local due = os.monotonic() + seconds
    return function() return os.monotonic() >= due end
end

local quiet_p99 = call_neighbour(after(0.5))
tap.note(string.format("quiet: p99 %.0f us", quiet_p99 * 1e6))

local function run(program)
    local properties = { memory = 16 << 20, processes = 64 }
    for key, value in pairs(program.properties or {}) do
        properties[key] = value
    end
    return assert(os.run_code(program.source, {
        name = "hostile", args = { program.source }, properties = properties,
    }))
end

local slow = {}
for _, program in ipairs(hostile) do
    local pid, exit = run(program), nil
    local function is_its_end(event)
        return event.type == "exit" and event.pid == pid
    end
    local due = after((program.ends and ENDS_S or RUNS_S) * machine.slowness)
    local p99, worst = call_neighbour(function()
        exit = exit or os.pull(is_its_end, 0)
        return exit or due()
    end)
    local started = os.monotonic()
    if not exit then
        os.rpc.process.kill(pid, program.is_asked and "terminate" or "kill", true)
        exit = os.pull(is_its_end, DIES_S * machine.slowness)
    end
    local name = "one that " .. program.name
    if not tap.is(exit and exit.reason, program.ends or "killed", name .. " ends so") and exit then
        tap.note(exit.message)
    end
    if exit and program.message then
        tap.has(exit.message, program.message, "for this reason") -- row 146
    end
    if not program.ends then
        tap.lasts(os.monotonic() - started, 0, DIES_S, "when it is told to") -- row 8
    end
    slow[#slow + 1] = { name = program.name, p99 = p99, worst = worst }
end

tap.is(wrong, 0, "the neighbour loses no answer") -- row 132
table.sort(slow, function(a, b) return a.p99 > b.p99 end)
tap.lasts(slow[1].p99, 0, math.max(2 * quiet_p99, 0.02), "nor is it slower than it may be") -- row 139
for i = 1, 5 do
    tap.note(string.format("p99 %7.0f us, worst %7.0f us, beside one that %s", slow[i].p99 * 1e6,
        slow[i].worst * 1e6, slow[i].name))
end
tap.is(os.rpc.victim("still there"), "still there", "nor does the victim end")
victim:kill()
neighbour:kill()
tap.done()
