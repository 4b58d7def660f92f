-- A connection: a name found once, called many times. Rows 53, 54, 57, 62.
local tap = require("tap")
local child = require("child")

local BADARGS, BADCTX, DEAD, DENIED, NOTBOUND =
    os.status.BADARGS, os.status.BADCTX, os.status.DEAD, os.status.DENIED, os.status.NOTBOUND

local function status_of(ctx, name, ...)
    return os.pull(os.call(ctx, name, ...)).status_code
end

-- A server that says how it was called.
local SERVER = [[
    os.bind("desk", function(...)
        local call = os.caller()
        return call.name, call.ctx.number, call.pid, ...
    end)
    os.bind("desk.unbind", function() return os.unbind("desk") end)
    os.bind("desk.slow", function() os.rpc.alarm(60) end)
    report(os.pid())
    os.pull("exit")
]]
local server = child.run(SERVER)
server:report()

local desk = os.connect("desk")
tap.ok(desk.number > 0, "a connection is a context")
tap.same(table.pack(desk("x", nil, { 1 })), table.pack("desk", 0, os.pid(), "x", nil, { 1 }),
    "calling it calls the name, and the server sees its own name and context")
tap.same({ os.rpc[desk]("y") }, { "desk", 0, os.pid(), "y" }, "so does os.rpc[ctx](...)")
tap.is(os.rpc[desk].anything(), "desk", "whatever name is said")
tap.is(os.pull(os.call(desk, "", 1)).args[4], 1, "os.call needs none")
tap.is(os.pull(os.call({ ctx = desk, args = { 2 }, timeout = 5 })).args[4], 2, "its long form as well")
tap.is(os.send(desk, "", 3), true, "nor os.send")
local long = string.rep("x", 1 << 20)
local name, _, _, back = desk(long)
tap.ok(name == "desk" and back == long, "messages of several frames go through it")
local context = os.context()
tap.is(select(4, desk(context)), context, "and contexts")

-- What it is not for.
tap.refused(DENIED, "nothing is bound through it", os.bind(desk, "x"))
tap.refused(DENIED, "nothing is pushed", os.push(desk, "x", 1))
tap.refused(DENIED, "nothing is listened to", os.listen(desk, "x"))
tap.refused(DENIED, "its routing is its own", os.route(desk, { default = "forward" }))
tap.refused(NOTBOUND, "a name that nobody serves cannot be connected", os.connect("nobody"))
tap.refused(BADCTX, "nor one in no context", os.connect(9999, "desk"))
tap.refused(BADARGS, "nor what is no name", os.connect("a/b"))
tap.refused(BADARGS, "long or short", os.connect(string.rep("n", 129)))
local manual = os.context()
local refused, status, message = os.connect(manual, "desk")
tap.same({ refused, status }, { nil, NOTBOUND }, "an owner that routes by hand cannot be connected")
tap.has(message, "by hand", "and is said to")
local narrow = os.context({ allow = { "alarm" }, to = 0 })
tap.refused(DENIED, "what a context denies cannot be connected through it", os.connect(narrow, "desk"))
tap.raises("bad argument #1 to", "a name is wanted", os.connect, {})
tap.is(status_of(0, ""), BADARGS, "other contexts need a name")
tap.raises("BADARGS", "also when they are called", manual)

-- row 54: it travels like any context
local friend = child.run([[
    local desk = os.contexts.desk
    report(select(3, desk("hi")))
    report(os.bind(desk, "x"))
    report(pcall(desk))
    local hangup = os.pull("hangup")
    report(hangup.ctx == desk, os.pull(os.call(desk, "")).status_code)
]], { contexts = { desk = desk } })
tap.is(friend:report(), friend.pid, "a child calls through the one it was given, as itself")
tap.refused(DENIED, "and can do no more", friend:report())
friend:report()

-- row 57: it ends with the name
local waiting = os.call(os.connect("desk.slow"), "")
tap.is(os.rpc.desk.unbind(), true, "the server unbinds")
local hangup = os.pull("hangup", 5)
tap.is(hangup and hangup.ctx, desk, "every holder is told")
tap.same({ friend:report() }, { true, BADCTX }, "also those it was shared with")
tap.is(status_of(desk, ""), BADCTX, "and its number is gone")
friend:exit()
server:kill()
tap.is(os.pull(waiting).status_code, DEAD, "a call under way is answered DEAD when the server dies")
tap.ok(os.pull("hangup", 5), "after which that connection is gone as well")

-- row 62: it is taken back with the context it came from
server = child.run(SERVER)
server:report()
local granted = os.context({ allow = { "desk" }, map = { shop = "desk" }, to = 0 })
local guest = child.run([[
    local shop = os.connect("shop")
    report(shop())
    report(shop())
    os.pull("hangup")
    report(os.pull(os.call(shop, "")).status_code)
]], { ctx = granted })
tap.is(guest:report(), "desk", "a connection goes where the name led") -- row 61
os.route(granted, { allow = {}, to = 0 })
tap.is(guest:report(), "desk", "a new routing does not move it")
os.close(granted)
tap.is(guest:report(), DEAD, "closing the context it was made through ends it")
guest:exit()

-- One to a member of a group stays with that member.
local members = {}
for i = 1, 3 do
    members[i] = child.run([[
        os.bind("group", function() return os.args[1] end, { on_conflict = "balance" })
        report(true)
        os.pull("terminate")
    ]], { args = { i } })
    members[i]:report()
end
local mine = os.connect("group")
local first = mine()
tap.same({ mine(), mine(), mine() }, { first, first, first }, "a connection stays with one of many") -- row 50
members[first]:kill()
tap.ok(os.pull({ type = "hangup", ctx = mine }, 5), "and ends with it, though others serve the name")
for i, member in ipairs(members) do
    if i ~= first then
        member:kill()
    end
end

-- initd's own names, and its limits.
local alarm = os.connect("alarm")
tap.same(table.pack(alarm(0)), { n = 0 }, "the tree's own names can be connected")
os.close(alarm)
local n_made, last_status, last_message = 0, nil, nil
local made = {}
while n_made < 2000 do
    local connection
    connection, last_status, last_message = os.connect("desk")
    if not connection then
        break
    end
    n_made = n_made + 1
    made[n_made] = connection
end
tap.is(last_status, os.status.LIMIT, "a process holds so many")
tap.has(last_message, "LIMIT_HANDLES", "and is told the limit")
tap.ok(n_made > 900, "which is not met soon")
for i = 1, n_made do
    os.close(made[i])
end
for _ = 1, 2000 do
    os.close(assert(os.connect("desk")))
end
tap.ok(true, "whoever closes them may make more")

-- Calls under way when one side closes.
local connection = os.connect("desk.slow")
local cid = os.call(connection, "")
tap.is(os.close(connection), true, "a connection is closed")
tap.is(os.cancel(cid), true, "while a call is under way")
tap.is(os.pull(cid).status_code, os.status.CANCELLED, "which ends like any other")
tap.is(status_of(connection, ""), BADCTX, "no further one begins")
server:kill()
tap.is(status_of(0, "desk"), NOTBOUND, "the end of a server with connections is like any end")

tap.done()
