--- log: lines of the tree's log (thoxctl logs).
--
--     local log = require("log")
--     log.info("listening on %s", name)
--
-- Nothing is waited for: a log that is behind never slows a program down.

local log = {}

local function writer(level)
    return function(text, ...)
        if select("#", ...) > 0 then
            text = string.format(text, ...)
        end
        os.send(0, "log", level, tostring(text))
    end
end

--- Something that a person must look at.
---@type fun(text: any, ...: any)
log.error = writer("error")

--- Tolerated; the text says what was done instead.
---@type fun(text: any, ...: any)
log.warning = writer("warning")

--- Events of the program's life.
---@type fun(text: any, ...: any)
log.info = writer("info")

--- Details for whoever looks for a fault.
---@type fun(text: any, ...: any)
log.debug = writer("debug")

return log
