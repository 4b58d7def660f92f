-- Several processes that serve one name: what they agreed on when they bound it. Row 50.
local tap = require("tap")
local child = require("child")

local EXISTS, NOTBOUND, OK, UNAVAIL = os.status.EXISTS, os.status.NOTBOUND, os.status.OK, os.status.UNAVAIL

local function status_of(name, ...)
    return os.pull(os.call(0, name, ...)).status_code
end

---A server of `name` that says who it is, or what it is told to say.
local SERVER = [[
    local me, name, policy = table.unpack(os.args)
    local refusal, n
    local function serve(event)
        n = n + 1
        if refusal then
            os.answer(event.cid, refusal, me .. " will not")
        else
            os.answer(event.cid, os.status.OK, me, table.unpack(event.args, 1, event.args.n))
        end
    end
    n = 0
    report(os.bind(name, nil, { on_conflict = policy }))
    os.bind(me .. ".refuse", function(status) refusal = status end)
    os.bind(me .. ".count", function() return n end)
    os.bind(me .. ".unbind", function() return os.unbind(name) end)
    report(true)
    while true do
        serve(os.pull({ type = "call", name = name }))
    end
]]
local function server(me, name, policy)
    local c = child.run(SERVER, { args = { me, name, policy } })
    local sid, status, message = c:report()
    if not sid then
        c:kill()
        return nil, status, message
    end
    c:report()
    return c
end
local function who(name, n)
    local names = {}
    for i = 1, n do
        names[i] = os.rpc[name]()
    end
    return table.concat(names, " ")
end

-- fail
local first = server("one", "alone")
local _, status, message = server("two", "alone")
tap.is(status, EXISTS, "a name that is bound is bound") -- row 50
tap.has(message, "bound already", "and the refusal says so")
_, status = server("two", "alone", "balance")
tap.is(status, EXISTS, "whatever the second would agree to")
tap.is(who("alone", 3), "one one one", "the first serves it")
first:kill()
first = server("two", "alone")
tap.is(who("alone", 1), "two", "until it ends")
first:kill()
tap.is(status_of("alone"), NOTBOUND, "then nobody does")

-- alternative: the newest serves, its end restores the one before
local a, b, c = server("a", "alt", "alternative"), server("b", "alt", "alternative"),
    server("c", "alt", "alternative")
tap.is(who("alt", 3), "c c c", "the newest alternative serves") -- row 50
b:kill()
tap.is(who("alt", 2), "c c", "the end of one that is covered changes nothing")
os.rpc.c.unbind()
tap.is(who("alt", 2), "a a", "an unbind restores the one before")
local d = server("d", "alt", "alternative")
tap.is(who("alt", 1), "d", "and a new one covers it again")
d:kill()
tap.is(who("alt", 1), "a", "killed, it is as if it had not been")
_, status, message = server("e", "alt", "balance")
tap.is(status, EXISTS, "all must agree on one policy")
tap.has(message, "on_conflict = 'alternative'", "and the refusal names it")
_, status = server("e", "alt")
tap.is(status, EXISTS, "to want a name alone is a policy too")
a:kill()
c:kill()
tap.is(status_of("alt"), NOTBOUND, "the last takes the name with it")

-- fallback: the oldest serves, what it refuses goes on
a, b, c = server("a", "fall", "fallback"), server("b", "fall", "fallback"), server("c", "fall", "fallback")
tap.is(who("fall", 3), "a a a", "the oldest serves") -- row 50
os.rpc.a.refuse(UNAVAIL)
tap.same(table.pack(os.rpc.fall("x", nil, { 1 })), table.pack("b", "x", nil, { 1 }),
    "what it cannot do now the next one does, with the same arguments")
os.rpc.b.refuse(NOTBOUND)
tap.is(who("fall", 1), "c", "and the one after that")
local room = os.context()
os.bind(room, "hello", function() return "from the room" end)
local back = select(2, os.rpc.fall(room))
tap.is(back, room, "contexts in the arguments come along")
os.rpc.c.refuse(UNAVAIL)
local event = os.pull(os.call(0, "fall"))
tap.same({ event.status_code, event.args[1], event.pid }, { UNAVAIL, "c will not", c.pid },
    "when nobody is left the last refusal is the answer")
