--- counter: several tasks of one program share a counter that a service of the same program keeps.
-- A call blocks only the task that makes it, so all tasks are under way at once.
--
--     thoxctl run examples/counter.lua

local N_TASKS <const> = 3
local N_STEPS <const> = 5

local count = 0
assert(os.bind(0, "example.counter.add", function(n)
    count = count + n
    return count
end))

local function add_slowly(name)
    for step = 1, N_STEPS do
        os.rpc.alarm(0.1 * math.random())
        print(("%s, step %d: the counter is at %d"):format(name, step, os.rpc.example.counter.add(1)))
    end
    return name
end

local tasks = {}
for i = 1, N_TASKS do
    tasks[i] = os.spawn(add_slowly, "task " .. i)
end
for _, tid in ipairs(tasks) do
    local ok, name = os.join(tid)
    assert(ok, name)
    print(name .. " is done")
end

assert(count == N_TASKS * N_STEPS, "a step was lost")
print("the counter ends at " .. count)

-- A program that serves a name stays until it is ended; this one has done its work.
os.exit()
