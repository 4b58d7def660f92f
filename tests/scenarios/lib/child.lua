--- child: a program of a scenario that runs as a process of its own and reports to the scenario.
--
--     local c = child.run("report(os.pid())")
--     local pid = c:report()
--
-- The child's code finds `report(...)`, which returns when the scenario has taken the values.

local child = {}
child.__index = child

-- One line, so that the child's own lines keep their numbers.
local PROLOGUE = "local report = os.rpc[os.contexts.scenario].report; "

---@param source string
---@param options table? as for os.run_code
function child.run(source, options)
    local self = setmetatable({ context = os.context() }, child)
    local spec = { chunk = "=child" }
    for key, value in pairs(options or {}) do
        spec[key] = value
    end
    spec.contexts = { scenario = self.context }
    for name, context in pairs(options and options.contexts or {}) do
        spec.contexts[name] = context
    end
    local pid, status, message = os.run_code(PROLOGUE .. source, spec)
    if not pid then
        error("the child was refused: " .. os.status[status] .. ": " .. message, 2)
    end
    self.pid = pid
    return self
end

---Waits for the next report; its values. Nothing when the child ends instead.
function child:report()
    if self.ended then
        return
    end
    local event = os.pull(function(event)
        return event.type == "call" and event.ctx == self.context
            or event.type == "exit" and event.pid == self.pid
    end)
    if event.type == "exit" then
        self.ended = event
        return
    end
    os.answer(event.cid, os.status.OK)
    return table.unpack(event.args, 1, event.args.n)
end

---Waits for the child's end; its exit event.
function child:exit()
    self.ended = self.ended or os.pull(function(event)
        return event.type == "exit" and event.pid == self.pid
    end)
    os.close(self.context)
    return self.ended
end

---Kills it at once and waits for its end.
function child:kill()
    local is_killed, status, message = os.kill(self.pid, "kill")
    if not is_killed then
        error("the child cannot be killed: " .. os.status[status] .. ": " .. message, 2)
    end
    return self:exit()
end

return child
