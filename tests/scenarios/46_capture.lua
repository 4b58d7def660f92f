-- A program that plays the system for another: os.capture hands it what a coroutine asks, os.syscall
-- does it for real.
local tap = require("tap")

local function answer(cid, ...)
    return { type = "answer", cid = cid, pid = 0, status_code = os.status.OK, args = table.pack(...),
        n = select("#", ...) }
end

---os.capture, on and on where only a slice has ended.
local function capture(co, ...)
    local asked = table.pack(os.capture(co, ...))
    while asked[1] == "preempt" do
        asked = table.pack(os.capture(co))
    end
    return table.unpack(asked, 1, asked.n)
end

---Runs `co` with everything it asks for real; what it returned. Each request is shown to `see`.
local function transmit(co, see, ...)
    local asked = table.pack(os.capture(co, ...))
    while asked[1] ~= "return" and asked[1] ~= "error" do
        if see then
            see(table.unpack(asked, 1, asked.n))
        end
        if asked[1] == "yield" then
            asked = table.pack(os.capture(co, coroutine.yield(table.unpack(asked, 2, asked.n))))
        else
            asked = table.pack(os.capture(co, os.syscall(table.unpack(asked, 1, asked.n))))
        end
    end
    return table.unpack(asked, 1, asked.n)
end

