-- A hundred thousand calls of several processes have as many cids. Row 31.
-- suite: slow
local tap = require("tap")
local child = require("child")

-- row 31
local N_PROCESSES, N_CALLS = 10, 10000
os.bind("sink", function() end)
local children = {}
for i = 1, N_PROCESSES do
    children[i] = child.run([[
        local cids = {}
        for i = 1, 10000 do
            cids[i] = os.call(0, "sink")
            os.pull(cids[i])
        end
        report(table.unpack(cids, 1, 5000))
        report(table.unpack(cids, 5001))
    ]])
end
local seen, n_twice, n = {}, 0, 0
for i = 1, N_PROCESSES do
    for _ = 1, 2 do
        for _, cid in ipairs({ children[i]:report() }) do
            n_twice = n_twice + (seen[cid] and 1 or 0)
            seen[cid] = true
            n = n + 1
        end
    end
    children[i]:exit()
end
tap.is(n, N_PROCESSES * N_CALLS, "all calls return a cid")
tap.is(n_twice, 0, "no two are the same")

tap.done()
