-- Values go to another process and come back as they were. Row 34.
local tap = require("tap")
local child = require("child")

local server = child.run([[
    os.bind("echo", function(...) return ... end)
    os.bind("types", function(...)
        local types = {}
        for i = 1, select("#", ...) do
            types[i] = math.type((select(i, ...))) or type((select(i, ...)))
        end
        return table.concat(types, " ")
    end)
    report()
]])
server:report()

local function echo(value, name)
    tap.is(os.rpc.echo(value), value, name)
end

-- row 34: the plain ones
echo(nil, "nil")
echo(true, "true")
echo(false, "false")
echo(0, "an integer")
echo(-1, "a negative integer")
echo(math.maxinteger, "the largest integer")
echo(math.mininteger, "the smallest integer")
for bits = 1, 62 do
    local n = 1 << bits
    if os.rpc.echo(n) ~= n or os.rpc.echo(-n - 1) ~= -n - 1 then
        tap.ok(false, "powers of two: 2^" .. bits)
    end
end
echo(0.0, "a float that could be an integer stays a float")
echo(2.0 ^ 53, "a large one too")
echo(0.1, "a fraction")
echo(5e-324, "the smallest float")
echo(math.huge, "infinity")
echo(-math.huge, "minus infinity")
echo(0 / 0, "not a number")
tap.is(1 / os.rpc.echo(-0.0), -math.huge, "minus zero keeps its sign")
echo("", "an empty string")
echo("a\0b\0", "zero bytes in a string")
echo("\xff\xfe\x80 no UTF-8", "bytes that are no UTF-8")
local all_bytes = {}
for byte = 0, 255 do
    all_bytes[#all_bytes + 1] = string.char(byte)
end
echo(table.concat(all_bytes), "every byte")
tap.is(os.rpc.types(1, 1.0, "1", true, nil, {}), "integer float string boolean nil table",
    "types arrive as they are")

-- row 34: counts
tap.is(select("#", os.rpc.echo()), 0, "no value is no value")
tap.is(select("#", os.rpc.echo(nil)), 1, "one nil is one value")
tap.is(select("#", os.rpc.echo(1, nil, nil)), 3, "nils at the end count")
tap.is(select("#", os.rpc.echo(table.unpack({}, 1, 200))), 200, "200 of them")

-- row 34: tables
tap.same(os.rpc.echo({}), {}, "an empty table")
tap.same(os.rpc.echo({ 1, 2.5, "x", { y = { true } } }), { 1, 2.5, "x", { y = { true } } }, "nested tables")
tap.same(os.rpc.echo({ [1] = "a", [3] = "c", n = 3 }), { [1] = "a", [3] = "c", n = 3 }, "a list with a hole")
tap.same(os.rpc.echo({ [2.5] = 1, [-1] = 2, [true] = 3, ["\0"] = 4 }),
    { [2.5] = 1, [-1] = 2, [true] = 3, ["\0"] = 4 }, "keys of every kind")
local shared = { 1 }
local pair = os.rpc.echo({ shared, shared })
tap.ok(pair[1] ~= pair[2] and pair[2][1] == 1, "a table that occurs twice is two tables")

local function nested(depth)
    local value = {}
    for _ = 2, depth do
        value = { value }
    end
    return value
end
tap.same(os.rpc.echo(nested(64)), nested(64), "64 levels")
tap.raises("nested too deep (limit 64)", "65 levels are refused in the sender", function()
    os.call(0, "echo", nested(65))
end)

local cycle = {}
cycle[1] = { cycle }
tap.raises("the table contains itself", "a cycle", function() os.call(0, "echo", cycle) end)
tap.raises("cannot send a function", "a function", function() os.call(0, "echo", print) end)
tap.raises("args[2].x[3]", "the error says where", function()
    os.call(0, "echo", 1, { x = { 1, 2, print } })
end)
tap.raises("cannot send a thread", "a coroutine", function()
    os.call(0, "echo", coroutine.create(print))
end)
tap.raises("metatable", "a table with a metatable", function() os.call(0, "echo", setmetatable({}, {})) end)
tap.is(os.rpc.echo("after"), "after", "none of the refused was sent: the next answer is the next call's")

-- row 34: the raw answer event
local cid = os.call(0, "echo", 1, "a", nil, { x = 1 })
local event = os.pull(cid)
tap.is(event.type, "answer", "an answer is an event")
tap.is(event.cid, cid, "with the cid")
tap.is(event.status_code, os.status.OK, "with the status")
tap.is(event.pid, server.pid, "with the pid of who answered")
tap.same(event.args, { 1, "a", nil, { x = 1 }, n = 4 }, "with the values")

-- Long values, in several frames.
local long = string.rep("0123456789abcde\n", 65536)
tap.ok(os.rpc.echo(long) == long, "1 MiB in one string")
local list = {}
for i = 1, 50000 do
    list[i] = i * 1.5
end
tap.same(os.rpc.echo(list), list, "50,000 numbers")

server:kill()
tap.done()
