--- init: the first program of a tree, pid 4. Programs whose parent has gone become its children.
--
-- It starts the services that `props init` lists, each after those it needs, as `props NAME` says, and
-- ends them in the opposite order. When it falls itself, initd ends them all. One task pulls the events;
-- another does what is asked, one thing after the other, so that starts never overlap stops.

---@class Service
---@field name string
---@field state "starting"|"running"|"stopping"|"stopped"|"failed"
---@field pid integer? while it runs
---@field ctx userdata? its context, while it runs
---@field after string[] what it needed when it was started
---@field why string? of failed: what became of it

local status_of = os.status
local OK, ERROR, BADARGS, NOTFOUND = status_of.OK, status_of.ERROR, status_of.BADARGS, status_of.NOTFOUND
local ENDPOINTS = {
    "init.start", "init.stop", "init.restart", "init.enable", "init.disable", "init.list",
}

local services = {} ---@type table<string, Service>
local running = {} ---@type string[] in the order in which they were started
local ended -- exit events of other pids, while something is being started; else nil

local function log(level, ...)
    os.rpc.log(level, string.format(...))
end

---What a call returns, or nil, the message of its refusal and the status.
local function ask(name, ...)
    local answer = os.pull(os.call(0, name, ...))
    if answer.status_code ~= OK then
        return nil, answer.args[1], answer.status_code
    end
    return table.unpack(answer.args, 1, answer.args.n)
end

local function index_of(list, item)
    for i, other in ipairs(list) do
        if other == item then
            return i
        end
    end
end

local function remove_from(list, item)
    local i = index_of(list, item)
    if i then
        table.remove(list, i)
    end
end

---The parsed properties of a name; or nil, why and the status. A program that has none runs by the defaults.
local function properties_of(name)
    local text, why, status = ask("props.get", name)
    if status == NOTFOUND and name ~= "init" then
        local is_program, _, of_program = ask("program.versions", name)
        if of_program == NOTFOUND then
            return nil, string.format("no program and no props '%s' in the store", name), NOTFOUND
        end
        text = is_program and ""
    end
    if not text then
        return nil, why, status
    end
    return ask("code.props", name, text)
end

-- A context lives as long as its owner wants; a service's is of no use without it.
local function close_context(service)
    if service.ctx then
        os.close(service.ctx)
        service.ctx = nil
    end
end

-- ---- starting ---------------------------------------------------------------------------------

local function on_end(service, event)
    local is_failure = event.reason ~= "exit" or event.status ~= 0
    remove_from(running, service.name)
    close_context(service)
    service.pid, service.state = nil, is_failure and "failed" or "stopped"
    service.why = is_failure and (event.message ~= "" and event.message or event.reason) or nil
    log(is_failure and "error" or "info", "service '%s' ended%s", service.name,
        is_failure and ": " .. service.why or "")
end

