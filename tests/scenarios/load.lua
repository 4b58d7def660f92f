-- What keeps the router busy while the scenarios of run.py --under-load run beside it: clients with many
-- calls in flight, a queue that overflows, names and contexts that come and go.
local function child(name, source)
    assert(os.run_code(source, { name = name }))
end

os.bind("load.echo", function(...) return ... end)

for i = 1, 3 do
    child("load-caller-" .. i, [[
        local cids = {}
        while true do
            for n = 1, 32 do cids[n] = os.call(0, "load.echo", n, "some text to carry along") end
            for n = 1, 32 do
                local event = os.pull(cids[n])
                if event.status_code ~= os.status.OK and event.status_code ~= os.status.BUSY then return 1 end
            end
        end
    ]])
end

child("load-listener", [[
    os.listen("load.queue", { limit = 16 })
    while os.pull("queue") do os.rpc.alarm(0.001) end
]])
child("load-pusher", [[
    while true do
        for n = 1, 50 do os.push("load.queue", n) end
        os.rpc.alarm(0.001)
    end
]])
child("load-maker", [[
    while true do
        local context = os.context({ mode = "table", to = 0, allow = { "load.*" } })
        os.rpc[context].load.echo(1)
        os.bind("load.name")
        os.unbind("load.name")
        os.close(context)
        os.rpc.alarm(0.001)
    end
]])
os.pull("terminate")
