--- The runtime "extended": functions that Lua 5.1, 5.2 and 5.3 had and Lua 5.4 has not, so that older
-- programs run unchanged. It adds names to the environment and takes none away.

local abs, exp, floor, fmod, log = math.abs, math.exp, math.floor, math.fmod, math.log
local tointeger = math.tointeger
local unpack = table.unpack

-- 5.1's environments of functions ---------------------------------------------------------------

-- In Lua 5.4 an environment is a variable that a function was compiled with. What loadstring returns can
-- be compiled again for another one; any other function cannot be changed from outside.
local environment = {}
environment.__index = environment

function environment.new(globals)
    return setmetatable({ globals = globals, chunks = setmetatable({}, { __mode = "k" }) }, environment)
end

function environment:loadstring(source, name)
    local main, message = load(source, name or source, "t", self.globals)
    if not main then
        return nil, message
    end
    local chunk = { source = source, name = name or source, env = self.globals, main = main }
    local function run(...)
        return chunk.main(...)
    end
    self.chunks[run] = chunk
    return run
end

function environment:setfenv(target, env)
    if type(env) ~= "table" then
        error("bad argument #2 to 'setfenv' (table expected, got " .. type(env) .. ")", 3)
    end
    local chunk = self.chunks[target]
    if not chunk then
        error("setfenv works only on functions made by loadstring: Lua 5.4 gives every other function "
            .. "its environment when it is compiled; use load(source, name, 't', env)", 3)
    end
    chunk.main = assert(load(chunk.source, chunk.name, "t", env))
    chunk.env = env
    return target
end

function environment:getfenv(target)
    local chunk = self.chunks[target]
    return chunk and chunk.env or self.globals
end

local function add_base(env)
    local fenv = environment.new(env)

    env.unpack = env.unpack or unpack
    env.loadstring = function(source, name)
        return fenv:loadstring(source, name)
    end
    env.setfenv = function(target, table)
        return fenv:setfenv(target, table)
    end
    env.getfenv = function(target)
        return fenv:getfenv(target)
    end
    env.gcinfo = function()
        return collectgarbage("count")
    end
end

-- table, string ---------------------------------------------------------------------------------

local function foreach(t, fn)
    for key, value in pairs(t) do
        local result = fn(key, value)
        if result ~= nil then
            return result
        end
    end
end

local function foreachi(t, fn)
    for i = 1, #t do
        local result = fn(i, t[i])
        if result ~= nil then
            return result
        end
    end
end

local function maxn(t)
    local largest = 0
    for key in pairs(t) do
        if type(key) == "number" and key > largest then
            largest = key
        end
    end
    return largest
end

local function add_table(t)
    t.foreach = foreach
    t.foreachi = foreachi
    t.maxn = maxn
    t.getn = function(list)
        return #list
    end
    t.setn = function()
        error("table.setn is obsolete: a table's length follows from its elements", 2)
    end
end

-- math ------------------------------------------------------------------------------------------

-- Fraction in [0.5, 1) and exponent, read from the bits: exact for every number.
local function frexp(x)
    if x == 0 or x ~= x or x - x ~= 0 then
        return x, 0
    end
    local bits = string.unpack("<i8", string.pack("<d", x))
    local exponent = bits >> 52 & 0x7ff
    if exponent == 0 then
        local fraction, e = frexp(x * 2.0 ^ 54)
        return fraction, e - 54
    end
    bits = bits & ~(0x7ff << 52) | 1022 << 52
    return string.unpack("<d", string.pack("<i8", bits)), exponent - 1022
end

-- In two steps, so that a factor alone does not overflow.
local function ldexp(fraction, exponent)
    local half = exponent // 2
    return fraction * 2.0 ^ half * 2.0 ^ (exponent - half)
end

-- The definition loses all digits near zero; there the series is exact to the last one.
local function sinh(x)
    if abs(x) >= 0.3 then
        return (exp(x) - exp(-x)) / 2
    end
    local sum, square = 1, x * x
    for n = 12, 2, -2 do
        sum = 1 + sum * square / (n * (n + 1))
    end
    return x * sum
end

local function cosh(x)
    return (exp(x) + exp(-x)) / 2
end

local function tanh(x)
    if abs(x) > 20 then
        return x > 0 and 1.0 or -1.0
    end
    return sinh(x) / cosh(x)
end

local function add_math(m)
    m.pow = function(x, y)
        return x ^ y
    end
    m.log10 = function(x)
        return log(x, 10)
    end
    m.atan2 = m.atan
    m.mod = fmod
    m.frexp, m.ldexp = frexp, ldexp
    m.sinh, m.cosh, m.tanh = sinh, cosh, tanh
end

-- bit32 -----------------------------------------------------------------------------------------

local MASK <const> = 0xffffffff

-- Any number modulo 2^32, as 5.2 has it.
local function u32(x)
    local i = tointeger(x)
    if not i then
        if type(x) ~= "number" then
            error("bit32: number expected, got " .. type(x), 3)
        end
        i = tointeger(fmod(floor(x), 2.0 ^ 32))
        if not i then
            error("bit32: number has no integer representation", 3)
        end
    end
    return i & MASK
end

local function fold(operate, start)
    return function(...)
        local result = start
        for i = 1, select("#", ...) do
            result = operate(result, u32((select(i, ...))))
        end
        return result
    end
end

-- A negative distance shifts the other way.
local function shift(x, left)
    if left <= -32 or left >= 32 then
        return 0
    end
    return (left >= 0 and x << left or x >> -left) & MASK
end

local function arshift(x, right)
    local value = u32(x)
    if right <= 0 or value < 0x80000000 then
        return shift(value, -right)
    end
    return right >= 32 and MASK or (value >> right | ~(MASK >> right)) & MASK
end

local function rotate(x, left)
    local by = left % 32
    return (x << by | x >> (32 - by)) & MASK
end

local function field_mask(field, width)
    width = width or 1
    if field < 0 then
        error("bit32: field cannot be negative", 3)
    elseif width < 1 then
        error("bit32: width must be positive", 3)
    elseif field + width > 32 then
        error("bit32: trying to access non-existent bits", 3)
    end
    return (1 << width) - 1
end

local function new_bit32()
    local band = fold(function(a, b) return a & b end, MASK)
    return {
        band = band,
        bor = fold(function(a, b) return a | b end, 0),
        bxor = fold(function(a, b) return a ~ b end, 0),
        bnot = function(x) return ~u32(x) & MASK end,
        btest = function(...) return band(...) ~= 0 end,
        arshift = arshift,
        lshift = function(x, by) return shift(u32(x), by) end,
        rshift = function(x, by) return shift(u32(x), -by) end,
        lrotate = function(x, by) return rotate(u32(x), by) end,
        rrotate = function(x, by) return rotate(u32(x), -by) end,
        extract = function(x, field, width)
            return u32(x) >> field & field_mask(field, width)
        end,
        replace = function(x, value, field, width)
            local mask = field_mask(field, width)
            return u32(x) & ~(mask << field) | (u32(value) & mask) << field
        end,
    }
end

return {
    --- Called before the program's first line; the program gets what it returns.
    setup = function(env)
        add_base(env)
        add_table(env.table)
        add_math(env.math)
        env.string.gfind = env.string.gmatch
        env.bit32 = env.bit32 or new_bit32()
        return env
    end,
}
