--- guest-book: remembers its guests, in the data that belongs to a stored program.
--
--     thoxctl set program guest-book examples/guest-book.lua
--     thoxctl run guest-book Ada
--     thoxctl run guest-book Grace
--
-- The number and the name are written in one transaction: no guest is counted and forgotten, however the
-- program or the machine ends. Run from its file it has no name, and its data ends with it.

local name = ...
if not name then
    print("usage: guest-book NAME")
    return 2
end

local book = os.data()

local function key(n)
    return string.format("guest:%06d", n)
end

-- Two guests may come at once: who is late finds another number than the one it read, and tries again.
local number
repeat
    local count, revision = book:get("count")
    number = (count or 0) + 1
    local is_done = book:txn({
        compare = { { key = "count", revision = revision or 0 } },
        ops = {
            { op = "set", key = "count", value = number },
            { op = "set", key = key(number), value = { name = name, time = os.time() } },
        },
        otherwise = {},
    })
until is_done

print(string.format("welcome, %s: guest number %d", name, number))
for _, guest in book:keys("guest:") do
    print(os.date("%Y-%m-%d %H:%M  ", guest.time) .. guest.name)
end
