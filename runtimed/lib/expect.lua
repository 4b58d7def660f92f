--- expect: checks of arguments whose messages say what was wrong and where.
--
--     local expect = require("expect")
--     local function greet(name, times)
--         expect(1, name, "string")
--         expect(2, times, "integer", "nil")

local expect = {}

-- Lua's types, and the two kinds of number.
local function is(value, wanted)
    if wanted == "integer" or wanted == "float" then
        return math.type(value) == wanted
    end
    return type(value) == wanted
end

local function is_any(value, ...)
    for i = 1, select("#", ...) do
        if is(value, (select(i, ...))) then
            return true
        end
    end
    return false
end

local function describe(value)
    return value == nil and "no value" or math.type(value) or type(value)
end

-- " to 'greet'", when the function that checks its argument has a name.
local function where()
    local getinfo = debug and debug.getinfo
    local info = getinfo and getinfo(3, "n")
    return info and info.name and " to '" .. info.name .. "'" or ""
end

local function check(_, index, value, ...)
    if is_any(value, ...) then
        return value
    end
    error(("bad argument #%d%s (%s expected, got %s)"):format(
        index, where(), table.concat({ ... }, " or "), describe(value)), 3)
end

--- A field of a table argument; returns its value.
---@param tbl table
---@param key string
---@param ... string the types that it may have
function expect.field(tbl, key, ...)
    local value = tbl[key]
    if is_any(value, ...) then
        return value
    end
    error(("bad field '%s' (%s expected, got %s)"):format(
        key, table.concat({ ... }, " or "), describe(value)), 3)
end

--- A number within bounds; returns it.
---@param value number
---@param min number?
---@param max number?
function expect.range(value, min, max)
    if value ~= value or min and value < min or max and value > max then
        error(("number %s is out of range (%s to %s)"):format(
            value, min or "-inf", max or "inf"), 3)
    end
    return value
end

--- expect(index, value, type, ...) returns the value or raises in the caller's caller.
return setmetatable(expect, { __call = check })
