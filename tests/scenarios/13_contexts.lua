-- Contexts: what a program may reach is what somebody gave it.
local tap = require("tap")
local child = require("child")

local BADCTX, DEAD, DENIED, NOTBOUND, OK =
    os.status.BADCTX, os.status.DEAD, os.status.DENIED, os.status.NOTBOUND, os.status.OK

local function status_of(ctx, name, ...)
    return os.pull(os.call(ctx, name, ...)).status_code
end

-- row 53
local room = os.context()
tap.ok(room > 0 and room.number > 0, "a new context has a number")
tap.has(tostring(room), "context " .. room.number, "and says so")
local visitor = child.run([[
    report(os.rpc[os.contexts.room].knock("who", "is there"))
    report(os.pull(os.call(os.contexts.room, "other")).status_code)
]], { contexts = { room = room } })
local call = os.pull({ type = "call", ctx = room })
tap.same({ call.name, call.pid, call.args[1], call.args[2] }, { "knock", visitor.pid, "who", "is there" },
    "calls in a context reach its owner")
os.answer(call.cid, OK, "come in")
tap.is(visitor:report(), "come in", "who answers")
os.answer(os.pull({ type = "call", ctx = room }).cid, os.status.NOTFOUND)
tap.is(visitor:report(), os.status.NOTFOUND, "with any status")
visitor:exit()

-- row 53: numbers mean nothing elsewhere
local number = room.number
visitor = child.run("report(os.pull(os.call(os.args[1], 'knock')).status_code)", { args = { number + 100 } })
tap.is(visitor:report(), BADCTX, "a number that nobody gave is BADCTX")
visitor:exit()
tap.is(status_of(1000, "x"), BADCTX, "here as well")

-- A handler in a context of one's own; the same name twice.
local hall = os.context()
os.bind(room, "ask", function() return "room", os.caller().ctx end)
os.bind(hall, "ask", function() return "hall", os.caller().ctx end)
tap.same({ os.rpc[room].ask() }, { "room", room }, "a name can be bound in one context")
tap.same({ os.rpc[hall].ask() }, { "hall", hall }, "and again in another")
tap.is(status_of(0, "ask"), NOTBOUND, "and is not there in a third")

-- row 54: share by answer
local inner = os.context()
os.bind(inner, "hello", function(name) return "hello " .. name end)
os.bind("open", function() return inner, { nested = { inner } } end)
visitor = child.run([=[
    local context, list = os.rpc.open()
    report(context.number, os.rpc[context].hello("visitor"), os.rpc[list.nested[1]].hello("again"))
    report("about to share")
    report(os.share(context, os.args[1]))
]=], { args = { os.pid() } })
local its_number, hello, again = visitor:report()
tap.ok(its_number > 0, "a context in an answer is a handle of the receiver's")
tap.is(hello, "hello visitor", "and can be used")
tap.is(again, "hello again", "within a table too")
tap.is(os.pull("open", 0), nil, "an owner that shares is told nothing")
visitor:report()
tap.is(visitor:report(), true, "os.share gives a context to a process")
local opened = os.pull("open", 1)
tap.same({ opened.shared, opened.pid }, { true, visitor.pid }, "who finds it in an event")
tap.is(os.rpc[opened.ctx].hello("back"), "hello back", "and can use it")
visitor:exit()

-- row 54: the holder passes it on
local friend = child.run([[
    os.bind("friend", function(context) return os.rpc[context].hello("friend") end)
    report()
]])
friend:report()
visitor = child.run([[
    local context = os.rpc.open()
    report(os.rpc.friend(context))
]])
tap.is(visitor:report(), "hello friend", "a holder passes a context on in a call")
opened = os.pull("open", 1)
tap.is(opened and opened.pid, friend.pid, "and the owner is told who has it now")
tap.is(opened and opened.ctx, inner, "and which context that is")
visitor:exit()

-- row 54: a closed one
local closed = os.context()
os.close(closed)
os.bind("broken", function() return closed end)
tap.raises("BADCTX", "an answer with a closed context is not sent", os.rpc.broken)

-- os.share
local shared = os.context()
tap.is(os.share(shared, friend.pid), true, "a context is shared with a pid")
tap.refused(os.status.NOPROC, "not with one that nobody has", os.share(shared, 999999))
tap.refused(BADCTX, "nor a closed one", os.share(closed, friend.pid))
friend:kill()

-- row 55: given at the start
visitor = child.run([[
    report(os.rpc[os.contexts.fs].open("file"))
    report(os.contexts.nothing)
]], { contexts = { fs = room } })
call = os.pull({ type = "call", ctx = room })
tap.is(call.name, "open", "a child finds what it was given in os.contexts")
os.answer(call.cid, OK, "opened")
tap.is(visitor:report(), "opened", "and can use it")
tap.is(visitor:report(), nil, "and finds nothing else")
visitor:exit()

