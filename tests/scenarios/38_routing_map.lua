-- Old names for new services: a context renames what is called through it. Rows 59, 61, 62.
local tap = require("tap")
local child = require("child")

local BADARGS, BADCTX, DENIED, NOTBOUND, OK =
    os.status.BADARGS, os.status.BADCTX, os.status.DENIED, os.status.NOTBOUND, os.status.OK

local function status_of(ctx, name, ...)
    return os.pull(os.call(ctx, name, ...)).status_code
end

local function serve(name)
    os.bind(name, function(...) return os.caller().name, ... end)
end
for _, name in ipairs({ "vfs.open", "vfs.read", "vfs.ab", "fs.close", "secret.open" }) do
    serve(name)
end

-- row 61: an old client on a new server
local translated = os.context({ map = { ["fs.open"] = "vfs.open" }, default = "forward", to = 0 })
local old_client = child.run("report(os.rpc.fs.open('file', nil, 3)) report(os.rpc.fs.close())",
    { ctx = translated })
tap.same(table.pack(old_client:report()), table.pack("vfs.open", "file", nil, 3),
    "a client that knows the old name reaches the new one, with its arguments")
tap.is(old_client:report(), "fs.close", "and what is not in the map as before")
old_client:exit()
local long = string.rep("x", 1 << 20)
local name, back = os.rpc[translated].fs.open(long)
tap.ok(name == "vfs.open" and back == long, "also in a message of several frames") -- row 61

-- row 61: which entry counts
local ranked = os.context({
    map = { ["f*"] = "secret.*", ["fs.*"] = "vfs.*", ["fs.close"] = "fs.close", ["fs.a"] = "vfs.ab" },
    default = "forward", to = 0,
})
tap.is(os.rpc[ranked].fs.read(), "vfs.read", "a prefix is replaced, the rest of the name stays")
tap.is(os.rpc[ranked].fs.a(), "vfs.ab", "a name wins over prefixes")
tap.is(os.rpc[ranked].fs.close(), "fs.close", "and may stand for itself")
tap.is(status_of(ranked, "fs." .. string.rep("n", 125)), NOTBOUND, "a name that gets too long is nobody's")

-- rows 58, 61: deny comes before and after, allow after
local function answers_in(routing, ...)
    routing.to = 0
    local context, statuses = os.context(routing), {}
    for i = 1, select("#", ...) do
        statuses[i] = status_of(context, (select(i, ...)))
    end
    os.close(context)
    return statuses
end
local map = { ["fs.open"] = "vfs.open" }
tap.same(answers_in({ map = map, deny = { "vfs.open" }, default = "forward" }, "fs.open", "fs.close"),
    { DENIED, OK },
    "a name turned into a denied one is denied")
tap.same(answers_in({ map = map, deny = { "fs.open" }, default = "forward" }, "fs.open", "vfs.open"),
    { DENIED, OK },
    "so is a denied one that would be turned into another")
tap.same(answers_in({ map = map, allow = { "vfs.open" } }, "fs.open", "vfs.open"), { OK, OK },
    "the allow list names what is called in the end")
tap.same(answers_in({ map = map, allow = { "fs.open" } }, "fs.open"), { DENIED },
    "and not what it was called before")
tap.has(select(2, pcall(os.rpc[os.context({ map = map, to = 0 })].fs.open)).message, "'fs.open'",
    "a refusal speaks of the name that was called")

-- row 62: renaming in layers
local outer = os.context({ map = { ["vfs.*"] = "secret.*" }, allow = { "secret.*" }, to = 0 })
local inner = os.context({ map = { ["fs.*"] = "vfs.*" }, default = "forward", to = outer })
tap.is(os.rpc[inner].fs.open(), "secret.open", "each layer renames what the one before it made")
tap.is(status_of(inner, "alarm", 0), DENIED, "and a sandbox in a sandbox has what both allow")

-- What is bound in the context itself is found by the new name.
os.bind(translated, "vfs.open", function() return "covered" end)
tap.is(os.rpc[translated].fs.open(), "covered", "the owner's own bindings are asked for the new name")

