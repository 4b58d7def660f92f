--- The program's world, built before anything of the program runs.
--
-- Called once with `native`: the standard libraries and the worker's own functions. Whatever is not
-- copied out of it here cannot be reached by a program. Methods of strings are called through locals:
-- a program may change the tables it is given.

local native = ...

local base, stock_string, stock_os = native.base, native.string, native.os
local assert, error, ipairs, pcall, select, tostring, type =
    base.assert, base.error, base.ipairs, base.pcall, base.select, base.tostring, base.type
local pairs, load = base.pairs, base.load
local find, format, sub = stock_string.find, stock_string.format, stock_string.sub
local concat, unpack = native.table.concat, native.table.unpack
local ask, handle = native.ask, native.handle

---Copies the named fields.
local function pick(from, names)
    local to = {}
    for _, name in ipairs(names) do
        to[name] = from[name]
    end
    return to
end

-- Statuses -----------------------------------------------------------------------------------------

local status = {}
for code = 0, native.n_statuses - 1 do
    local name = native.status_name(code)
    status[name], status[code] = code, name
end

---A call on context 0 whose refusal is `nil, status, message`.
local function request(name, ...)
    local function finish(code, ...)
        if code == status.OK then
            return ...
        end
        return nil, code, (...)
    end
    return finish(ask(0, name, ...))
end

local function expect(index, value, name, ...)
    local have = type(value)
    for i = 1, select("#", ...) do
        if have == select(i, ...) then
            return value
        end
    end
    error(format("bad argument #%d to '%s' (%s expected, got %s)", index, name,
        concat({ ... }, " or "), have), 3)
end

-- Parts that few programs need, each loaded when it is first used ----------------------------------

local loaded = {}

local function part(name)
    if not loaded[name] then
        loaded[name] = native.load_part(name)(native)
    end
    return loaded[name]
end

native.request, native.expect, native.status = request, expect, status

-- Events -------------------------------------------------------------------------------------------

local function take_first(pull, predicate)
    for event, serial in native.peek, pull do
        if predicate(event) and native.take(serial) then
            return event
        end
    end
end

native.set_pull_with(function(predicate, timeout)
    local deadline, pull = native.deadline(timeout), native.new_pull()
    while true do
        local event = take_first(pull, predicate)
        if event then
            return event
        end
        if deadline and native.deadline(0) >= deadline then
            return nil
        end
        native.wait_untried(pull, deadline)
    end
end)

-- The world of this process, filled in at start ----------------------------------------------------

local env          -- what chunks loaded without an environment see
local contexts, console = {}, nil

-- Output -------------------------------------------------------------------------------------------

local function print(...)
    local n = select("#", ...)
    local parts = { ... }
    for i = 1, n do
        parts[i] = tostring(parts[i])
    end
    local text = concat(parts, "\t", 1, n)
    native.write(console, console and text .. "\n" or text, "info")
end

local function warn(...)
    for i = 1, select("#", ...) do
        expect(i, select(i, ...), "warn", "string")
    end
    local text = concat({ ... })
    if sub(text, 1, 1) ~= "@" then
        native.write(nil, text, "warning")
    end
end

-- Code ---------------------------------------------------------------------------------------------

local source_max = 4 * 1024 * 1024

local function load_text(chunk, name, mode, ...)
    local is_binary = type(chunk) == "string" and sub(chunk, 1, 1) == "\27"
    if mode ~= nil and not find(expect(3, mode, "load", "string"), "t", 1, true) and not is_binary then
        return nil, format("attempt to load a text chunk (mode is '%s')", mode)
    end
    if type(chunk) == "string" and #chunk > source_max then
        return nil, "the source is longer than 4 MiB"
    end
    if name == nil then
        name = type(chunk) == "string" and chunk or "=(load)"
    end
    if select("#", ...) > 0 then
        return load(chunk, name, "t", (...))
    end
    return load(chunk, name, "t", env)
end

