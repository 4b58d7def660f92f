--- hostile: programs that nobody should write, and how each must end.
--
-- `ends`: the reason of its end, for those that end by themselves; the others are killed. `message`: a
-- part of what its parent is told. Each has 16 MiB of memory and finds `victim`, a name that is served.

---@class Hostile
---@field name string
---@field source string
---@field ends string?
---@field message string?
---@field properties table?
---@field is_asked boolean? its end is asked for first

local MEMORY, STACK = "memory limit exceeded", "stack overflow"

---@type Hostile[]
local hostile = {
    -- CPU
    { name = "loops", source = "while true do end" },
    { name = "loops within its limit", source = "while true do end", ends = "cpu",
        message = "more than 0.05 s in one turn (property cpu_turn)", properties = { cpu_turn = 0.05 } },
    { name = "loops in protected calls", source = "while true do pcall(error) end" },
    { name = "loops in protected calls within its limit", ends = "cpu", properties = { cpu_turn = 0.05 },
        source = "while true do pcall(function() while true do end end) end", message = "property cpu_turn" },
    { name = "loops in an error handler", ends = "cpu", properties = { cpu_turn = 0.05 },
        source = "xpcall(error, function() while true do end end)", message = "property cpu_turn" },
    { name = "loops in coroutines", source = [[
        local function nest(n) if n > 0 then coroutine.wrap(nest)(n - 1) else while true do end end end
        nest(100)
    ]] },
    { name = "loops in a metamethod", source = [[
        local t = setmetatable({}, { __index = function() while true do end end }) local _ = t.x
    ]] },
    { name = "loops in a comparison", source = [[
        local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() while true do end end)
    ]] },
    { name = "loops in a replacement", source = "('x'):gsub('x', function() while true do end end)" },
    { name = "loops in __close", source = [[
        local _ <close> = setmetatable({}, { __close = function() while true do end end })
    ]] },
    { name = "loops in __tostring", source = [[
        print(setmetatable({}, { __tostring = function() while true do end end }))
    ]] },
    { name = "loops in a handler", source = [[
        os.bind("hostile.loop", function() while true do end end)
        os.send(0, "hostile.loop")
        os.pull("terminate")
    ]] },
    { name = "matches for ever", source = "(('a'):rep(200)):find(('a*'):rep(30) .. 'b')" },
    { name = "matches for ever within its limit", source = "(('a'):rep(200)):find(('a*'):rep(30) .. 'b')",
        ends = "cpu", message = "cannot be interrupted (property cpu_turn)",
        properties = { cpu_turn = 0.05 } },
    { name = "ignores the end", is_asked = true,
        source = "os.spawn(function() while true do os.pull('terminate') end end)" },
    -- memory
    { name = "fills a table", source = "local t = {} for i = 1, math.huge do t[i] = i end", ends = "memory" },
    { name = "fills a map", ends = "memory",
        source = "local t = {} for i = 1, math.huge do t['k' .. i] = {} end" },
    { name = "doubles a string", source = "local s = 'x' while true do s = s .. s end", ends = "error",
        message = "not enough memory" },
    { name = "repeats a string", source = "return #('x'):rep(1 << 40)", ends = "error" },
    { name = "repeats a string again and again", ends = "memory",
        source = "local t = {} while true do t[#t + 1] = ('x'):rep(1 << 16) end" },
    { name = "makes closures", ends = "memory",
        source = "local t = {} while true do t[#t + 1] = function() return t end end" },
    { name = "makes coroutines", ends = "memory",
        source = "local t = {} while true do t[#t + 1] = coroutine.create(print) end" },
    { name = "concatenates", ends = "memory", message = "(property memory)",
        source = "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 17) end print(#table.concat(t))" },
    { name = "unpacks", source = "return select('#', table.unpack({}, 1, 1e7))", ends = "error",
        message = "too many results to unpack" },
    { name = "compiles", ends = "memory",
        source = "local s = 'return 1' while true do s = s .. '+1' .. s:sub(7) load(s) end" },
    { name = "catches what memory says", ends = "memory", message = MEMORY,
        source = "local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end" },
    { name = "catches it in tasks", ends = "memory", message = MEMORY, source = [[
        local t = {}
        local function fill() while true do t[#t + 1] = {} end end
        for _ = 1, 4 do os.spawn(function() while true do pcall(fill) end end) end
    ]] },
    { name = "calls itself", source = "local function f() return 1 + f() end f()",
        ends = "memory", message = MEMORY },
    { name = "calls itself with much memory", source = "local function f() return 1 + f() end f()",
        ends = "error", message = STACK, properties = { memory = 256 << 20 } },
    { name = "calls itself through C", ends = "error", message = STACK,
        source = "local function f() return (('x'):gsub('x', f)) end f()" },
    { name = "calls itself in an error handler", ends = "error",
        source = "local function f() error(f) end xpcall(f, f) error('done')", message = "done" },
    { name = "raises in an error handler", ends = "exit",
        source = "for _ = 1, 1e3 do xpcall(error, function() error('again') end) end" },
    { name = "nests tables for others", ends = "error", message = "too deep",
        source = "local t = {} for _ = 1, 1e5 do t = { t } end os.call(0, 'victim', t)" },
    -- floods
    { name = "prints", source = "while true do print(('x'):rep(1000)) end" },
    { name = "logs", source = "while true do os.send(0, 'log', 'error', ('x'):rep(1000)) end" },
    { name = "calls without waiting", source = "while true do os.call(0, 'victim', 'x') end" },
    { name = "calls without wanting an answer", source = "while true do os.send(0, 'victim', 'x') end" },
    { name = "calls with all it has",
        source = "local s = ('x'):rep(4 << 20) while true do os.call(0, 'victim', s) end" },
    { name = "calls nobody", source = "while true do os.call(0, 'nobody.' .. math.random(1 << 30)) end" },
    { name = "calls itself by name", source = [[
        os.bind("hostile.self", function() return os.rpc.hostile.self() end)
        os.rpc.hostile.self()
    ]], ends = "error", message = "LIMIT_CALLS_PER_PAIR" },
    { name = "cancels", source = "while true do os.cancel(os.call(0, 'victim', 'x')) end" },
    { name = "answers what nobody asked", source = "for i = 1, math.huge do os.answer(i, 0) end" },
    { name = "answers twice", source = [[
        os.bind("hostile.twice")
        os.spawn(function() while true do pcall(os.rpc.hostile.twice) end end)
        while true do
            local call = os.pull("call")
            for _ = 1, 100 do os.answer(call.cid, 0, "x") end
        end
    ]] },
    { name = "forwards in circles", source = [[
        os.bind("hostile.circle")
        os.spawn(function() while true do pcall(os.rpc.hostile.circle) end end)
        while true do os.forward(os.pull("call").cid, 0, "hostile.circle") end
    ]] },
    { name = "binds", source = "for i = 1, math.huge do os.bind('hostile.' .. i) end" },
    { name = "binds and unbinds", source = "while true do os.bind('hostile.x') os.unbind('hostile.x') end" },
    { name = "makes contexts", source = "local t = {} while true do t[#t + 1] = os.context() end" },
    { name = "makes contexts in contexts", source = [[
        local c = os.context() while true do c = os.context({ default = 'forward', to = c }) or c end
    ]] },
    { name = "routes", source = [[
        local c, names = os.context(), {}
        for i = 1, 256 do names[i] = 'name.' .. i end
        while true do os.route(c, { deny = names, default = 'forward', to = 0 }) end
    ]] },
    { name = "listens", source = "for i = 1, math.huge do os.listen(0, 'hostile.' .. i) end" },
    { name = "pushes", source = "while true do os.push(0, 'hostile.queue', ('x'):rep(1000)) end" },
    { name = "pushes to itself", source = [[
        os.listen(0, "hostile.queue") while true do os.push(0, "hostile.queue", ("x"):rep(1000)) end
    ]] },
    { name = "waits", source = "while true do os.call(0, 'alarm', 1000) end" },
    { name = "wakes up",
        source = "for _ = 1, 60 do os.spawn(function() while true do os.rpc.alarm(0) end end) end" },
    { name = "makes tasks", source = "while true do os.spawn(function() os.pull('never') end) end" },
    { name = "makes tasks that make tasks", source = "local function f() os.spawn(f) os.spawn(f) end f()" },
    { name = "runs itself", source = [[
        local source = os.args[1]
        while true do os.run_code(source, { args = { source }, name = 'hostile' }) end
    ]] },
    { name = "runs what ends", source = "while true do os.run_code('') end" },
    { name = "runs what is no program",
        source = "while true do os.run_code('x = = 1') os.run('nosuch') end" },
    { name = "opens data", source = "while true do os.data() end" },
    { name = "fills its data", ends = "error", message = "more than its limit of 16777216",
        source = "local d = os.data() for i = 1, math.huge do d:set('k' .. i, ('x'):rep(60000)) end" },
    { name = "locks", source = [[
        local d = os.data() for i = 1, math.huge do os.spawn(d.lock, d, "l" .. i) os.rpc.alarm(0) end
    ]] },
    { name = "kills", source = "for pid = 1, math.huge do os.kill(pid % 40, 'kill') end" },
    { name = "hands out handles", source = [[
        local c = os.context() while true do for pid = 1, 40 do os.share(c, pid) end end
    ]] },
    { name = "closes what is not its own",
        source = "while true do for n = 0, 1000 do pcall(os.close, n) end end" },
    { name = "sends through channels", ends = "memory",
        source = "local c = os.chan(1 << 20) while true do c:send(('x'):rep(100)) end" },
    -- escapes
    { name = "loads a binary", source = "assert(load('\\27Lua', 'x', 'b'))",
        ends = "error", message = "attempt to load a binary chunk" },
    { name = "looks for the outside", ends = "exit", source = [[
        local function lacks(t, names) for name in names:gmatch("%w+") do assert(t[name] == nil, name) end end
        lacks(_G, "io package dofile loadfile")
        lacks(os, "execute getenv remove rename tmpname setlocale")
        lacks(debug, "sethook getregistry setuservalue setupvalue setmetatable")
        assert(not pcall(require, "../../etc/passwd"))
    ]] },
    { name = "collects with a finalizer",
        source = "setmetatable({}, { __gc = function() while true do end end })",
        ends = "error", message = "__gc" },
    { name = "ends twice", source = "os.spawn(os.exit, 3) os.exit(4)", ends = "exit" },
    { name = "returns nonsense", source = "return 1 << 40",
        ends = "error", message = "an exit status is 0 to 63" },
    { name = "raises a table", source = "error({})", ends = "error", message = "error object is a table" },
}

return hostile
