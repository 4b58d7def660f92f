-- What a program finds is a short list; nothing on it leads out. Rows 19, 70, 126.
local tap = require("tap")

-- row 19: everything that can be reached: tables, metatables, and what debug shows of functions
local seen, paths = {}, {}
local function walk(value, path)
    if value == nil or seen[value] then
        return
    end
    seen[value], paths[#paths + 1] = path, path
    local meta = getmetatable(value)
    if type(meta) == "table" then
        walk(meta, path .. "<meta>")
    end
    if type(value) == "table" then
        for key, item in next, value do
            walk(key, path .. "<key>")
            walk(item, path .. "." .. tostring(key))
        end
    elseif type(value) == "function" then
        local info = debug.getinfo(value)
        for key, item in pairs(info) do
            if type(item) ~= "string" and type(item) ~= "number" and type(item) ~= "boolean" then
                walk(item, path .. "<info>." .. key)
            end
        end
    end
end
walk(_G, "_G")
walk(getmetatable(""), "<string>")
walk(os.handle(0), "<handle>")
local _, failure = pcall(os.rpc.nope)
walk(failure, "<error>")
tap.ok(#paths > 150, "the walk goes through " .. #paths .. " values")

local others = {}
for value, path in pairs(seen) do
    if type(value) == "userdata" or type(value) == "thread" then
        others[path] = type(value)
    end
end
tap.same(others, {
    ["<handle>"] = "userdata", ["_G.os.contexts.console"] = "userdata", ["_G.os.rpc"] = "userdata",
}, "beside tables and functions there are only handles and os.rpc")

local forbidden = {
    "io", "package", "dofile", "loadfile", "os.execute", "os.remove", "os.rename", "os.tmpname",
    "os.getenv", "os.setlocale", "string.dump", "debug.sethook", "debug.gethook", "debug.getregistry",
    "debug.getlocal", "debug.getupvalue", "debug.setupvalue", "debug.upvaluejoin", "debug.upvalueid",
    "debug.setlocal", "debug.getmetatable", "debug.setmetatable", "debug.getuservalue", "debug.debug",
    "debug.setuservalue", "debug.setcstacklimit", "collectgarbage.stop",
}
for _, name in ipairs(forbidden) do
    local value = _G
    for part in name:gmatch("[^.]+") do
        value = type(value) == "table" and value[part] or nil
    end
    if value ~= nil then
        tap.ok(false, name .. " is not there")
    end
end
for value, path in pairs(seen) do
    for _, word in ipairs({ "sethook", "registry", "upvalue", "execute", "popen", "dlopen", "loadlib" }) do
        if path:find(word, 1, true) then
            tap.ok(false, path .. " is not there: " .. tostring(value))
        end
    end
end
for i = 0, 5 do
    local info = debug.getinfo(i)
    if info and (info.func or info.activelines) then
        tap.ok(false, "getinfo gives no functions of other levels")
    end
end

-- row 19: the coroutine library is ours: only ours knows that nobody resumes the main coroutine
tap.is(select(2, coroutine.running()), true, "coroutine is the one that works with tasks")

-- row 19: what cannot be changed
tap.is(getmetatable(""), "string", "the metatable of strings is locked")
tap.raises("cannot change a protected metatable", "a locked one cannot be replaced", setmetatable,
    setmetatable({}, { __metatable = 1 }), {})
tap.is(("x").upper, string.upper, "methods of strings are those of the table string")
tap.is(getmetatable(os.handle(0)), "context", "nor can that of handles be had")
tap.is(getmetatable(os.rpc), false, "nor that of os.rpc")

-- Code that would break the machine.
local chunk, message = load("\27Lua", "x", "b")
tap.is(chunk, nil, "binary chunks are not loaded")
tap.has(message, "binary", "for that reason")
chunk, message = load("\27LuaS", "x")
tap.is(chunk, nil, "also when nobody says that they are")
tap.has(message, "binary", "for the same reason")
tap.raises("binary", "not even from a function", function()
    local piece = "\27Lua"
    return assert(load(function()
        local now = piece
        piece = nil
        return now
    end))
end)
tap.raises("__gc is not available", "there are no finalizers", setmetatable, {}, { __gc = print })
tap.raises("not enough memory", "a string longer than memory is an error", string.rep, "x", 1 << 30)
tap.raises("invalid option 'stop'", "the collector cannot be stopped", collectgarbage, "stop")
local generator = load("local n = ... return n + 1")
tap.is(generator(1), 2, "text is loaded")
tap.is(load("return _ENV")(), _G, "with the program's globals")
tap.is(load("x = 1 return x", "x", "t", {})(), 1, "or others")
tap.is(x, nil, "which are then the only ones changed") -- luacheck: ignore

-- A program may change what it sees, for itself.
local library, old = string, string.format
library.format = function() return "changed" end -- luacheck: ignore
local text = tostring(select(2, pcall(os.bind, {})))
library.format = old -- luacheck: ignore
tap.has(text, "bad argument", "the system does not depend on it")

tap.done()
