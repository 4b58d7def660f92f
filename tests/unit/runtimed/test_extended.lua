--- The extended runtime under the stock interpreter: prints TAP. Argument: the folder of runtimes.

local tap = dofile((arg[0]:gsub("[^/]*$", "tap.lua")))
local folder = arg[1]
local test, equal, fails = tap.test, tap.equal, tap.fails

local function near(got, expected)
    if math.abs(got - expected) > 1e-15 * math.abs(expected) then
        error(("got %.17g, expected %.17g"):format(got, expected), 2)
    end
end

--- A program's environment as the native runtime leaves it.
local function new_env()
    local env = {}
    for key, value in pairs(_G) do
        env[key] = value
    end
    env._G = env
    for _, name in ipairs({ "table", "math", "string" }) do
        local copy = {}
        for key, value in pairs(env[name]) do
            copy[key] = value
        end
        env[name] = copy
    end
    return env
end

local extended = assert(loadfile(folder .. "/extended.lua"))()
local env = extended.setup(new_env())
local bit32, math32, tab = env.bit32, env.math, env.table

test("native returns the environment it was given", function()
    local native = assert(loadfile(folder .. "/native.lua"))()
    local given = new_env()
    equal(native.setup(given), given)
    equal(given.unpack, nil)
end)

test("row 71: a program of Lua 5.1 runs under extended and fails under native", function()
    local source = [[
        local a, b = unpack({ 1, 2 })
        local f = loadstring("return 40 + ...")
        return f(b) + table.getn({ a, b }) + math.pow(2, 3) + bit32.band(7, 5)
    ]]
    equal(load(source, "=p", "t", env)(), 57)
    fails("attempt to call a nil value (global 'unpack')", load(source, "=p", "t", new_env()))
end)

test("loadstring tells syntax errors", function()
    local f, message = env.loadstring("x = = 1", "=here")
    equal(f, nil)
    equal(message, "here:1: unexpected symbol near '='")
end)

test("loadstring passes arguments and results through", function()
    equal(select("#", env.loadstring("return ...")(1, nil, nil)), 3)
end)

test("setfenv gives a loaded chunk another environment", function()
    local f = env.loadstring("return x")
    local other = { x = 5 }
    equal(env.setfenv(f, other), f)
    equal(f(), 5)
    equal(env.getfenv(f), other)
end)

test("setfenv says why it cannot change other functions", function()
    fails("setfenv works only on functions made by loadstring", env.setfenv, print, {})
    fails("setfenv works only on functions made by loadstring", env.setfenv, 1, {})
    fails("table expected, got nil", env.setfenv, print)
end)

test("getfenv of anything else is the global environment", function()
    equal(env.getfenv(1), env)
    equal(env.getfenv(), env)
end)

test("table.foreach stops at a result, foreachi goes in order", function()
    equal(tab.foreach({ a = 1 }, function(k, v) return k .. v end), "a1")
    local seen = {}
    tab.foreachi({ 3, 4 }, function(i, v) seen[i] = v end)
    equal(seen[2], 4)
    equal(tab.maxn({ 1, nil, 3, [7.5] = true }), 7.5)
    fails("obsolete", tab.setn, {}, 1)
end)

test("frexp and ldexp are exact and inverse", function()
    for _, x in ipairs({ 1, -3.5, 0.1, 2 ^ -1074, 1.7976931348623157e308, 2 ^ -1022, 12345678.9 }) do
        local fraction, exponent = math32.frexp(x)
        assert(math.abs(fraction) >= 0.5 and math.abs(fraction) < 1)
        equal(math32.ldexp(fraction, exponent), x)
    end
    equal(math32.frexp(0), 0)
    equal(math32.frexp(math.huge), math.huge)
end)

test("hyperbolic functions keep their digits near zero", function()
    near(math32.sinh(1e-8), 1e-8)
    near(math32.sinh(0.25), 0.25261231680816831)
    near(math32.sinh(-1), -1.1752011936438014)
    near(math32.cosh(1), 1.5430806348152437)
    near(math32.tanh(0.5), 0.46211715726000976)
    equal(math32.tanh(1000), 1.0)
end)

test("pow, log10, mod, atan2", function()
    equal(math32.pow(2, 10), 1024.0)
    near(math32.log10(1000), 3.0)
    equal(math32.mod(-7, 3), -1)
    equal(math32.atan2(0, 1), 0.0)
end)

test("string.gfind is gmatch", function()
    equal(env.string.gfind("a1", "%d")(), "1")
end)

test("bit32 takes numbers modulo 2^32", function()
    equal(bit32.band(-1), 0xffffffff)
    equal(bit32.bor(2 ^ 32 + 5), 5)
    equal(bit32.bnot(0), 0xffffffff)
    equal(bit32.bxor(0xff, 0x0f), 0xf0)
    equal(bit32.band(), 0xffffffff)
    equal(bit32.bor(1e20), math.tointeger(math.fmod(1e20, 2 ^ 32)))
    fails("no integer representation", bit32.bnot, 1 / 0)
    fails("number expected, got table", bit32.bnot, {})
end)

test("bit32 shifts and rotates", function()
    equal(bit32.lshift(1, 31), 0x80000000)
    equal(bit32.lshift(1, 32), 0)
    equal(bit32.lshift(4, -1), 2)
    equal(bit32.rshift(0x80000000, 31), 1)
    equal(bit32.rshift(1, -4), 16)
    equal(bit32.rshift(1, 64), 0)
    equal(bit32.arshift(0x80000000, 31), 0xffffffff)
    equal(bit32.arshift(0x80000000, 40), 0xffffffff)
    equal(bit32.arshift(0x40000000, 30), 1)
    equal(bit32.arshift(0x80000001, -1), 2)
    equal(bit32.lrotate(0x80000001, 1), 3)
    equal(bit32.rrotate(3, 1), 0x80000001)
    equal(bit32.lrotate(0x12345678, 64), 0x12345678)
end)

test("bit32 fields", function()
    equal(bit32.extract(0xabcd, 4, 8), 0xbc)
    equal(bit32.extract(0x80000000, 31), 1)
    equal(bit32.replace(0xabcd, 0xff, 4, 8), 0xaffd)
    equal(bit32.replace(0, 1, 31), 0x80000000)
    equal(bit32.extract(0xffffffff, 0, 32), 0xffffffff)
    equal(bit32.btest(6, 1), false)
    fails("non-existent bits", bit32.extract, 1, 31, 2)
    fails("field cannot be negative", bit32.extract, 1, -1)
    fails("width must be positive", bit32.replace, 1, 1, 0, 0)
end)

test("nothing of the environment is taken away", function()
    for key, value in pairs(new_env()) do
        if type(value) ~= "table" then
            equal(env[key], value)
        end
    end
end)

tap.finish()
