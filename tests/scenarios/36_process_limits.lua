-- What a process may bind and run is a property of it: its children get no more.
local tap = require("tap")
local child = require("child")

local BADARGS, DENIED, LIMIT, NOTFOUND =
    os.status.BADARGS, os.status.DENIED, os.status.LIMIT, os.status.NOTFOUND

-- row 51: names
local servant = child.run([[
    report(os.bind("house.kitchen"))
    report(os.bind("garden"))
    report(os.bind(os.context(), "garden"))
    report(os.bind("single"))
    report(os.bind("single.more"))
    report(os.unbind("single"))
]], { properties = { bind = { "house.*", "single" } } })
tap.ok(servant:report(), "a process binds the names that its property allows")
local _, status, message = servant:report()
tap.is(status, DENIED, "and no others")
tap.has(message, "property bind", "the message names the property")
tap.refused(DENIED, "not even in a context of its own", servant:report())
tap.ok(servant:report(), "a name without '*' is one name")
tap.refused(DENIED, "and no longer one", servant:report())
tap.is(servant:report(), true, "it unbinds as ever")
servant:exit()

local mute = child.run("report(os.bind('x'))", { properties = { bind = {} } })
tap.refused(DENIED, "an empty list allows nothing", mute:report())
mute:exit()

-- row 51: programs
local RUNNER = [[
    local function try(run, ...)
        local pid, status, message = run(...)
        if pid then os.pull("exit") end
        report(pid ~= nil, status, message)
    end
    try(os.run, "nobody")
    try(os.run, "extended#nobody")
    try(os.run, { program = "nobody", runtime = "extended" })
    try(os.run, "somebody")
    try(os.run_code, "return 0")
]]
-- Programs that are not there: NOTFOUND says that running them was allowed.
local function run_with(patterns)
    local c = child.run(RUNNER, { properties = { run = patterns } })
    local statuses, text = {}, nil
    for i = 1, 5 do
        local is_run, code, why = c:report()
        statuses[i] = is_run and "OK" or os.status[code]
        text = code == DENIED and why or text
    end
    c:exit()
    return table.concat(statuses, " "), text
end
local results, why = run_with({})
tap.is(results, "DENIED DENIED DENIED DENIED DENIED", "with an empty list a process runs nothing")
tap.has(why, "property run", "the message names the property")
tap.is((run_with({ "nobody" })), "NOTFOUND DENIED DENIED DENIED DENIED", "with a name it runs that program")
tap.is((run_with({ "extended#*" })), "DENIED NOTFOUND NOTFOUND DENIED DENIED",
    "a runtime is part of the name, however it is asked for")
tap.is((run_with({ "no*", "extended#nobody" })), "NOTFOUND NOTFOUND NOTFOUND DENIED DENIED",
    "patterns are names and prefixes")
tap.is((run_with({ "*" })), "NOTFOUND NOTFOUND NOTFOUND NOTFOUND OK",
    "only '*' allows code that is no program")
tap.is((run_with(nil)), "NOTFOUND NOTFOUND NOTFOUND NOTFOUND OK", "as does no list")

-- row 51: children inherit, and only shrink
local parent = child.run([[
    local function grandchild(bind)
        os.run_code([=[
            local report = os.rpc[os.contexts.scenario].report
            local function may(name) return os.bind(name) ~= nil end
            report(may("a.1"), may("a.b.1"), may("c"), may("d"))
        ]=], { contexts = os.contexts, properties = { bind = bind } })
        os.pull("exit")
    end
    grandchild(nil)
    grandchild({ "*" })
    grandchild({ "a.b.*", "c", "d" })
    grandchild({ "d" })
    grandchild({})
]], { properties = { bind = { "a.*", "c" }, run = { "*" } } })
tap.same({ parent:report() }, { true, true, true, false }, "a child may bind what its parent may")
tap.same({ parent:report() }, { true, true, true, false }, "and not more by asking for everything")
tap.same({ parent:report() }, { false, true, true, false }, "it has what both lists allow")
tap.same({ parent:report() }, { false, false, false, false }, "which may be nothing")
tap.same({ parent:report() }, { false, false, false, false }, "and is with an empty list")
parent:exit()

-- Bad lists
tap.refused(BADARGS, "a list is a list", os.run_code("", { properties = { bind = "a" } }))
tap.refused(BADARGS, "of names", os.run_code("", { properties = { bind = { 1 } } }))
tap.refused(BADARGS, "or patterns", os.run_code("", { properties = { bind = { "a/b" } } }))
tap.refused(BADARGS, "'#' stands in names of programs alone",
    os.run_code("", { properties = { bind = { "a#b" } } }))
tap.refused(BADARGS, "and once", os.run_code("", { properties = { run = { "a#b#c" } } }))
tap.refused(BADARGS, "a name is not empty", os.run_code("", { properties = { run = { "" } } }))
local many = {}
for i = 1, 257 do
    many[i] = "name" .. i
end
local _, code, text = os.run_code("", { properties = { bind = many } })
tap.is(code, LIMIT, "a list has an end")
tap.has(text, "LIMIT_PATTERNS", "the message names the limit")
tap.is(select(2, os.run("nobody", { properties = { run = {} } })), NOTFOUND,
    "the list is the child's, not the caller's")
-- row 51: numbers. What a process is limited to limits what it runs.
local limited = child.run([[
    local function try(properties)
        local pid, status, message = os.run_code("return 0", { properties = properties })
        if pid then os.pull("exit") end
        report(pid ~= nil, status, message)
    end
    try({})
    try({ memory = 4 << 20, cpu_turn = 0.5, watchdog = 5 })
    try({ memory = (8 << 20) + 1 })
    try({ cpu_turn = 2 })
    try({ cpu_turn = 0 })
    try({ watchdog = 11 })
    try({ watchdog = 0 })
    os.run_code("local t = {} while true do t[#t + 1] = { #t } end", { name = "greedy" })
    report(os.pull("exit", 10).message)
    os.run_code("while true do end", { name = "endless" })
    report(os.pull("exit", 10).message)
]], { properties = { memory = 8 << 20, cpu_turn = 1, watchdog = 10 } })
tap.ok(limited:report(), "a limited process runs children")
tap.ok(limited:report(), "to which it gives less than it has")
for _, wanted in ipairs({
    "memory: 8388609 is more than the 8388608 that process",
    "cpu_turn: 2 s is more than the 1 s", "cpu_turn: none is more than the 1 s",
    "watchdog: 11 s is more than the 10 s", "watchdog: none is more than the 10 s",
}) do
    local is_run, refusal, why_not = limited:report()
    tap.ok(not is_run and refusal == DENIED, "but no more")
    tap.has(why_not, wanted, "as the message says")
end
tap.has(limited:report(), "memory limit exceeded (8 MiB", "without a word they have what it has")
tap.has(limited:report(), "more than 1 s in one turn", "of everything")
limited:exit()

tap.done()
