-- A city at night: thousands of calls in every state, callers and servers that die in the middle, and still
-- exactly one answer for each. rows 40, 41, 42, 43, 44, 45, 46
-- flags: --admin
local tap = require("tap")
local child = require("child")

local N_SERVERS, N_CLIENTS, N_CALLS = 4, 4, 1500

-- A server answers, forwards, waits, drops or sleeps over each call, by turns.
local SERVER = [[
    local me = os.args[1]
    local function other(n) return "fire." .. (me + n) % 4 end
    os.bind("fire." .. me, function(what, n)
        local call = os.caller()
        if what == "error" then
            error("as asked")
        elseif what == "forward" then
            os.forward(call.cid, 0, other(1), n > 0 and "forward" or "answer", n - 1)
        elseif what == "wait" then
            os.rpc.alarm(0.01)
        elseif what == "never" then
            os.pull{ type = "cancel", cid = call.cid }
        end
        return what, n
    end, { limit = 1024 })
    report("up")
    os.pull("terminate")
]]

-- A client counts the answers of each call, and says so when one is missing or comes twice.
local CLIENT = [[
    local seed, n_calls = table.unpack(os.args)
    math.randomseed(seed)
    local kinds = { "answer", "error", "forward", "wait", "never" }
    local open, n_open, n_made, n_answers, n_strange = {}, 0, 0, 0, 0
    local by_status = {}
    local function make()
        local what = kinds[math.random(#kinds)]
        local name = "fire." .. math.random(0, 3)
        if math.random(10) == 1 then
            os.send(0, name, "answer", 0)
        end
        local timeout = (what == "never" or math.random(4) == 1) and math.random() * 0.05 or nil
        local cid = os.call{ name = name, args = { what, math.random(0, 3) }, timeout = timeout,
            priority = math.random(0, 7) }
        open[cid], n_open, n_made = true, n_open + 1, n_made + 1
        if math.random(8) == 1 then
            os.cancel(cid)
        end
    end
    while n_made < n_calls or n_open > 0 do
        while n_made < n_calls and n_open < 100 do
            make()
        end
        local event = os.pull("answer", 10)
        if not event then
            break
        end
        n_answers = n_answers + 1
        local name = os.status[event.status_code]
        by_status[name] = (by_status[name] or 0) + 1
        if open[event.cid] then
            open[event.cid], n_open = nil, n_open - 1
        else
            n_strange = n_strange + 1
        end
    end
    local late = os.pull("answer", 0)
    report(n_made, n_answers, n_open, n_strange + (late and 1 or 0), by_status)
]]

local function start_server(i)
    local server = child.run(SERVER, { args = { i }, name = "fire-server" })
    server:report()
    return server
end

local function fires_in_flight()
    local n = 0
    for _, call in ipairs(os.rpc.call.list()) do
        n = n + (call.name:find("^fire%.") and 1 or 0)
    end
    return n
end

local servers, clients = {}, {}
for i = 0, N_SERVERS - 1 do
    servers[i] = start_server(i)
end
for i = 1, N_CLIENTS do
    clients[i] = child.run(CLIENT, { args = { i, N_CALLS }, name = "fire-client" })
end

-- A victim's calls die with it, in every state.
local victims = 0
local function kill_a_client()
    local victim = child.run(CLIENT, { args = { 100 + victims, 100000 }, name = "fire-victim" })
    os.rpc.alarm(0.02)
    victim:kill()
    victims = victims + 1
end

-- Servers are killed and come back while the clients go on.
local total, reports = {}, 0
local function look(event)
    return event.type == "call" and event.name == "report"
end
local next_kill, n_flying = 0, 0
while reports < N_CLIENTS do
    local event = os.pull(look, 0.03)
    if event then
        local n_made, n_answers, n_open, n_strange, by_status = table.unpack(event.args)
        os.answer(event.cid, os.status.OK)
        reports = reports + 1
        tap.is(n_answers, n_made, "client " .. reports .. ": one answer for each call")
        tap.is(n_open, 0, "none is missing")
        tap.is(n_strange, 0, "and none came twice")
        for name, n in pairs(by_status) do
            total[name] = (total[name] or 0) + n
        end
    elseif next_kill < 12 then
        n_flying = math.max(n_flying, fires_in_flight())
        local i = next_kill % N_SERVERS
        servers[i]:kill()
        kill_a_client()
        servers[i] = start_server(i)
        next_kill = next_kill + 1
    end
end
tap.ok(n_flying > 0, "servers were killed with calls in flight: " .. n_flying)
local seen = {}
for name, n in pairs(total) do
    seen[#seen + 1] = name .. "=" .. n
end
table.sort(seen)
tap.note(table.concat(seen, " "))
for _, name in ipairs({ "OK", "ERROR", "CANCELLED", "TIMEOUT", "DEAD" }) do
    tap.ok((total[name] or 0) > 0, "some calls ended with " .. name)
end

-- Nothing is left: not in initd, and the servers serve as ever.
for i = 1, N_CLIENTS do
    clients[i]:exit()
end
local answer = os.pull(os.call(0, "fire.0", "forward", 3))
tap.is(answer.status_code, os.status.OK, "after the fire calls are forwarded and answered as ever")
for i = 0, N_SERVERS - 1 do
    servers[i]:kill()
end
tap.is(fires_in_flight(), 0, "no call is left in initd")
tap.done()
