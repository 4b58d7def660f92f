-- Groups: tasks that fail together, or do not. Row 123.
local tap = require("tap")

local function wait_for_ever()
    os.chan():recv()
end

-- isolate
local group = os.group()
local broken = group:spawn(error, "broken")
local whole = group:spawn(function()
    os.rpc.alarm(0.01)
    return "whole"
end)
tap.is(group:join(), true, "isolate: a group ends when all its tasks have ended")
tap.same({ os.join(whole) }, { true, "whole" }, "an error ends only its task") -- row 122
tap.same({ os.join(broken) }, { false, "broken" }, "which has it as its result")
tap.is(group:join(), true, "a group without tasks is joined at once")

-- propagate
group = os.group({ policy = "propagate" })
local reason = { code = 7 }
local is_closed = false
local waiting = group:spawn(function()
    local mark <close> = setmetatable({}, { __close = function() is_closed = true end })
    wait_for_ever()
    return mark
end)
local busy = group:spawn(function()
    while true do
    end
end)
local never_run
group:spawn(function()
    never_run = group:spawn(print, "is killed before it runs")
    error(reason)
end)
tap.same({ group:join() }, { false, reason }, "propagate: the error is that of the group")
tap.is(select(2, os.join(waiting)), reason, "of a member that waited")
tap.is(select(2, os.join(busy)), reason, "of one that computed")
tap.is(select(2, os.join(never_run)), reason, "and of one that had not begun")
tap.ok(is_closed, "to-be-closed variables of the killed are closed")
tap.refused(os.status.DEAD, "a failed group takes no more tasks", group:spawn(print))
tap.is(select(2, group:join()), reason, "and stays failed")

-- notifyleader
group = os.group({ policy = "notifyleader" })
waiting = group:spawn(wait_for_ever)
group:spawn(function()
    os.rpc.alarm(0.01)
    error("the leader must know", 0)
end)
tap.same({ group:join() }, { false, "the leader must know" }, "notifyleader: the leader gets the error")
tap.same({ os.join(waiting) }, { false, "killed" }, "the other members are killed")

-- Members of members.
group = os.group({ policy = "propagate" })
local grandchild
group:spawn(function()
    grandchild = os.spawn(wait_for_ever)
    os.join(os.spawn(os.spawn, error, "deep below"))
end)
tap.same({ group:join() }, { false, "deep below" }, "what a member spawns is a member")
tap.same({ os.join(grandchild) }, { false, "deep below" }, "and ends with the others")

-- Groups within groups.
group = os.group({ policy = "notifyleader" })
local inner, inner_task
group:spawn(function()
    inner = os.group({ policy = "propagate" })
    inner_task = inner:spawn(wait_for_ever)
    local is_well, message = inner:join()
    return is_well, message
end)
coroutine.yield()
tap.refused(os.status.TIMEOUT, "join has a timeout", group:join(0))
group:spawn(error, "outside")
tap.same({ group:join() }, { false, "outside" }, "an error outside")
tap.same({ os.join(inner_task) }, { false, "killed" }, "ends the groups within")
tap.same({ inner:join() }, { false, "killed" }, "which have not failed themselves")
tap.refused(os.status.DEAD, "but take no more tasks", inner:spawn(print))

group = os.group({ policy = "propagate" })
local outer_task = group:spawn(function()
    inner = os.group({ policy = "propagate" })
    inner:spawn(error, "inside")
    return inner:join()
end)
tap.is(group:join(), true, "an error inside is contained by the group inside")
tap.same({ os.join(outer_task) }, { true, false, "inside" }, "for its leader to handle")

-- Killing.
group = os.group()
local victims = { group:spawn(wait_for_ever), group:spawn(os.pull),
    group:spawn(function() os.rpc.alarm(60) end) }
coroutine.yield()
tap.is(os.kill(group), true, "a group is killed")
tap.same({ group:join() }, { false, "killed" }, "and says so")
for i, victim in ipairs(victims) do
    tap.same({ os.join(victim) }, { false, "killed" }, "victim " .. i .. " is gone")
end
group = os.group()
local is_alive = false
group:spawn(function()
    group:kill()
    is_alive = true
end)
tap.same({ group:join() }, { false, "killed" }, "a member may kill its group")
tap.is(is_alive, false, "and itself with it")
group = os.group()
group:spawn(function()
    local spawned <close> = setmetatable({}, { __close = function() os.spawn(wait_for_ever) end })
    wait_for_ever()
    return spawned
end)
coroutine.yield()
group:kill()
tap.is(group:join(5), false, "a last wish is refused to who is being killed")

-- Mistakes.
tap.raises("unknown policy 'none'", "an unknown policy is a mistake", os.group, { policy = "none" })
tap.raises("unknown key 'polcy'", "so is an unknown key", os.group, { polcy = "isolate" })
tap.raises("bad argument #1 to 'spawn' (function expected", "spawn wants a function", function()
    os.group():spawn("x")
end)
group = os.group()
local joining = group:spawn(function() return group:join() end)
tap.has(select(2, os.join(joining)), "a task cannot join its own group", "a member cannot wait for itself")
tap.raises("group expected", "os.kill takes no other userdata", os.kill, os.handle(0))
local function nest(depth)
    local made, status = os.group()
    if not made then
        return depth, status
    end
    local _, reached, refusal = os.join(made:spawn(nest, depth + 1))
    return reached, refusal
end
tap.same({ nest(0) }, { 16, os.status.LIMIT }, "groups within groups have a limit")
tap.done()