local libraries = {}    -- name → {value=} or {runner=, loaded=}: a channel that is closed then
local waiting_for = base.setmetatable({}, { __mode = "k" })  -- runner → name of the library that it waits for

---Whether waiting for `name` would close a circle of runners and libraries.
local function is_cycle(name, runner)
    local library = libraries[name]
    while library and library.runner do
        if library.runner == runner then
            return true
        end
        library = libraries[waiting_for[library.runner]]
    end
    return false
end

---The chunk of a library and what keeps its image in memory, or nil, a status and a message.
local function load_library(name)
    if not native.is_captured() then
        return native.library(name, env)
    end
    -- A capturer has no image to give: the source is asked for instead.
    local source, code, message = request("library.get", name)
    if not source then
        return nil, code, message
    end
    local chunk, failure = load(source, "@" .. name, "t", env)
    if not chunk then
        return nil, status.BADCODE, failure
    end
    return chunk
end

local function run_library(name)
    local chunk, keeper, message = load_library(name)
    if not chunk then
        error(format("library '%s' cannot be loaded: %s", name, message), 0)
    end
    local value = chunk(name)
    return { value = value == nil and true or value, keeper = keeper }
end

---A library while it is being loaded. However that ends, also by a kill, those who wait go on.
local function start_loading(name, runner)
    return base.setmetatable({ runner = runner, loaded = native.chan() }, {
        __close = function(self)
            if libraries[name] == self then
                libraries[name] = nil
            end
            self.loaded:close()
        end,
    })
end

---Like pcall. Returns before an error goes on: a coroutine that fails does not close its variables.
local function load_alone(name, runner)
    local loading <close> = start_loading(name, runner)
    libraries[name] = loading
    local is_loaded, library = pcall(run_library, name)
    if is_loaded then
        libraries[name] = library -- before those who wait are woken
    end
    return is_loaded, library
end

local function require(name)
    expect(1, name, "require", "string")
    local runner = native.runner()
    while libraries[name] do
        local library = libraries[name]
        if not library.runner then
            return library.value
        end
        if is_cycle(name, runner) then
            error(format("library '%s' requires itself", name), 2)
        end
        waiting_for[runner] = name
        library.loaded:recv()
        waiting_for[runner] = nil
    end
    local is_loaded, library = load_alone(name, runner)
    if not is_loaded then
        error(library, 2)
    end
    return library.value
end

local function getinfo(...)
    local thread, at = nil, 1
    if type((...)) == "thread" then
        thread, at = (...), 2
    end
    local what = select(at, ...)
    if type(what) == "number" and not thread then
        what = what + 1
    end
    local info
    if thread then
        info = native.debug.getinfo(thread, what, "Slnut")
    else
        info = native.debug.getinfo(what, "Slnut")
    end
    return info and pick(info, {
        "short_src", "source", "currentline", "name", "namewhat", "what", "linedefined",
        "lastlinedefined", "nparams", "isvararg", "istailcall", "nups",
    })
end

-- Processes ----------------------------------------------------------------------------------------

local run_options = {
    program = true, code = true, chunk = true, runtime = true, args = true, name = true, ctx = true,
    contexts = true, data = true, uid = true, visible = true, restart = true, ready = true, group = true,
    properties = true,
}

local function to_handle(value)
    return type(value) == "number" and handle(value) or value
end

local function run_spec(what, options)
    local spec = {}
    for _, from in ipairs({ options or {}, what }) do
        for key, value in pairs(from) do
            if not run_options[key] then
                error(format("bad option '%s' to 'os.run'", tostring(key)), 4)
            end
            spec[key] = value
        end
    end
    spec.ctx = to_handle(spec.ctx)
    if spec.contexts then
        local given = {}
        for name, value in pairs(spec.contexts) do
            given[name] = to_handle(value)
        end
        spec.contexts = given
    end
    return spec
end

---The process's data object, one by its name, or one through its context.
local function data(what, options)
    return part("data")(contexts.data, what, options)
