-- The stores: programs, libraries and runtimes by name, every version kept.
-- flags: --admin
local tap = require("tap")
local child = require("child")

local BADARGS, BADCODE, CONFLICT, NOTFOUND =
    os.status.BADARGS, os.status.BADCODE, os.status.CONFLICT, os.status.NOTFOUND

---Runs a stored program with what a child finds, and waits for its end.
local function run(name, options)
    local context = os.context()
    options = options or {}
    options.contexts = { scenario = context }
    local pid = assert(os.run(name, options))
    local reports = {}
    while true do
        local event = os.pull()
        if event.type == "call" then
            reports[#reports + 1] = event.args
            os.answer(event.cid, os.status.OK)
        elseif event.type == "exit" and event.pid == pid then
            os.close(context)
            return event, reports
        end
    end
end

local REPORT = "local report = os.rpc[os.contexts.scenario].report "

-- row 66
local version = os.set_program("story", REPORT .. "report('first', ...)")
tap.is(version, 1, "a program is stored")
local event, reports = run("story", { args = { "with", 2 } })
tap.is(event.status, 0, "and runs")
tap.same(reports[1], { "first", "with", 2, n = 3 }, "with its arguments")
tap.is(os.set_program("story", REPORT .. "report('second')"), 2, "a new version has the next number")
reports = select(2, run("story"))
tap.is(reports[1][1], "second", "and is what runs now")
local source, current = os.get_program("story")
tap.has(source, "second", "its source can be read")
tap.is(current, 2, "with its version")
tap.has(os.get_program("story", 1), "first", "the earlier one too")
tap.is(os.rpc.program.rollback("story"), 3, "a rollback is a new version")
tap.has(os.get_program("story"), "first", "with the earlier source")
local versions = os.rpc.program.versions("story")
tap.same({ versions[1].version, versions[2].version, versions[3].version }, { 3, 2, 1 },
    "versions are listed from the newest")
os.set_program("story2", "")
tap.is(run("story2").status, 0, "an empty program is a program")
local names = {}
for _, name in ipairs(os.list_programs()) do
    names[name] = true
end
tap.ok(names.story and names.story2 and names.init, "they are in the list, beside those that came with thox")
local sorted = os.list_programs()
table.sort(sorted)
tap.same(os.list_programs(), sorted, "which is sorted")

-- row 66: what is refused
tap.refused(BADCODE, "source that does not compile is refused", os.set_program("story", "x = = 1"))
local _, _, message = os.set_program("story", "-- first line\nx = = 1")
tap.has(message, "story:2:", "with name and line")
tap.has(os.get_program("story"), "first", "and changes nothing")
for _, name in ipairs({ "", "a/b", "a#b", "@a", "..", "a\0b", string.rep("x", 129) }) do
    if select(2, os.set_program(name, "")) ~= BADARGS then
        tap.ok(false, string.format("%q is no name for a program", name))
    end
end
tap.refused(BADCODE, "bytecode is no source", os.set_program("story", "\27Lua"))

-- row 81
tap.refused(CONFLICT, "a stale version is a conflict", os.set_program("story", "", 1))
tap.is(os.set_program("story", "-- fourth", 3), 4, "the current one is none")
tap.refused(CONFLICT, "0 wants that there is none yet", os.set_program("story", "", 0))
tap.is(os.set_program("story3", "", 0), 1, "and there was none")

-- row 66: removal
tap.is(os.set_program("story3", nil), 2, "a program is removed")
tap.refused(NOTFOUND, "then it is not found", os.get_program("story3"))
tap.refused(NOTFOUND, "and does not run", os.run("story3"))
tap.is(os.rpc.program.rollback("story3"), 3, "a rollback brings it back")
tap.is(os.get_program("story3"), "", "as it was")
for _, name in ipairs({ "story", "story2", "story3" }) do
    os.set_program(name, nil)
end

-- row 67
local LIBRARY = [[
    local counter = { n = 0, name = ... }
    function counter.next() counter.n = counter.n + 1 return counter.n end
    return counter
]]
os.set_library("counter", LIBRARY)
local counter = require("counter")
tap.ok(counter == require("counter"), "require gives the same table every time")
tap.same({ counter.next(), counter.next(), counter.name }, { 1, 2, "counter" }, "of this process's own")
local c = child.run("report(require('counter').next())")
tap.is(c:report(), 1, "another process has its own")
c:exit()
os.set_library("counter", "return 'new'")
tap.is(require("counter"), counter, "a process keeps the version it has")
c = child.run("report(require('counter'))")
tap.is(c:report(), "new", "another gets the new one")
c:exit()
tap.raises("library 'nosuch' cannot be loaded", "what is not there is named", require, "nosuch")
os.set_library("held",
    "if not is_second_time then is_second_time = true os.rpc.alarm(60) end return 'loaded'")
local first = os.spawn(require, "held")
os.rpc.alarm(0.02)
local second = os.spawn(require, "held")
os.rpc.alarm(0.02)
os.kill({ tid = first })
tap.same({ os.join(second, 5) }, { true, "loaded" },
    "who waits for a library goes on when its loader is killed")
os.set_library("circle.a", "return require('circle.b')")
os.set_library("circle.b", "return require('circle.a')")
tap.raises("requires itself", "a circle is an error", require, "circle.a")
os.set_library("nothing", "")
tap.is(require("nothing"), true, "a library that returns nothing is true")
os.set_library("broken", "error('at load')")
tap.raises("at load", "an error in a library is the caller's", require, "broken")
tap.raises("at load", "each time", require, "broken")
coroutine.resume(coroutine.create(require), "broken")
tap.raises("at load", "also after a coroutine that failed with it", require, "broken")
os.set_library("slow", "os.rpc.alarm(0.02) return {}")
local tasks, slow = {}, {}
for i = 1, 3 do
    tasks[i] = os.spawn(function() slow[i] = require("slow") end)
end
for i = 1, 3 do
    os.join(tasks[i])
end
tap.ok(slow[1] and slow[1] == slow[2] and slow[2] == slow[3], "tasks that require it together get one")
for _, path in ipairs({ "/etc/passwd", "../tap", "./tap", "tap.lua" }) do
    if pcall(require, path) then
        tap.ok(false, "no file is a library: " .. path)
    end
end
for _, name in ipairs({ "counter", "circle.a", "circle.b", "nothing", "broken", "slow" }) do
    os.set_library(name, nil)
end

-- row 68
os.set_runtime("greeting", [[
    return { setup = function(env, program, args)
        env.greet = function(who) return "hello " .. who .. " " .. args[1] end
        return env
    end }
]])
os.set_program("guest", REPORT .. "report(greet and greet('you'))")
_, reports = run("greeting#guest", { args = { "x" } })
tap.is(reports[1][1], "hello you x", "a runtime prepares the program's globals")
_, reports = run("guest", { runtime = "greeting", args = { "y" } })
tap.is(reports[1][1], "hello you y", "by option too")
_, reports = run("guest")
tap.is(reports[1][1], nil, "and only when it is asked for")
tap.refused(NOTFOUND, "an unknown runtime is not found", os.run("nosuch#guest"))
-- row 69
tap.refused(BADARGS, "two that differ are refused", os.run("greeting#guest", { runtime = "native" }))

-- rows 73, 146: a runtime that fails
os.set_runtime("failing", "return { setup = function() error('no world today') end }")
event, reports = run("failing#guest")
tap.is(event.reason, "runtime", "a runtime that fails is the reason of the end")
tap.has(event.message, "no world today", "with its message")
tap.is(#reports, 0, "the program never started")
os.set_runtime("failing", "return 'nothing useful'")
event = run("failing#guest")
tap.is(event.reason, "runtime", "so is one that is none")
tap.has(event.message, "setup", "and it says what is missing")

-- row 74
os.set_runtime("shouting", [[
    return { setup = function(env)
        local greet = env.greet
        env.greet = function(who) return greet(who):upper() end
        return env
    end }
]])
_, reports = run("greeting+shouting#guest", { args = { "z" } })
tap.is(reports[1][1], "HELLO YOU Z", "runtimes are chained from left to right")

-- row 71
local OLD = REPORT .. [[
    local t = { 1, 2, 3 }
    report(table.getn(t), math.pow(2, 3), bit32.band(6, 3), select("#", unpack(t)), loadstring("return 5")())
]]
os.set_program("old", OLD)
event, reports = run("extended#old")
tap.is(event.status, 0, "an older program runs under extended")
tap.same(reports[1], { 3, 8.0, 2, 3, 5, n = 5 }, "and finds what it needs")
event = run("old")
tap.is(event.reason, "error", "under native it fails")
tap.has(event.message, "getn", "for what is missing")

-- rows 63, 79: a part of the administration, handed on
local delegated = os.rpc.store.delegate("x.")
c = child.run([[
    local admin = os.rpc[os.contexts.admin]
    report(admin.program.set("x.mine", "return 1"))
    report(select(2, pcall(admin.program.set, "mine", "")).status)
    report(select(2, pcall(admin.library.rollback, "tap")).status)
    report(select(2, pcall(os.rpc.program.set, "x.mine", "")).status)
    report(os.exit and #os.rpc[os.contexts.admin].program.get("x.mine"))
]], { contexts = { admin = delegated }, ctx = os.context({ allow = { "program.get" }, to = 0 }) })
tap.is(c:report(), 1, "a delegate of 'x.' stores what begins with it")
tap.is(c:report(), os.status.DENIED, "and nothing else")
tap.is(c:report(), os.status.DENIED, "in no store")
tap.is(c:report(), os.status.DENIED, "and only through what it was given")
tap.is(c:report(), 8, "and may read")
c:exit()
os.close(delegated)
os.set_program("x.mine", nil)

for _, name in ipairs({ "guest", "old" }) do
    os.set_program(name, nil)
end
for _, name in ipairs({ "greeting", "failing", "shouting" }) do
    os.set_runtime(name, nil)
end

-- Wrong types raise, with the function and the argument's position.
for wrong, call in pairs({
    ["#1 to 'os.get_program' (string expected"] = { os.get_program },
    ["#2 to 'os.get_library' (nil or number"] = { os.get_library, "x", "2" },
    ["#2 to 'os.set_runtime' (nil or string"] = { os.set_runtime, "x", print },
    ["#3 to 'os.set_program' (nil or number"] = { os.set_program, "x", "", "2" },
    ["#4 to 'os.set_program' (nil or string"] = { os.set_program, "x", "", 1, {} },
}) do
    tap.raises("bad argument " .. wrong, wrong, table.unpack(call))
end

tap.done()
