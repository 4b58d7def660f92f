--- chat: a chat room. Start it in several terminals; everybody sees what everybody types.
--
--     thoxctl run examples/chat.lua NAME
--     thoxctl run examples/chat.lua NAME ROOM
--
-- Nobody serves the room: it is a queue. What is pushed reaches all who listen, with the number of the
-- process that pushed it, which nobody can forge; the room is the key that listeners ask for.

local QUEUE <const> = "example.chat"
local name, room = ...
room = room or "lounge"
if not name then
    print("usage: chat.lua NAME [ROOM]")
    return 2
end

local function say(text)
    return assert(os.push(0, QUEUE, { name = name, text = text }, { key = room }))
end

-- A slow terminal misses the oldest lines, and is told so.
assert(os.listen(0, QUEUE, { match = { room }, limit = 100 }))
local n_others = say("has come in") - 1
print(("%s: %d other%s here; type, or end with Ctrl-D"):format(room, n_others, n_others == 1 and "" or "s"))

local console = os.rpc[os.contexts.console]
os.spawn(function()
    for line in console.read_line do
        if line ~= "" then
            say(line)
        end
    end
    say("has left")
    os.exit()
end)

while true do
    local event = os.pull(function(e)
        return e.type == "queue" or e.type == "terminate"
    end)
    if event.type == "terminate" then
        say("has left")
        os.exit()
    end
    if event.dropped > 0 then
        print(("(%d lines were lost)"):format(event.dropped))
    end
    if event.pid ~= os.pid() then
        print(("%s [%d]: %s"):format(event.info.name, event.pid, event.info.text))
    end
end
