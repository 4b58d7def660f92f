-- Time: alarms are calls whose answer comes when it is due; calls may have a deadline.
local tap = require("tap")

local BADARGS, CANCELLED, LIMIT, OK, TIMEOUT =
    os.status.BADARGS, os.status.CANCELLED, os.status.LIMIT, os.status.OK, os.status.TIMEOUT

-- row 37
local n_turns, is_ticking = 0, true
os.spawn(function()
    while is_ticking do
        n_turns = n_turns + 1
        os.rpc.alarm(0.01)
    end
end)
local started = os.monotonic()
os.rpc.alarm(0.2)
tap.lasts(os.monotonic() - started, 0.2, 0.3, "an alarm is due after its time and not much later")
tap.between(n_turns, 2, 21, "it blocks its own task alone")
is_ticking = false

-- row 38
started = os.monotonic()
local cid = os.call(0, "alarm", 0.1)
tap.lasts(os.monotonic() - started, 0, 0.05, "an alarm as a call returns at once")
local event = os.pull(cid)
tap.is(event.status_code, OK, "its answer comes")
tap.lasts(os.monotonic() - started, 0.1, 0.2, "when it is due")

local late, early, now = os.call(0, "alarm", 0.06), os.call(0, "alarm", 0.03), os.call(0, "alarm", 0)
tap.same({ os.pull("answer").cid, os.pull("answer").cid, os.pull("answer").cid }, { now, early, late },
    "alarms fire in due order")

for value, what in pairs({ [-1] = "a negative time", [-math.huge] = "minus infinity", x = "a string" }) do
    tap.is(os.pull(os.call(0, "alarm", value)).status_code, BADARGS, what .. " is refused")
end
tap.is(os.pull(os.call(0, "alarm", 0 / 0)).status_code, BADARGS, "so is what is not a number")
tap.is(tap.raises("BADARGS", "os.rpc raises that", os.rpc.alarm, -1).status, BADARGS, "with the status")

-- row 38: cancelled
cid = os.call(0, "alarm", 3600)
tap.is(os.cancel(cid), true, "an alarm is cancelled")
tap.is(os.pull(cid).status_code, CANCELLED, "its one answer says so")
tap.refused(os.status.BADCID, "it cannot be cancelled twice", os.cancel(cid))

-- row 38: the limit
local cids = {}
for i = 1, 64 do
    cids[i] = os.call(0, "alarm", 3600)
end
tap.is(os.pull("answer", 0.05), nil, "64 alarms can be armed")
local over = os.pull(os.call(0, "alarm", 3600), 5)
tap.is(over and over.status_code, LIMIT, "one more is refused")
tap.has(over.args[1], "64", "the message names the limit")
for i = 1, 64 do
    os.cancel(cids[i])
    os.pull(cids[i])
end
os.rpc.alarm(0)
tap.ok(true, "after the cancels there is room again")

-- row 45
os.bind("silent")
started = os.monotonic()
cid = os.call({ name = "silent", timeout = 0.1 })
tap.is(os.pull("call").timeout ~= nil, true, "the server sees that there is a deadline")
tap.is(os.pull(cid).status_code, TIMEOUT, "a call with a deadline is answered TIMEOUT")
tap.lasts(os.monotonic() - started, 0.1, 0.2, "when it is over")
tap.is(os.pull("cancel").cid, cid, "the server learns that nobody waits any more")
tap.refused(CANCELLED, "its late answer is dropped", os.answer(cid, OK))

-- row 39
tap.is(os.pull(nil, 0), nil, "a pull with timeout 0 looks and returns")
started = os.monotonic()
tap.is(os.pull("exit", 0.05), nil, "a pull with a timeout gives up")
tap.lasts(os.monotonic() - started, 0.05, 0.15, "after that time")

tap.done()