-- row 62: another routing from now on
local sandbox = os.context({ allow = { "vfs.*" }, to = 0 })
local prisoner = child.run([[
    while true do
        local name = report()
        report(os.pull(os.call(0, name, 0)).status_code)
    end
]], { ctx = sandbox })
local function prisoner_may(what)
    local event = os.pull(function(e) return e.type == "call" and e.ctx == prisoner.context end)
    os.answer(event.cid, OK, what)
    return prisoner:report()
end
tap.is(prisoner_may("vfs.read"), OK, "a process calls what its context allows")
tap.is(prisoner_may("alarm"), DENIED, "and no more")
tap.is(os.route(sandbox, { allow = { "alarm" }, to = 0 }), true, "the owner may change its mind")
tap.is(prisoner_may("alarm"), OK, "what was granted can be called")
tap.is(prisoner_may("vfs.read"), DENIED, "what was taken cannot")
for _, bad in ipairs({
    { BADARGS, { allow = { "#" }, to = 0 } },
    { BADARGS, { map = { ["a*"] = "b" }, to = 0 } },
    { BADARGS, { map = { a = "b/c" }, to = 0 } },
    { BADCTX, { to = 999 } },
    { BADARGS, { default = "forward", to = sandbox } },
}) do
    tap.is(select(2, os.route(sandbox, bad[2])), bad[1], "a bad routing is refused")
    tap.is(prisoner_may("alarm"), OK, "and the old one stays in force")
end
tap.is(os.route(sandbox, { mode = "manual" }), true, "a table may become manual") -- row 59
local event = os.pull(function(e) return e.type == "call" and e.ctx == prisoner.context end)
os.answer(event.cid, OK, "anything")
event = os.pull({ type = "call", ctx = sandbox })
tap.same({ event.name, event.pid }, { "anything", prisoner.pid }, "and each call reaches its owner") -- row 59
os.route(sandbox, { allow = { "alarm" }, to = 0 })
os.answer(event.cid, OK)
tap.is(prisoner:report(), OK, "one that is under way goes on as it began")
tap.is(prisoner_may("alarm"), OK, "then the table decides again")
prisoner:kill()

-- row 62: circles and long chains
local first = os.context({ default = "forward", to = 0 })
local second = os.context({ default = "forward", to = first })
tap.refused(BADARGS, "a circle of two contexts is refused",
    os.route(first, { default = "forward", to = second }))
tap.is(status_of(second, "vfs.read"), OK, "and both work")
local function chain(n, to)
    for _ = 1, n do
        to = os.context({ default = "forward", to = to })
    end
    return to
end
local long_chain = chain(14, 0) -- context 0 leads to the native one
tap.is(status_of(long_chain, "vfs.read"), OK, "a call goes through sixteen contexts")
tap.refused(os.status.LIMIT, "a seventeenth is refused", os.context({ default = "forward", to = long_chain }))
local joint = os.context({ default = "forward", to = 0 })
local far = chain(10, joint)
tap.is(os.route(joint, { default = "forward", to = chain(10, 0) }), true,
    "a chain may be made longer in its middle")
tap.is(status_of(far, "vfs.read"), DENIED, "but no call goes through more than sixteen")
os.route(joint, { default = "forward", to = 0 })
tap.is(status_of(far, "vfs.read"), OK, "shortened, it works again")

-- Only by the owner.
local visitor = child.run("report(os.route(os.contexts.lent, { default = 'forward', to = 0 }))",
    { contexts = { lent = first } })
tap.refused(DENIED, "a holder changes nothing", visitor:report())
visitor:exit()
tap.refused(DENIED, "nor does anybody change the native context", os.route(0, { default = "forward" }))
tap.refused(BADCTX, "or one that is not there", os.route(999, {}))
tap.raises("bad argument #2 to 'route' (unknown key 'mapp')", "wrong keys raise", os.route, first,
    { mapp = {} })
tap.raises("bad argument #2 to 'route' (map: every entry must be a string, not a number)", "and wrong types",
    os.route, first, { map = { a = 1 } })
tap.raises("bad argument #1 to 'context' (map must be a table)", "in os.context as well", os.context,
    { map = "a" })
tap.raises("table expected, got nil", "a routing is wanted", os.route, first)

tap.done()
