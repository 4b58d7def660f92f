-- A little of everything that a program may ask of the tree; prints "done" when all of it worked.

local function status_of(...)
    return os.pull(os.call(...)).status_code
end

os.bind("story.echo", function(...) return ... end, { usage = "story.echo(...)" })
assert(os.rpc.story.echo("x", ("y"):rep(200000)) == "x")
local sandbox = os.context({ allow = { "story.*" }, to = 0, log = "calls" })
assert(os.listen(sandbox, "calls"))
assert(os.rpc[sandbox].story.echo(1) == 1)
assert(status_of(sandbox, "alarm", 0) == os.status.DENIED)
assert(os.route(sandbox, { default = "forward", map = { ["a.*"] = "story.*" }, to = 0 }))
assert(os.rpc[sandbox].a.echo(2) == 2)
local connection = assert(os.connect(0, "story.echo"))
assert(os.pull(os.call(connection, "story.echo", 3)).args[1] == 3)
assert(os.listen(0, "story.queue"))
assert(os.push(0, "story.queue", { a = 1 }, { key = "k" }))
assert(os.pull("queue", 5))
os.rpc.alarm(0)
os.cancel(os.call(0, "alarm", 100))

local mine = os.context()
local child = assert(os.run_code([[
    os.bind("child.name", function() return os.name end)
    os.rpc[os.contexts.up].up()
    os.pull("terminate")
]], { name = "child", contexts = { up = mine }, properties = { processes = 4 } }))
local call = assert(os.pull({ type = "call", ctx = mine, name = "up" }, 5))
os.answer(call.cid, 0)
assert(os.share(sandbox, child))
assert(os.kill(child, "kill"))

local data = os.data()
data:set("k", 1)
assert(data:get("k") == 1)
assert(data:txn({ compare = { { key = "k", value = 1 } }, ops = { { op = "set", key = "k", value = 2 } } }))
local lock = data:lock("l")
lock:unlock()
assert(status_of(0, "log", "info", "a line") == 0)
for _, endpoint in ipairs({ "service.list", "call.list", "handle.list" }) do
    assert(status_of(0, endpoint) == 0)
end
os.close(connection)
os.close(sandbox)
print("done")
os.exit(0)
