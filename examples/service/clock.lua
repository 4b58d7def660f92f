--- clock: a service that tells the time of day, started with the tree; clock.conf are its properties.
--
--     thoxctl set program clock examples/service/clock.lua
--     thoxctl set props clock examples/service/clock.conf
--     thoxctl start clock
--     thoxctl call clock.now
--     thoxctl enable clock

local zone = os.args[1] or "local"

os.bind("clock.now", function()
    return os.date(zone == "utc" and "!%H:%M:%S" or "%H:%M:%S")
end, { usage = "clock.now() -> time of day" })

-- From here on it works: `thoxctl start` returns, and services that need it are started.
os.ready()
