-- A mailbox: programs take the events they want, the others wait in order. Row 39.
local tap = require("tap")

os.bind("inbox")
local alarm = os.call(0, "alarm", 0)
for i = 1, 3 do
    os.send(0, "inbox", i)
end
local other = os.call(0, "alarm", 0)

-- row 39: three calls may be waiting; the answers are taken first
local answers = { [os.pull("answer").cid] = true, [os.pull("answer").cid] = true }
tap.ok(answers[alarm] and answers[other], "pull('answer') passes over the calls")
tap.is(os.pull().args[1], 1, "pull() gives the calls")
tap.is(os.pull({ name = "inbox" }).args[1], 2, "in their order")
tap.is(os.pull(function(event) return event.type == "call" end).args[1], 3, "to every kind of filter")
tap.is(os.pull(nil, 0), nil, "and then there is nothing")

-- By cid, in another order than they arrive.
local first, second = os.call(0, "alarm", 0), os.call(0, "alarm", 0.01)
tap.is(os.pull(second).cid, second, "a pull by cid waits for that answer")
tap.is(os.pull(first, 0).cid, first, "the earlier one is still there")

-- A predicate that fails, and one that finds something in the middle.
for i = 1, 5 do
    os.send(0, "inbox", i)
end
local function is_fourth(event)
    return event.args and event.args[1] == 4
end
tap.is(os.pull(is_fourth).args[1], 4, "a predicate chooses")
tap.is(os.pull(function() return false end, 0), nil, "one that takes nothing takes nothing")
local rest = {}
for i = 1, 4 do
    rest[i] = os.pull("call").args[1]
end
tap.same(rest, { 1, 2, 3, 5 }, "the others keep their order")

-- Events that it does not want cost a predicate one look each, however many there are. Row 39.
local n_many, cids = 8000, {}
for i = 1, n_many do
    cids[i] = os.call(0, "nobody")
    if i % 100 == 0 then
        os.rpc.alarm(0)
    end
end
local n_seen, cpu = 0, os.clock()
tap.is(os.pull(function()
    n_seen = n_seen + 1
    return false
end, 0), nil, "a predicate refuses all of many events")
tap.is(n_seen, n_many, "it sees each of them once")
tap.lasts(os.clock() - cpu, 0, 0.06, "in time that grows with their number only")
for i = 1, n_many do
    if os.pull("answer").cid ~= cids[i] then
        tap.ok(false, "and leaves them in their order")
    end
end

tap.raises("unknown event type 'cal'", "an unknown type is a mistake", os.pull, "cal")
tap.raises("unknown key 'nmae'", "so is an unknown key", os.pull, { nmae = "x" })

-- row 46
os.send(0, "inbox", "no answer wanted")
local event = os.pull("call")
tap.is(event.oneway, true, "a one-way call says that it is one")
tap.refused(os.status.BADCID, "nobody can answer it", os.answer(event.cid, os.status.OK))
tap.is(os.send(0, "nobody"), true, "os.send returns true even when nobody serves the name")
tap.is(os.call({ name = "inbox", oneway = true, args = { "x", n = 2 } }), true, "os.call can be one-way too")
tap.same(os.pull("call").args, { "x", nil, n = 2 }, "with its arguments")
tap.is(os.pull(nil, 0), nil, "no answer came to any of them")

-- Two tasks: each gets the answers to its own calls. Row 24.
local results = {}
local function ask(name, delay)
    local cid = os.call(0, "alarm", delay)
    local is_own = os.pull("answer").cid == cid
    results[#results + 1] = { name, is_own }
end
local slow = os.spawn(ask, "slow", 0.03)
for i = 1, 5 do
    os.spawn(ask, i, 0)
end
os.join(slow)
tap.is(#results, 6, "one task waits, the others go on")
for _, result in ipairs(results) do
    if not result[2] then
        tap.ok(false, "a task gets its own answers: " .. result[1])
    end
end
tap.is(results[6][1], "slow", "in whatever order they come")

tap.done()
