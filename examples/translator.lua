--- translator: runs an old program on new services, without changing either.
--
--     thoxctl run examples/translator.lua
--
-- The old program keeps names in a "registry". Since then the service has become "example.names", with
-- other endpoints. What has only been renamed, the tree renames by itself; what works differently is
-- served here, in the context that the old program lives in.

-- The new service.
local names = {}
assert(os.bind(0, "example.names.set", function(name, owner)
    names[name] = owner
end))
assert(os.bind(0, "example.names.get", function(name)
    return names[name]
end))
assert(os.bind(0, "example.names.list", function()
    local sorted = {}
    for name in pairs(names) do
        table.insert(sorted, name)
    end
    table.sort(sorted)
    return sorted
end))

-- What the old program sees. It reaches the new names through the map alone.
local old = assert(os.context({
    map = {
        ["registry.lookup"] = "example.names.get",
        ["registry.v1.*"] = "example.names.*",
    },
    allow = { "example.names.*" },
    default = "deny",
    to = 0,
}))

-- The old order of the arguments was another one, and it expected the name back.
assert(os.bind(old, "registry.register", function(owner, name)
    os.rpc.example.names.set(name, owner)
    return name
end))

-- There was a count of names once; there is none any more, but it can be had.
assert(os.bind(old, "registry.count", function()
    return #os.rpc.example.names.list()
end))

local old_program = [[
    local registry = os.rpc.registry
    print("registered " .. registry.register("Ada", "engine"))
    print("registered " .. registry.register("Grace", "compiler"))
    print("the engine is " .. registry.lookup("engine") .. "'s")
    print(registry.count() .. " names: " .. table.concat(registry.v1.list(), ", "))
    print("registry.drop: " .. tostring(select(2, pcall(registry.drop, "engine"))))
]]

local pid = assert(os.run_code(old_program, {
    name = "old-program",
    ctx = old,
    contexts = { console = os.contexts.console },
}))
local event = os.pull({ type = "exit" })
assert(event.pid == pid)
print(("the old program ended: %s, status %d"):format(event.reason, event.status))
os.exit()
