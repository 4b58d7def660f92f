-- COUNT tasks that wait for an event that never comes, until killed.
local count = ...
for _ = 1, math.tointeger(count) do
    assert(os.spawn(os.pull, { name = "bench.never" }))
end
coroutine.yield()
print("ready")
