--- test-harness: tests a program that waits for hours, in no time.
--
--     thoxctl run examples/test-harness.lua
--
-- os.capture hands over what the program asks of the system instead of asking it. So its clock is one
-- that only this harness moves, and its services are functions here. The program is not changed, and
-- does not notice.

-- The program: fetches a page, and when the server is down tries again after 1, 2, 4, ... seconds, until
-- the wait would be longer than an hour.
local PROGRAM <const> = [[
    local wait = 1
    while true do
        local ok, page = pcall(os.rpc.web.fetch, ...)
        if ok then
            return page
        elseif page.status ~= os.status.UNAVAIL or wait > 3600 then
            error(page, 0)
        end
        os.rpc.alarm(wait)
        wait = wait * 2
    end
]]

local function answer(status, ...)
    return { type = "answer", status_code = status, args = table.pack(...), n = select("#", ...) }
end

-- The system that the program sees. `services` has functions that return a status and values.
local function new_world(services)
    local world = { now = 0, calls = {} }
    local waiting = {} -- cid: when the answer comes, and what it is

    local requests = {}
    function requests.monotonic()
        return world.now
    end
    function requests.call(_, name, ...)
        local cid = -1 - #world.calls
        table.insert(world.calls, { at = world.now, name = name, args = table.pack(...) })
        if name == "alarm" then
            waiting[cid] = { due = world.now + (...), event = answer(os.status.OK) }
        elseif services[name] then
            waiting[cid] = { due = world.now, event = answer(services[name](...)) }
        else
            waiting[cid] = { due = world.now, event = answer(os.status.NOTBOUND, name .. " is not there") }
        end
        return cid
    end
    function requests.pull(cid)
        local reply = assert(waiting[cid], "the program waits for something that nobody will send")
        waiting[cid] = nil
        world.now = math.max(world.now, reply.due)
        return reply.event
    end

    function world.ask(kind, ...)
        if kind == "preempt" then
            return os.syscall("preempt")
        end
        local request = requests[kind] or error("this world has no " .. kind)
        return request(...)
    end
    return world
end

-- Runs the program in the world until it ends: true and what it returned, or false and its error.
local function play(world, ...)
    local program = coroutine.create(assert(load(PROGRAM, "=program")))
    local asked = table.pack(os.capture(program, ...))
    while asked[1] ~= "return" and asked[1] ~= "error" do
        asked = table.pack(os.capture(program, world.ask(table.unpack(asked, 1, asked.n))))
    end
    return asked[1] == "return", table.unpack(asked, 2, asked.n)
end

local n_failed = 0
local function check(outcome, sentence)
    print((outcome and "ok      " or "not ok  ") .. sentence)
    n_failed = n_failed + (outcome and 0 or 1)
end

-- When the server was asked, in seconds of the world.
local function times_of(world, name)
    local times = {}
    for _, call in ipairs(world.calls) do
        if call.name == name then
            table.insert(times, ("%g"):format(call.at))
        end
    end
    return table.concat(times, " ")
end

local started = os.monotonic()

local n_tries = 0
local world = new_world({
    ["web.fetch"] = function(url)
        n_tries = n_tries + 1
        if n_tries < 6 then
            return os.status.UNAVAIL, "down"
        end
        return os.status.OK, "the page at " .. url
    end,
})
local ok, page = play(world, "/index")
check(ok and page == "the page at /index", "the page arrives when the server is back")
check(times_of(world, "web.fetch") == "0 1 3 7 15 31", "each wait is twice as long as the one before")

world = new_world({
    ["web.fetch"] = function()
        return os.status.UNAVAIL, "down"
    end,
})
local failure
ok, failure = play(world, "/index")
check(not ok and failure.status == os.status.UNAVAIL, "a server that never comes back is given up")
check(world.now == 4095, "after more than an hour")

world = new_world({
    ["web.fetch"] = function()
        return os.status.DENIED, "not for you"
    end,
})
ok, failure = play(world, "/index")
check(not ok and failure.message == "not for you" and world.now == 0, "a refusal is not tried again")

ok, failure = play(new_world({}), "/index")
check(not ok and failure.status == os.status.NOTBOUND, "nor is a server that is not there at all")

check(os.monotonic() - started < 60, "and all of it took no time")
os.exit(n_failed == 0 and 0 or 1)
