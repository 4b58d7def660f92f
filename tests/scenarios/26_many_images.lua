-- Hundreds of programs at once, each from a source of its own: every one has an image in use. Row 3.
local tap = require("tap")

local N = 300

local pids, n_failed = {}, 0
for i = 1, N do
    local pid, status, message = os.run_code("os.pull('exit') return " .. i, { name = "image-" .. i })
    if not pid then
        tap.note(os.status[status], message)
        n_failed = n_failed + 1
    end
    pids[#pids + 1] = pid
end
tap.is(n_failed, 0, N .. " different programs start") -- row 3
tap.is(os.pull("exit", 0), nil, "and run at the same time")

local n_killed = 0
for _, pid in ipairs(pids) do
    os.kill(pid, "kill")
    n_killed = n_killed + (os.pull("exit").reason == "killed" and 1 or 0)
end
tap.is(n_killed, N, "until they are killed")

tap.done()
