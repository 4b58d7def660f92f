-- Hundreds of programs at once, each from a source of its own: every one has an image in use. Row 3.
local tap = require("tap")

local N = 300

local n_failed = 0
for i = 1, N do
    local pid, status, message = os.run_code("os.pull('quit') return " .. i, { name = "image-" .. i })
    if not pid then
        tap.note(os.status[status], message)
        n_failed = n_failed + 1
    end
end
tap.is(n_failed, 0, N .. " different programs run at the same time") -- row 3

tap.done()