os.rpc.a.refuse(os.status.ERROR)
tap.is(status_of("fall"), os.status.ERROR, "an error is an answer like any other")
os.rpc.a.refuse(nil)
tap.is(who("fall", 1), "a", "the first is asked first again")
os.rpc.a.refuse(UNAVAIL)
os.rpc.b.refuse(nil)
event = os.pull(os.call({ name = "fall", timeout = 5 }))
tap.is(event.args[1], "b", "a deadline goes along")
a:kill()
tap.is(who("fall", 2), "b b", "who is dead is not asked")
os.rpc.b.unbind()
tap.is(status_of("fall"), UNAVAIL, "nor who has unbound")
b:kill()
c:kill()

-- A full one is passed over.
local full = child.run([[
    os.bind("busy", nil, { on_conflict = os.args[1] })
    report(true)
    os.pull("terminate")
]], { args = { "fallback" } })
full:report()
local stand_in = server("stand-in", "busy", "fallback")
-- 300 calls: 256 fill the first, and the stand-in is not full whenever it gets to the rest.
local crowd = {}
for i = 1, 5 do
    crowd[i] = child.run([[
        for _ = 1, 60 do os.call(0, "busy") end
        report(true)
        os.pull("terminate")
    ]])
    crowd[i]:report()
end
tap.is(who("busy", 2), "stand-in stand-in", "one that is at its limit is passed over") -- rows 40, 50
for _, member in ipairs(crowd) do
    member:kill()
end
full:kill()
stand_in:kill()

-- balance: everybody in turn
a, b, c = server("a", "bal", "balance"), server("b", "bal", "balance"), server("c", "bal", "balance")
tap.is(who("bal", 7), "a b c a b c a", "members of a balanced group take turns") -- row 50
b:kill()
tap.is(who("bal", 4), "c a c a", "whoever ends is left out")
d = server("d", "bal", "balance")
local counts = {}
for _ = 1, 30 do
    local name = os.rpc.bal()
    counts[name] = (counts[name] or 0) + 1
end
tap.same(counts, { a = 10, c = 10, d = 10 }, "whoever joins is let in")
os.rpc.a.unbind()
os.rpc.c.unbind()
tap.is(who("bal", 3), "d d d", "one that is left serves alone")
a:kill()
c:kill()
d:kill()
tap.is(status_of("bal"), NOTBOUND, "and takes the name with it")

-- A process joins once, and is asked nothing afterwards.
os.bind("mine", function() return "mine" end, { on_conflict = "balance" })
local again, again_status, again_message =
    os.bind(0, "mine", function() return "again" end, { on_conflict = "balance" })
tap.same({ again, again_status }, { nil, EXISTS }, "a process binds a name once")
tap.has(again_message, "this process", "and is told that it is its own")
tap.is(os.unbind("mine"), true, "and unbinds it")
tap.raises("invalid option 'random'", "an unknown policy is a mistake", os.bind, "x", nil,
    { on_conflict = "random" })
tap.raises("bad argument #3 to 'bind'", "of this argument", os.bind, "x", function() end, { on_conflict = 1 })
tap.raises("usage must be a string", "a usage is a string", os.bind, "x", nil, { usage = 1 })
tap.refused(os.status.BADARGS, "of one line", os.bind("x", nil, { usage = "a\nb" }))
tap.refused(os.status.BADARGS, "of 256 bytes", os.bind("x", nil, { usage = string.rep("u", 257) }))
tap.ok(os.bind("x", nil, { usage = "x(äöü) -> y" }), "in any language")

-- Under load: members die and are replaced, no call is lost.
for _, policy in ipairs({ "balance", "fallback", "alternative" }) do
    local name = "load." .. policy
    local members, n_next = {}, 0
    local function add()
        n_next = n_next + 1
        members[#members + 1] = server("m" .. n_next .. policy, name, policy)
    end
    for _ = 1, 3 do
        add()
    end
    local seen, n_asked = {}, 0
    for round = 1, 8 do
        local cids = {}
        for i = 1, 60 do
            cids[i] = os.call(0, name)
        end
        n_asked = n_asked + 60
        local victim = table.remove(members, round % #members + 1)
        os.kill(victim.pid, "kill")
        for i = 1, 60 do
            local code = os.pull(cids[i]).status_code
            seen[code] = (seen[code] or 0) + 1
        end
        victim:exit()
        add()
    end
    local n_ok, n_dead = seen[OK] or 0, seen[os.status.DEAD] or 0
    tap.is(n_ok + n_dead, n_asked,
        policy .. ": each call is answered, by a member or DEAD by its end") -- rows 43, 50
    tap.ok(n_ok >= n_asked / 3, policy .. ": and whoever lives answers")
    for _, member in ipairs(members) do
        member:kill()
    end
end

tap.done()