---The requests that `body` makes, each answered with nothing: {kind, arguments…}.
local function requests(body, ...)
    local co, seen = coroutine.create(body), {}
    local asked = table.pack(capture(co, ...))
    while asked[1] ~= "return" and asked[1] ~= "error" do
        seen[#seen + 1] = asked
        asked = table.pack(capture(co))
    end
    return seen, asked
end

-- row 26: a program that asks what time it is gets the answer of its harness
local n_served = 0
os.bind("clock", function()
    n_served = n_served + 1
end)
local program = coroutine.create(function(...)
    local args = table.pack(...)
    local cid = os.call(0, "clock", "now", nil)
    local event = os.pull(cid)
    return args.n, event.args[1], os.rpc.clock("then")
end)
local kind, ctx, name, word, none = capture(program, 1, nil)
tap.same({ kind, ctx, name, word, none }, { "call", 0, "clock", "now" }, "a call is handed over, not made")
tap.is(coroutine.status(program), "suspended", "the program waits for its capturer")
tap.same({ capture(program, -1) }, { "pull", -1 }, "a cid of the capturer's is what it waits for")
local asked = table.pack(capture(program, answer(-1, 42)))
tap.same({ asked[1], asked[2], asked[3], asked[4] }, { "call", os.handle(0), "clock", "then" },
    "an rpc is a call")
tap.same({ capture(program, -2) }, { "pull", -2 }, "and a pull of its answer")
tap.same({ capture(program, answer(-2, 43)) }, { "return", 2, 42, 43 }, "the answers reach the program")
tap.same({ capture(program) }, { "error", "cannot resume dead coroutine" }, "then it has ended")
os.rpc.clock()
tap.is(n_served, 1, "the tree has seen none of this") -- row 26
os.unbind("clock")

-- row 26: refusals are the capturer's as well
local function rpc_with(...)
    local co = coroutine.create(function()
        local is_ok, failure = pcall(os.rpc.disk.read, "x")
        return is_ok, failure.status, failure.name, failure.message
    end)
    capture(co)
    local result = table.pack(capture(co, ...))
    if result[1] == "pull" then
        result = table.pack(capture(co, { type = "answer", status_code = 13, args = { "full" } }))
    end
    return table.unpack(result, 1, result.n)
end
tap.same({ rpc_with(-5) }, { "return", false, 13, "disk.read", "full" }, "a refusal by an answer")
tap.same({ rpc_with(nil, os.status.DENIED, "no") }, { "return", false, 4, "disk.read", "no" },
    "a refusal at once")
tap.same({ rpc_with(nil, 1 << 40, "no") },
    { "return", false, os.status.PROTO, "disk.read", "the capture gave no cid" },
    "a status that is none refuses as well")
tap.same({ rpc_with() }, { "return", false, os.status.PROTO, "disk.read", "the capture gave no cid" },
    "a capturer that says nothing is a refusal too")
tap.same({ capture(coroutine.create(function()
    return os.bind("x")
end)) }, { "bind", "x" }, "what can be refused is asked like everything else")

-- row 26: a clock that only the harness moves
local clock, due, log = 1000, {}, {}
local function play(co, ...)
    local request = table.pack(capture(co, ...))
    while request[1] ~= "return" and request[1] ~= "error" do
        local what, first, second = request[1], request[2], request[3]
        local reply
        if what == "monotonic" or what == "time" then
            reply = clock
        elseif what == "call" and second == "alarm" then
            reply = -1 - #due
            due[reply] = clock + request[4]
            due[#due + 1] = reply
        elseif what == "pull" and due[first] then
            clock = math.max(clock, due[first])
            reply = answer(first)
        elseif what == "pull" then
            clock = clock + second
        else
            error("unexpected request " .. what)
        end
        log[#log + 1] = what
        request = table.pack(capture(co, reply))
    end
    return table.unpack(request, 1, request.n)
end
local started = os.monotonic()
tap.same({ play(coroutine.create(function()
    local first = os.monotonic()
    os.rpc.alarm(3600)
    local event = os.pull("call", 60)
    return os.monotonic() - first, event, os.time(), os.date("!%H:%M"), os.date("!%H:%M", 60)
end)) }, { "return", 3660, nil, 4660, "01:17", "00:01" }, "an hour passes when the harness says so")
tap.ok(os.monotonic() - started < 60, "not by waiting for it")
tap.is(table.concat(log, " "), "monotonic call pull pull monotonic time time",
    "each question of the time was asked")

-- wrong use raises inside, before anything is asked
local function raises_inside(...)
    local seen, ended = requests(function(fn, ...)
        local is_ok, message = pcall(fn, ...)
        return is_ok, message
    end, ...)
    return #seen == 0 and ended[1] == "return" and ended[2] == false and ended[3]
end
tap.is(raises_inside(os.call, 0), "bad argument #2 to 'os.call' (string expected, got no value)",
    "wrong types raise in the program")
tap.is(raises_inside(os.push, "x", print), "info: cannot send a function", "also what cannot be pushed")
tap.is(raises_inside(os.call, 0, "x", print), "args[1]: cannot send a function", "also what cannot be sent")
tap.is(raises_inside(os.rpc.x, { print }), "args[1][1]: cannot send a function", "by rpc as well")
tap.is(raises_inside(os.answer, -1, 0, print), "values[1]: cannot send a function", "and in answers")
tap.ok(raises_inside(os.pull, true), "a filter that is none")
tap.ok(raises_inside(os.context, { to = true }), "a routing that is none")

-- row 27: a capturer that only transmits is not noticed
local function use_everything()
    local out = {}
    local function note(...)
        out[#out + 1] = table.pack(...)
    end
    local sid = os.bind("capture.echo", function(...)
        note(os.caller().name)
        return ...
    end)
    note(math.type(sid), os.bind("capture.echo"))
    note(os.rpc.capture.echo(1, nil, "x\0y", { 2.5 }))
    local cid = os.call({ ctx = 0, name = "capture.echo", args = { 7 }, timeout = 60 })
    local event = os.pull(function(event)
        return event.cid == cid
    end)
    note(event.status_code, event.args[1], event.n)
    note(os.unbind(sid))
    note(pcall(os.rpc.capture.echo))
    note(os.unbind("capture.echo"))
    note(os.join(os.spawn(function(...)
        return ..., os.pid()
    end, "joined")))
    note(select("#", os.pull("exit", 0)))
    local own = os.context()
    local raw = os.call(own, "raw", "question")
    local call = os.pull({ type = "call", ctx = own })
    note(call.name, call.args[1], call.pid, os.answer(call.cid, 70, "because"))
    note(os.pull(raw).status_code)
    note(os.answer(call.cid, 0))
    note(os.cancel(raw))
    note(os.send(own, "dropped"), os.pull("call").name)
    note(os.share(own, 0), os.close(own), os.close(own))
    local pid = os.run_code("os.exit(9)")
    note(os.pull({ type = "exit" }).pid == pid)
    note(os.run("no such program"))
    note(type(os.get_program("demo")), #os.list_programs() > 0)
    note(require("tap") == tap, pcall(require, "no such library"))
    note(math.type(os.time()), math.type(os.monotonic()), os.time({ year = 2001, month = 2, day = 3 }),
        #os.date())
    note(pcall(os.call, 0))
    note(pcall(string.gsub, "x", "x", function()
        os.rpc.alarm(0)
    end))
    local generator = coroutine.wrap(function()
        for i = 1, 3 do
            os.rpc.alarm(0)
            coroutine.yield(i)
        end
    end)
    note(generator(), generator(), generator())
    note(coroutine.resume(coroutine.create(function()
        return coroutine.resume(coroutine.create(function()
            os.rpc.alarm(0)
            coroutine.yield("deep")
        end))
    end)))
    return out
end
local direct = use_everything()
local n_requests = 0
local outcome, captured = transmit(coroutine.create(use_everything), function()
    n_requests = n_requests + 1
end)
tap.is(outcome, "return", "a program runs to its end under a capture that transmits") -- row 27
if outcome ~= "return" then
    tap.note(captured)
    captured = {}
end
for i = 1, #direct do
    for _, out in ipairs({ direct, captured }) do
        for j = 1, out[i] and out[i].n or 0 do
            out[i][j] = type(out[i][j]) == "table" and out[i][j].message or out[i][j]
        end
    end
    tap.same(captured[i], direct[i], "and step " .. i .. " is as without it") -- row 27
end
tap.ok(n_requests > 40, "although everything was asked of the capturer")

-- row 27: a capture within a capture sees requests first, and its own syscalls are requests
local order = {}
local inner = coroutine.create(function()
    return os.rpc.alarm(0)
end)
local outer = coroutine.create(function()
    return transmit(inner, function(what)
        order[#order + 1] = "inner " .. what
    end)
end)
tap.same({ transmit(outer, function(what)
    order[#order + 1] = "outer " .. what
end) }, { "return", "return" }, "captures within captures")
tap.is(table.concat(order, ", "), "inner call, outer call, inner pull, outer pull",
    "the inner one is asked first")

-- a capture sees through any depth of coroutines, whose own yields stay theirs
local function deep(n)
    if n == 0 then
        coroutine.yield("own")
        return os.call(0, "bottom", n)
    end
    local next_one = coroutine.create(deep)
    local own = table.pack(coroutine.resume(next_one, n - 1))
    if own[2] == "own" then
        own = table.pack(coroutine.resume(next_one))
    end
    return own[2]
end
local seen, ended = requests(function()
    return deep(50)
end)
tap.same(seen, { { "call", 0, "bottom", 0, n = 4 } }, "fifty coroutines deep: one request")
tap.same(ended, { "return", nil, n = 2 }, "and its answer goes all the way")

-- row 25: what a capturer is asked nobody else answers
local middle
local top = coroutine.create(function()
    middle = coroutine.create(function()
        return os.pull("call")
    end)
    return coroutine.resume(middle)
end)
tap.same({ capture(top) }, { "pull", "call" }, "a request from within a coroutine")
tap.same({ coroutine.resume(middle, "forged") }, { false, "cannot resume non-suspended coroutine" },
    "the coroutine that asked cannot be resumed") -- row 25
tap.same({ capture(middle, "forged") }, { "error", "cannot resume non-suspended coroutine" }, "nor captured")
tap.same({ coroutine.resume(top, "forged") }, { false, "cannot resume non-suspended coroutine" },
    "nor the captured one by resume")
tap.is(coroutine.status(middle), "normal", "its status is that of one that waits")
tap.same({ capture(top, "real") }, { "return", true, "real" }, "the answer is the capturer's")
tap.same({ capture(coroutine.running()) }, { "error", "cannot resume non-suspended coroutine" },
    "nobody captures himself")
tap.raises("bad argument #1 to 'capture' (thread expected", "nor a function", function()
    os.capture(print)
end)
tap.raises("bad argument #1 to 'syscall' ('set_globals' is no kind of request)",
    "what is no request cannot be performed", function()
    os.syscall("set_globals", {})
end)

-- ends: errors, and closes that can ask nothing behind the capturer's back
local closed
local function with_close(body)
    local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = function()
            closed = table.pack(pcall(os.send, 0, "escaped"))
        end })
        body()
    end)
    closed = nil
    return co
end
local failing = with_close(function()
    error("wrong", 0)
end)
tap.same({ capture(failing) }, { "error", "wrong" }, "an error is told")
tap.is(coroutine.status(failing), "dead", "the program is dead then")
coroutine.close(failing)
tap.same(closed, { false, "syscall across a C-call boundary", n = 2 }, "its closes ask for nothing")
local waiting = with_close(function()
    os.pull()
end)
capture(waiting)
tap.is(coroutine.close(waiting), true, "a program that waits can be closed")
tap.same(closed, { false, "syscall across a C-call boundary", n = 2 }, "its closes ask for nothing either")
local yielding = with_close(coroutine.yield)
tap.same({ capture(yielding) }, { "yield" }, "its own yield is told as such")
coroutine.close(yielding)
tap.same(closed, { false, "syscall across a C-call boundary", n = 2 }, "nor after a yield")

-- where no yield is possible, nothing can be asked
seen, ended = requests(function()
    return pcall(string.gsub, "x", "x", function()
        os.send(0, "x")
    end)
end)
tap.is(#seen, 0, "from within a C function nothing is asked")
tap.ok(ended[2] == false and ended[3]:find("syscall across a C%-call boundary$"), "but raised")
-- an argument whose metamethod captures something itself
local nasty = setmetatable({}, { __index = function(_, key)
    capture(coroutine.create(function()
        pcall(os.call, 0)
        os.pull("exit", 7)
    end))
    return key == "name" and "nasty" or nil
end })
tap.same(requests(function()
    os.pull({ name = "x" }, 1)
    pcall(os.call, nasty)
    os.spawn(print, nasty)
end), { { "pull", { name = "x" }, 1, n = 3 }, { "call", nasty, n = 2 }, { "spawn", print, nasty, n = 3 } },
    "arguments are those of the request")

-- print is a call like another
local prints = requests(print, "a", 1)
tap.is(prints[1][1], "call", "print is a call")
tap.is(prints[1][4] == "a\t1\n" or prints[1][5] == "a\t1", true, "with the text")

-- row 29: two services share one task by capture
local function service(what)
    return coroutine.create(function()
        os.bind("capture." .. what)
        while true do
            local call = os.pull({ type = "call", name = "capture." .. what })
            os.answer(call.cid, 0, what .. " " .. call.args[1])
        end
    end)
end
local server = os.spawn(function()
    local services, waits = { a = service("a"), b = service("b") }, {}
    local function run(which, ...)
        local request = table.pack(capture(services[which], ...))
        while request[1] ~= "pull" do
            request = table.pack(capture(services[which], os.syscall(table.unpack(request, 1, request.n))))
        end
        waits[which] = request[2]
    end
    run("a")
    run("b")
    while true do
        local event = os.pull({ type = "call" })
        if event.name == "capture.stop" then
            return os.answer(event.cid, 0)
        end
        for which, filter in pairs(waits) do
            if filter.name == event.name then
                run(which, event)
                break
            end
        end
    end
end)
os.rpc.alarm(0)
while not pcall(os.rpc.capture.b, "?") do
    coroutine.yield()
end
tap.same({ os.rpc.capture.a("one"), os.rpc.capture.b("two"), os.rpc.capture.a("three") },
    { "a one", "b two", "a three" }, "two services multiplexed by capture both serve") -- row 29
os.kill({ tid = server })

-- a slice that ends is the capturer's, and everybody's
local busy = coroutine.create(function()
    while true do
    end
end)
tap.same({ os.capture(busy) }, { "preempt" }, "a program that computes comes back")
local n_others = 0
os.spawn(function()
    while n_others do
        n_others = n_others + 1
        coroutine.yield()
    end
end)
local function hold(co)
    return coroutine.create(function()
        while true do
            os.capture(co)
        end
    end)
end
local levels = hold(hold(busy))
for _ = 1, 5 do
    tap.same({ os.capture(levels, "ignored") }, { "preempt" }, "from within two captures too")
end
tap.ok(n_others >= 5, "and other tasks run meanwhile")
n_others = nil
tap.same({ os.syscall("preempt") }, {}, "performing it takes nothing more")

-- row 27: a yield of the program itself, performed, is what it is in a task
local n_turns = 0
local sibling = os.spawn(function()
    n_turns = n_turns + 1
end)
local yielder = coroutine.create(function()
    return select("#", coroutine.yield("nobody", "asks"))
end)
local request = table.pack(capture(yielder))
tap.same(request, { "yield", "nobody", "asks", n = 3 }, "a yield of its own can be performed")
tap.same({ capture(yielder, os.syscall(table.unpack(request))) }, { "return", 0 }, "it returns nothing")
tap.is(n_turns, 1, "when others have had their turn")
os.join(sibling)

-- row 27: a hundred captures within each other pass a slice outward once each
local function nest(n)
    if n > 0 then
        return select(2, transmit(coroutine.create(nest), nil, n - 1))
    end
    local started_at = os.monotonic()
    while os.monotonic() - started_at < 0.01 do
    end
    return "bottom"
end
started = os.monotonic()
tap.is(nest(100), "bottom", "a hundred captures within each other")
tap.lasts(os.monotonic() - started, 0.01, 5, "take no turns for one another")

-- every function of os is a request, is made of some, or asks nobody
local request_arguments = {
    alt = { { { os.chan(), "recv" } } }, answer = { -1, 0 }, bind = { "x" }, call = { 0, "x" }, caller = {},
    cancel = { -1 }, clock = {}, close = { 0 },
    connect = { "x" }, context = {}, exit = { 0 }, forward = { -1, 0 }, join = { 1 }, listen = { "x" },
    monotonic = {},
    pull = {}, push = { "x", 1 }, route = { 0, {} }, send = { 0, "x" }, share = { 0, 1 },
    spawn = { print }, tid = {}, time = {}, unbind = { "x" },
    unlisten = { 1 },
}
local made_of = {
    data = { "call" }, date = { "time" }, get_library = { "call", "x" }, get_program = { "call", "x" },
    get_runtime = { "call", "x" },
    kill = { "call", 1 }, list_libraries = { "call" }, list_programs = { "call" }, list_runtimes = { "call" },
    ready = { "call" }, run = { "call", "x" }, run_code = { "call", "x" }, run_file = { "call", "x" },
    run_program = { "call", "x" }, set_library = { "call", "x" }, set_program = { "call", "x" },
    set_runtime = { "call", "x" },
}
local asks_nobody = { capture = true, chan = true, difftime = true, group = true, handle = true, pid = true,
    ppid = true, syscall = true, uid = true }
local unknown = {}
for key, fn in pairs(os) do
    local arguments, first = request_arguments[key], made_of[key]
    if arguments then
        local got = table.pack(capture(coroutine.create(fn), table.unpack(arguments)))
        tap.same(got, { key, n = #arguments + 1, table.unpack(arguments) }, "os." .. key .. " is a request")
    elseif first then
        local got = capture(coroutine.create(function(...)
            return fn(...)
        end), table.unpack(first, 2))
        tap.is(got, first[1], "os." .. key .. " is made of requests")
    elseif type(fn) == "function" and not asks_nobody[key] then
        unknown[#unknown + 1] = key
    end
end
local channel, group = os.chan(), os.group()
tap.same(requests(function()
    channel:recv(1)
    channel:send("x")
    group:spawn(print)
    os.kill(group)
    os.kill({ tid = 1 })
end), { { "channel.recv", channel, 1, n = 3 }, { "channel.send", channel, "x", n = 3 },
    { "group.spawn", group, print, n = 3 }, { "kill_group", group, n = 2 }, { "kill_task", 1, n = 2 } },
    "methods are requests too")
tap.is(table.concat(unknown, " "), "", "each function of os is known to be one or the other")
tap.done()