local function run(service, props)
    local options = props.options
    service.ctx = props.context and os.context(props.context)
    options.ctx = service.ctx
    service.state = "starting"
    local pid, status, message = os.run(options)
    if not pid then
        close_context(service)
        return nil, message, status
    end
    service.state, service.pid, service.after, service.why = "running", pid, props.after, nil
    running[#running + 1] = service.name
    if ended[pid] then -- before its pid was known here
        on_end(service, ended[pid])
    end
    return true
end

local start

---`chain`: those whose start waits for this one.
local function start_needed(name, props, chain)
    for _, needed in ipairs(props.after) do
        local ok, why, status = start(needed, chain)
        if not ok then
            return nil, string.format("'%s' needs '%s': %s", name, needed, why), status
        end
    end
    return true
end

local function start_stopped(service, chain)
    local name = service.name
    if index_of(chain, name) then
        return nil, "a cycle", ERROR
    end
    local props, why, status = properties_of(name)
    if not props then
        return nil, why, status
    end
    services[name] = service
    service.is_required = props.required
    chain[#chain + 1] = name
    local ok
    ok, why, status = start_needed(name, props, chain)
    chain[#chain] = nil
    if not ok then
        return nil, why, status
    end
    return run(service, props)
end

---Starts a service and, before it, what it needs. True; or nil, why not and the status.
function start(name, chain)
    local service = services[name] or { name = name, state = "stopped", after = {} }
    if service.pid then
        return true
    end
    local ok, why, status = start_stopped(service, chain)
    if not ok then
        service.state, service.why = "failed", why
    end
    return ok, why, status
end

-- ---- stopping ---------------------------------------------------------------------------------

local function stop_one(service)
    service.state = "stopping"
    ask("process.kill", service.pid, "terminate", true) -- NOPROC: it has ended by itself just now
    close_context(service)
    service.state, service.pid, service.why = "stopped", nil, nil
    remove_from(running, service.name)
end

---Ends a service and, before it, those that need it; adds their names to `stopped`.
local function stop(name, stopped)
    for i = #running, 1, -1 do
        local other = services[running[i]]
        if other and index_of(other.after, name) then
            stop(other.name, stopped)
        end
    end
    if services[name].pid then
        stop_one(services[name])
        stopped[#stopped + 1] = name
    end
    return stopped
end

local function stop_all()
    while #running > 0 do
        stop(running[#running], {})
    end
end

-- ---- the list of those that start with the tree -----------------------------------------------

---Nil, why and the status when there is a list that cannot be read.
local function enabled()
    local props, why, status = properties_of("init")
    if props then
        return props.services
    elseif status == NOTFOUND then
        return {}
    end
    return nil, why, status
end

local function store_enabled(names)
    local quoted = {}
    for i, name in ipairs(names) do
        quoted[i] = '"' .. name:gsub('["\\]', "\\%0") .. '"'
    end
    return ask("props.set", "init", "services = [ " .. table.concat(quoted, ", ") .. " ];\n")
end

-- ---- what is asked of it ----------------------------------------------------------------------

local serve = {}

serve["init.start"] = function(name)
    return start(name, {})
end

serve["init.stop"] = function(name)
    if not services[name] then
        local props, why, status = properties_of(name)
        return props and {} or nil, why, status
    end
    return stop(name, {})
end

serve["init.restart"] = function(name)
    local props, why, status = properties_of(name)
    if not props then
        return nil, why, status
    end
    if services[name] and services[name].pid then
        stop_one(services[name])
    end
    return start(name, {})
end

serve["init.enable"] = function(name)
    local props, why, status = properties_of(name)
    if not props then
        return nil, why, status
    end
    local names
    names, why, status = enabled()
    if not names then
        return nil, why, status
    end
    if index_of(names, name) then
        return true
    end
    names[#names + 1] = name
    return store_enabled(names)
end

serve["init.disable"] = function(name)
    local names, why, status = enabled()
    if not names then
        return nil, why, status
    end
    if not index_of(names, name) then
        return nil, "'" .. name .. "' is not enabled", NOTFOUND
    end
    remove_from(names, name)
    return store_enabled(names)
end

serve["init.list"] = function()
    local names, why, status = enabled()
    if not names then
        return nil, why, status
    end
    local rows = {}
    for i, name in ipairs(names) do
        local service = services[name] or { state = "stopped" }
        rows[i] = { name = name, enabled = true, state = service.state, pid = service.pid, why = service.why }
    end
    for name, service in pairs(services) do
        if not index_of(names, name) then
            rows[#rows + 1] = {
                name = name, enabled = false, state = service.state, pid = service.pid, why = service.why,
            }
        end
    end
    table.sort(rows, function(a, b) return a.name < b.name end)
    return rows
end

local function answer(call)
    local name = call.args[1]
    if call.name ~= "init.list" and (call.args.n ~= 1 or type(name) ~= "string" or name == "init") then
        os.answer(call.cid, BADARGS, call.name .. " wants the name of a service")
        return
    end
    local result, why, status = serve[call.name](name)
    if result == nil then
        os.answer(call.cid, status, why)
    else
        os.answer(call.cid, OK, result)
    end
end

-- ---- the tree's life --------------------------------------------------------------------------

---Starts what is enabled; without something that is required the tree stops.
local function start_enabled()
    local names, why = enabled()
    if not names then
        log("error", "no services are started: %s", why)
        os.ready()
        return
    end
    for _, name in ipairs(names) do
        local ok, message = start(name, {})
        if not ok then
            log("error", "service '%s' did not start: %s", name, message)
            if services[name] and services[name].is_required then
                log("error", "service '%s' is required: the tree stops", name)
                ask("tree.shutdown", false, 1)
                return
            end
        end
    end
    os.ready()
end

local calls = os.chan(256 * #ENDPOINTS) -- as many as initd lets through

local function work()
    ended = {}
    if os.args[1] == "safe" then
        log("warning", "safe mode: no services are started")
        os.ready()
    else
        start_enabled()
    end
    ended = nil
    for call in calls do
        ended = {}
        answer(call)
        ended = nil
    end
end

local worker = os.spawn(work)
for _, name in ipairs(ENDPOINTS) do
    os.bind(name)
end

local on = {}

-- Who looks does not wait for what is being done.
function on.call(event)
    if event.name == "init.list" then
        answer(event)
    else
        calls:send(event)
    end
end

function on.exit(event)
    for _, service in pairs(services) do
        if service.pid == event.pid then
            if service.state == "running" then
                on_end(service, event)
            end
            return
        end
    end
    if ended then
        ended[event.pid] = event
    end
end

function on.terminate()
    os.kill({ tid = worker })
    stop_all()
    os.exit(0)
end

while true do
    -- An exit event that nobody pulls would stay in the mailbox for ever.
    local event = os.pull()
    if on[event.type] then
        on[event.type](event)
    end
end