end

---`data` is short for a context of this name.
local function start(spec)
    local object, opened = spec.data, nil
    if type(object) == "string" then
        local code, message
        opened, code, message = data(object)
        if not opened then
            return nil, code, message
        end
        object = opened
    end
    if object then
        spec.data, spec.contexts = nil, spec.contexts or {}
        spec.contexts.data = type(object) == "table" and object.context or to_handle(object)
    end
    local pid, code, message = request("process.run", spec)
    if opened then
        opened:close()
    end
    return pid, code, message
end

local function run(what, options)
    expect(1, what, "os.run", "string", "table")
    expect(2, options, "os.run", "nil", "table")
    return start(run_spec(type(what) == "string" and { program = what } or what, options))
end

local function run_program(name, options)
    expect(1, name, "os.run_program", "string")
    expect(2, options, "os.run_program", "nil", "table")
    return start(run_spec({ program = name }, options))
end

local function run_code(source, options)
    if type(source) == "function" then
        error("bad argument #1 to 'os.run_code' (a function cannot leave its process; pass source text)",
            2)
    end
    expect(1, source, "os.run_code", "string")
    expect(2, options, "os.run_code", "nil", "table")
    return start(run_spec({ code = source }, options))
end

---All bytes of a file through the `fs` endpoint: nil, status, message when refused.
local function read_file(path, ctx)
    local code, file = ask(ctx, "fs.open", path, "r")
    if code == status.NOTBOUND then
        return nil, code, format("cannot read '%s': no fs service is bound in this context", path)
    elseif code ~= status.OK then
        return nil, code, file
    end
    local pieces = {}
    while true do
        local read, piece = ask(file, "read", 65536)
        if read ~= status.OK then
            native.close(file)
            return nil, read, piece
        elseif piece == nil or piece == "" then
            native.close(file)
            return concat(pieces)
        end
        pieces[#pieces + 1] = piece
    end
end

local function run_file(path, options)
    expect(1, path, "os.run_file", "string")
    expect(2, options, "os.run_file", "nil", "table")
    local source, code, message = read_file(path, options and options.ctx or 0)
    if not source then
        return nil, code, message
    end
    return start(run_spec({ code = source, chunk = "@" .. path }, options))
end

local function kill(what, signal)
    if type(what) == "table" then
        if type(what.tid) ~= "number" then
            error(format("bad argument #1 to 'os.kill' (tid: number expected, got %s)", type(what.tid)), 2)
        end
        return native.kill_task(what.tid)
    elseif type(what) == "userdata" then
        return native.kill_group(what)
    end
    expect(1, what, "os.kill", "number", "table")
    expect(2, signal, "os.kill", "nil", "string")
    local refused, code, message = request("process.kill", what, signal)
    if code then
        return refused, code, message
    end
    return true
end

local function ready()
    local refused, code, message = request("process.ready")
    if code then
        return refused, code, message
    end
    return true
end

-- Stores -------------------------------------------------------------------------------------------

local function add_store(os, kind, plural)
    local getter, setter = "os.get_" .. kind, "os.set_" .. kind
    os["get_" .. kind] = function(name, version)
        expect(1, name, getter, "string")
        expect(2, version, getter, "nil", "number")
        return request(kind .. ".get", name, version)
    end
    os["set_" .. kind] = function(name, bytes, expect_version, note)
        expect(1, name, setter, "string")
        expect(2, bytes, setter, "nil", "string")
        expect(3, expect_version, setter, "nil", "number")
        expect(4, note, setter, "nil", "string")
        return request(kind .. ".set", name, bytes, expect_version, note)
    end
    os["list_" .. plural] = function()
        local entries, code, message = request(kind .. ".list")
        if not entries then
            return nil, code, message
        end
        for i, entry in ipairs(entries) do
            entries[i] = entry.name
        end
        return entries
    end
end

-- The environment ----------------------------------------------------------------------------------

local function new_os(info)
    local os = pick(stock_os, { "difftime" })
    for _, name in ipairs({
        "alt",
        "answer",
        "bind",
        "call",
        "caller",
        "cancel",
        "chan",
        "clock",
        "close",
        "connect",
        "context",
        "date",
        "exit",
        "forward",
        "group",
        "handle",
        "join",
        "listen",
        "monotonic",
        "pull",
        "push",
        "route",
        "send",
        "share",
        "spawn",
        "tid",
        "time",
        "unbind",
        "unlisten",
    }) do
        native[name] = native.capturable(name, native[name])
        os[name] = native[name]
    end
    for _, name in ipairs({ "kill_group", "kill_task", "preempt", "yield" }) do
        native[name] = native.capturable(name, native[name])
    end
    os.rpc, os.capture, os.syscall = native.rpc, native.capture, native.syscall
    os.data, os.kill, os.ready, os.status = data, kill, ready, status
    os.run, os.run_program, os.run_code, os.run_file = run, run_program, run_code, run_file
    add_store(os, "program", "programs")
    add_store(os, "library", "libraries")
    add_store(os, "runtime", "runtimes")
    local pid, ppid, uid = info.pid, info.ppid, info.uid
    function os.pid() return pid end
    function os.ppid() return ppid end
    function os.uid() return uid end
    os.name, os.program, os.args, os.contexts = info.name, info.program, info.args, contexts
    return os
end

local function new_env(info)
    local world = pick(base, {
        "_VERSION", "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
        "rawlen", "rawset", "select", "tonumber", "tostring", "type", "xpcall", "getmetatable",
    })
    world._G = world
    world.load, world.print, world.require, world.warn = load_text, print, require, warn
    world.setmetatable, world.collectgarbage = native.setmetatable, native.collectgarbage
    world.string, world.table = stock_string, native.table
    -- Not what the library was built to have beyond it, such as math.pow.
    world.math = pick(native.math, {
        "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
        "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random", "randomseed", "sin", "sqrt",
        "tan", "tointeger", "type", "ult",
    })
    world.utf8, world.coroutine = native.utf8, native.coroutine
    world.debug = { traceback = native.traceback, getinfo = getinfo }
    world.os = new_os(info)
    return world
end

stock_string.rep = native.wrap_rep(stock_string.rep)
stock_string.dump = nil
native.table.sort = native.wrap_sort(native.table.sort, function(...)
    return part("sort")(...)
end)
base.getmetatable("").__metatable = "string"
native.math.randomseed(native.seed())

-- What administrators ask of this process (process.eval) -------------------------------------------

local is_set_up, early = false, nil -- early: a channel for who asks before there is an environment

native.set_evaluator(function(source)
    if not is_set_up then
        early = early or native.chan()
        early:recv()
    end
    return part("eval")(source, env)
end)

-- Start --------------------------------------------------------------------------------------------

---Runs the runtime in image `i` over the environment so far; the environment it makes.
local function set_up(i, info)
    local chunk = assert(native.load_image(i, env))
    local runtime = chunk(info.program)
    if type(runtime) ~= "table" or type(runtime.setup) ~= "function" then
        error("a runtime returns a table with a function 'setup'", 0)
    end
    local made = runtime.setup(env, info.program, info.args)
    if type(made) ~= "table" then
        error("setup(env, program, args) returns the program's environment, not " .. type(made), 0)
    end
    return made
end

return function(info)
    contexts = info.contexts
    console = contexts.console
    env = new_env(info)
    native.set_globals(env)
    for i = 1, info.n_images - 1 do
        local is_done, made = base.xpcall(set_up, native.traceback_error, i, info)
        if not is_done then
            native.fail_runtime("runtime: " .. tostring(made))
        end
        env = made
    end
    local chunk, message = native.load_image(info.n_images, env)
    if not chunk then
        error(message, 0)
    end
    is_set_up = true
    if early then
        early:close()
    end
    return chunk(unpack(info.args, 1, info.args.n))
end
