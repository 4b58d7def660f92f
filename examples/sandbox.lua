--- sandbox: runs a piece of code that may do two things and nothing else.
--
--     thoxctl run examples/sandbox.lua

-- What the child's code may call; everything else is denied. It can bind nothing.
local jail = assert(os.context({ allow = { "alarm", "example.greet" }, default = "deny", to = 0 }))

assert(os.bind(0, "example.greet", function(name)
    return "hello, " .. name
end))

local source = [[
    local function try(name, ...)
        local call = os.rpc
        for part in name:gmatch("[^.]+") do
            call = call[part]
        end
        local ok, result = pcall(call, ...)
        print(("  %-14s %s"):format(name, ok and "allowed: " .. tostring(result) or tostring(result)))
    end

    try("alarm", 0.1)
    try("example.greet", "jail")
    try("log", "info", "may I?")
    try("process.run", { code = "print('escaped')" })
    print("  io is " .. tostring(io) .. ", os.execute is " .. tostring(os.execute))
]]

print("the child says:")
local child = assert(os.run_code(source, {
    name = "child",
    ctx = jail,
    contexts = { console = os.contexts.console },
    properties = { memory = 4 << 20 },
}))

local event = os.pull({ type = "exit" })
assert(event.pid == child)
print(("the child ended: %s, status %d"):format(event.reason, event.status))

-- A program that serves a name stays until it is ended; this one has done its work.
os.exit()
