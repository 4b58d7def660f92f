--- The libraries of the boot store under the stock interpreter: prints TAP. Argument: their folder.

local tap = dofile((arg[0]:gsub("[^/]*$", "tap.lua")))
local folder = arg[1]
local test, equal, fails = tap.test, tap.equal, tap.fails

local expect = dofile(folder .. "/expect.lua")

local function greet(name, times)
    expect(1, name, "string")
    expect(2, times, "integer", "nil")
    return name
end

test("expect returns the value it accepts", function()
    equal(expect(1, "a", "number", "string"), "a")
    equal(expect(1, nil, "nil"), nil)
    equal(expect(1, 2, "integer"), 2)
    equal(greet("Ada"), "Ada")
end)

test("expect names argument, function and types, in the caller's line", function()
    local here = debug.getinfo(1, "l").currentline + 1
    local function call() greet("Ada", 1.5) end
    fails("test_libraries.lua:" .. here ..
        ": bad argument #2 to 'greet' (integer or nil expected, got float)", call)
    fails("bad argument #1 (string expected, got no value)", greet)
end)

test("expect.field checks a field", function()
    equal(expect.field({ size = 3 }, "size", "number"), 3)
    fails("bad field 'size' (number expected, got no value)", expect.field, {}, "size", "number")
end)

test("expect.range checks bounds, either of which may be open", function()
    equal(expect.range(3, 1, 5), 3)
    equal(expect.range(3, nil, 3), 3)
    fails("number 6 is out of range (1 to 5)", expect.range, 6, 1, 5)
    fails("out of range (1 to inf)", expect.range, 0, 1)
    fails("out of range", expect.range, 0 / 0)
end)

test("log sends a line of its level without waiting", function()
    local sent
    local real_send = os.send
    os.send = function(...) sent = table.concat({ ... }, "|") end
    local log = dofile(folder .. "/log.lua")

    for _, level in ipairs({ "error", "warning", "info", "debug" }) do
        log[level]("%d of %s", 3, "x")
        equal(sent, "0|log|" .. level .. "|3 of x")
    end
    log.info("100%")
    equal(sent, "0|log|info|100%")
    os.send = real_send
end)

tap.finish()