-- row 55: another context 0
local world = os.context({ mode = "table", default = "forward", to = 0 })
os.bind(world, "alarm", function(seconds) return "no alarm of " .. seconds end)
visitor = child.run("report(os.rpc.alarm(5)) report(os.rpc.open ~= nil)", { ctx = world })
tap.is(visitor:report(), "no alarm of 5", "the option ctx is a child's context 0")
visitor:report()
visitor:exit()

-- row 58
local function answers_in(routing, ...)
    local statuses = {}
    routing.to = 0
    local context = os.context(routing)
    local probe = child.run([[
        for i = 1, os.args.n do
            report(os.pull(os.call(0, os.args[i], 0)).status_code)
        end
    ]], { ctx = context, args = { ... } })
    for i = 1, select("#", ...) do
        statuses[i] = probe:report()
    end
    probe:exit()
    os.close(context)
    return statuses
end
os.bind("log.x", function() return "logged" end)
os.bind("log.y", function() return "logged" end)
tap.same(answers_in({ allow = { "log.*" } }, "log.x", "log.y", "alarm"), { OK, OK, DENIED },
    "an allow list allows what it names")
tap.same(answers_in({ allow = { "log.*" }, deny = { "log.x" } }, "log.x", "log.y"), { DENIED, OK },
    "deny wins over allow")
tap.same(answers_in({ default = "forward", deny = { "log.*" } }, "log.x", "alarm", "nope"),
    { DENIED, OK, NOTBOUND }, "a deny list denies what it names")
tap.same(answers_in({}, "log.x", "alarm", "nope"), { DENIED, DENIED, DENIED },
    "what neither mentions is denied")
tap.same(answers_in({ default = "deny", allow = { "alarm" } }, "alarm", "log.x"), { OK, DENIED },
    "default = 'deny' says the same")

-- rows 58, 62: a context of a context
local narrow = os.context({ allow = { "log.*", "alarm" }, to = 0 })
visitor = child.run([[
    local narrower = os.context({ allow = { "log.*", "open" }, to = 0 })
    local names = { "log.x", "alarm", "open" }
    for i = 1, 3 do
        report(os.pull(os.call(narrower, names[i], 0)).status_code)
    end
    report(os.bind("free.name"))
]], { ctx = narrow })
tap.same({ visitor:report(), visitor:report(), visitor:report() }, { OK, DENIED, DENIED },
    "a child hands on no more than it has")
tap.refused(DENIED, "and binds nothing where nothing may be bound", visitor:report())
visitor:exit()

-- What may be bound.
local offices = os.context({ default = "forward", to = 0, bind = { "office.*" } })
visitor = child.run([[
    report(os.bind("office.one", function() return "one" end) ~= nil)
    report(os.bind("other"))
    os.pull("terminate")
]], { ctx = offices })
tap.is(visitor:report(), true, "a name that may be bound is bound")
tap.refused(DENIED, "another is not", visitor:report())
tap.is(os.rpc.office.one(), "one", "where the context forwards to")
visitor:kill()

-- row 57: what was bound through a context ends with it
local street = os.context({ default = "forward", to = 0, bind = { "shop.*" } })
visitor = child.run([[
    os.bind("shop.one", function() return "one" end)
    os.bind("shop.two")
    report(true)
    os.pull("hangup")
    report(os.pull(os.call(os.contexts.outside, "shop.one")).status_code, (select(2, os.unbind("shop.two"))))
]], { ctx = street, contexts = { outside = os.handle(0) } })
visitor:report()
tap.is(os.rpc.shop.one(), "one", "a name bound through a context is served")
os.close(street)
tap.same({ visitor:report() }, { NOTBOUND, NOTBOUND }, "and ends with it")
visitor:exit()
local own = os.context({ default = "forward", to = 0 })
for _ = 1, 100 do
    os.bind(own, "again", function() return "mine" end)
    os.close(own)
    own = os.context({ default = "forward", to = 0 })
end
tap.is(status_of(own, "again"), NOTBOUND, "a number that is used again has none of the old names")
os.close(own)

-- Closing revokes.
local lent = os.context()
visitor = child.run([[
    local cid = os.call(os.contexts.lent, "x")
    report("asked")
    local hangup = os.pull("hangup")
    report(hangup.ctx == os.contexts.lent, os.pull(cid).status_code)
    report(os.pull(os.call(os.contexts.lent, "x")).status_code)
]], { contexts = { lent = lent } })
visitor:report()
os.close(lent)
tap.same({ visitor:report() }, { true, DEAD }, "an owner that closes a context takes it from all holders")
local after = visitor:report()
tap.ok(after == DEAD or after == BADCTX, "for good")
visitor:exit()
tap.refused(BADCTX, "a context is closed once", os.close(lent))
tap.raises("unknown key 'alow'", "an unknown key of a routing is a mistake", os.context, { alow = {} })

-- row 52: self-jailing
visitor = child.run([[
    report(os.close(0))
    report(os.pull(os.call(0, "alarm", 0)).status_code, os.pull(os.call(0, "nope")).status_code)
]])
tap.is(visitor:report(), true, "a process may close its context 0")
tap.same({ visitor:report() }, { BADCTX, BADCTX }, "and never gets it back")
visitor:exit()

tap.done()
