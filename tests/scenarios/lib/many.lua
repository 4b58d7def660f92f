--- Many processes, some at once: each has a pid of its own, its own status, and one exit event.
local tap = require("tap")

local many = {}

---@param n integer how many in all
---@param at_once integer how many live at the same time
function many.run(n, at_once)
    local live, n_live, n_twice, n_failed, n_started = {}, 0, 0, 0, 0
    local function start()
        local pid, status, message = os.run_code("return 1", { name = "run" })
        if not pid then
            tap.note(os.status[status], message)
            n_failed = n_failed + 1
            return
        end
        n_twice = n_twice + (live[pid] and 1 or 0)
        live[pid] = true
        n_live = n_live + 1
    end
    local n_wrong = 0
    while n_started < n or n_live > 0 do
        while n_started < n and n_live < at_once do
            n_started = n_started + 1
            start()
        end
        local event = os.pull("exit")
        n_wrong = n_wrong + ((event.status == 1 and live[event.pid]) and 0 or 1)
        live[event.pid] = nil
        n_live = n_live - 1
    end
    tap.is(n_failed, 0, n .. " processes start") -- row 3
    tap.is(n_twice, 0, "no pid is given to two that live") -- row 3
    tap.is(n_wrong, 0, "each ends with its own status") -- row 6
    tap.is(next(live), nil, "and is told of once")
end

return many
