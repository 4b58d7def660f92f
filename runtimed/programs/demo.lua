--- demo: what thox is for, in ten seconds.
--
-- Runs an echo service and calls it twenty times a second. Meanwhile three neighbours misbehave: one
-- computes for ever, one crashes again and again, one hoards memory. The answers keep coming.

local DURATION <const> = 8.0
local INTERVAL <const> = 0.05
local MEMORY <const> = 8 << 20

local echo = os.rpc.demo.echo
local monotonic = os.monotonic
local started = monotonic()

local function say(text, ...)
    print(("%5.1f s  %s"):format(monotonic() - started, text:format(...)))
end

-- Neighbours ------------------------------------------------------------------------------------

local by_pid = {}
local n_starts = 0 -- of the crasher

local function run(name, options)
    local pid, _, message = os.run(name, options)
    if not pid then
        error(("cannot run %s: %s"):format(name, message), 0)
    end
    by_pid[pid] = { name = name, pid = pid }
    return by_pid[pid]
end

--- A task: tells of every neighbour that ends by itself.
local function watch_exits()
    while true do
        local event = os.pull("exit")
        local neighbour = by_pid[event.pid]
        neighbour.ending = event.message:match("[^\n]+") or event.reason
        if not neighbour.is_stopped then
            say("%s ended: %s", neighbour.name, neighbour.ending)
        end
    end
end

local function on_crasher_started()
    n_starts = n_starts + 1
    if n_starts > 1 then
        say("demo-crasher crashed, and thox started it again (%d)", n_starts - 1)
    end
end

--- Without asking it first: who computes for ever does not listen.
local function stop(neighbour)
    neighbour.is_stopped = true
    os.kill(neighbour.pid, "kill")
end

-- Answers ---------------------------------------------------------------------------------------

local function new_record()
    return { n_asked = 0, times = {} }
end

local function ask(record)
    local number = record.n_asked + 1
    record.n_asked = number
    local sent = monotonic()
    local ok, answer = pcall(echo, number)
    if ok and answer == number then
        record.times[#record.times + 1] = monotonic() - sent
    end
end

--- Asks the echo for some seconds, at a steady pace.
local function measure(seconds)
    local record = new_record()
    local due, deadline = monotonic(), monotonic() + seconds
    while due < deadline do
        ask(record)
        due = due + INTERVAL
        os.rpc.alarm(math.max(due - monotonic(), 0))
    end
    return record
end

local function add(total, record)
    total.n_asked = total.n_asked + record.n_asked
    table.move(record.times, 1, #record.times, #total.times + 1, total.times)
end

local function describe(record)
    local sorted = table.move(record.times, 1, #record.times, 1, {})
    table.sort(sorted)
    return ("%3d of %3d questions answered; typically in %.1f ms, the slowest in %.1f ms"):format(
        #sorted, record.n_asked, sorted[(#sorted + 1) // 2] * 1000, sorted[#sorted] * 1000)
end

local function wait_for_echo()
    while not pcall(echo) do
        os.rpc.alarm(0.01)
    end
end

-- The story -------------------------------------------------------------------------------------

print("Several Lua programs, each in a process of its own. One is a service, demo-echo, which must")
print("answer whatever the others do. It is asked twenty times a second.\n")

local service = run("demo-echo")
os.spawn(watch_exits)
wait_for_echo()
say("alone:      %s", describe(measure(1)))

assert(os.bind(0, "demo.crasher.started", on_crasher_started))
say("three bad neighbours start: one computes for ever, one has a bug, one hoards memory")
local spinner = run("demo-spinner")
local crasher = run("demo-crasher", { restart = "on-failure" })
local eater = run("demo-eater", { properties = { memory = MEMORY } })

local total = new_record()
while monotonic() - started < DURATION do
    local record = measure(math.min(2, DURATION - (monotonic() - started)))
    add(total, record)
    say("among them: %s", describe(record))
end

stop(spinner)
stop(crasher)
stop(service)

print(("\ndemo-echo     %s"):format(describe(total)))
print("demo-spinner  kept a processor busy until it was stopped")
print(("demo-crasher  crashed %d times and was started again each time"):format(n_starts - 1))
print(("demo-eater    %s"):format(eater.ending or "is still hoarding"))
print("\nA program that spins, crashes or hoards harms nobody but itself.")
os.exit(#total.times == total.n_asked and 0 or 1)
