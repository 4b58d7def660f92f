--- balancer: spreads the calls to one name over several workers, one after the other.
--
--     thoxctl run examples/balancer.lua
--     thoxctl run examples/balancer.lua N-WORKERS
--
-- os.bind can do that alone, with on_conflict = "balance". By hand one may choose by whatever one likes,
-- and take care of the workers: here each has a context of its own, so that none needs a public name.

local n_workers = math.tointeger(tonumber(... or 3))
if not n_workers or n_workers < 1 then
    print("usage: balancer.lua [N-WORKERS], at least one")
    return 2
end

local WORKER <const> = [[
    local number, pool = os.args[1], os.contexts.pool
    assert(os.bind(pool, "resize", function(picture)
        os.rpc.alarm(0.02)
        return "small " .. picture, "worker " .. number
    end))
    os.rpc[pool].ready()

    -- The balancer has ended, and the pool with it.
    os.pull("hangup")
    os.exit()
]]

-- The workers that are alive, in the order in which they are asked.
local ring = {}
local ready = os.chan()

local function start_worker(number)
    -- A namespace: whoever holds it may bind and call what it is made for, and reaches nothing else.
    local pool = assert(os.context({ bind = { "resize" } }))
    assert(os.bind(pool, "ready", function()
        ready:send()
    end))
    local pid = assert(os.run_code(WORKER, {
        name = "worker-" .. number,
        args = { number },
        contexts = { pool = pool, console = os.contexts.console },
    }))
    table.insert(ring, { pid = pid, pool = pool })
end

local function remove_worker(pid)
    for i, worker in ipairs(ring) do
        if worker.pid == pid then
            os.close(worker.pool)
            table.remove(ring, i)
            print(("worker %d is gone, %d are left"):format(pid, #ring))
        end
    end
end

local function balance(event)
    if #ring == 0 then
        os.answer(event.cid, os.status.UNAVAIL, "no worker is left")
        return
    end
    local worker = table.remove(ring, 1)
    table.insert(ring, worker)
    os.forward(event.cid, worker.pool, "resize")
end

local function use(n)
    for i = 1, n do
        local ok, small, worker = pcall(os.rpc.example.resize, "picture " .. i)
        print(ok and ("%s, by %s"):format(small, worker) or tostring(small))
    end
end

for number = 1, n_workers do
    start_worker(number)
end
for _ = 1, n_workers do
    ready:recv()
end

-- Somebody who uses the service, and its fate: after a while one worker is killed.
os.spawn(function()
    use(2 * n_workers)
    os.kill(ring[1].pid, "kill")
    use(n_workers)
    os.exit()
end)

assert(os.bind(0, "example.resize"))
while true do
    local event = os.pull()
    if event.type == "exit" then
        remove_worker(event.pid)
    elseif event.type == "call" and event.name == "example.resize" then
        balance(event)
    elseif event.type == "terminate" then
        os.exit()
    end
end
