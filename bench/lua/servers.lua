-- Starts COUNT copies of the stored program `bench.server`, each with NAMES names of its own, the first
-- of them FIRST, and ends them when `bench.close.FIRST` is called.
local count, names, first = ...
count, names, first = math.tointeger(count), math.tointeger(names), math.tointeger(first)

local pids = {}
assert(os.bind("bench.born"))
for i = 0, count - 1 do
    local args = { first + i * names, first + (i + 1) * names - 1 }
    pids[#pids + 1] = assert(os.run("bench.server", { args = args }))
    local event = os.pull()
    assert(event.type == "call", event.message)
    os.answer(event.cid, true)
end
assert(os.unbind("bench.born"))
assert(os.bind("bench.close." .. first))
print("ready")

local close = os.pull("call")
for _, pid in ipairs(pids) do
    os.kill(pid, "kill")
end
for _ = 1, count do
    os.pull("exit")
end
os.answer(close.cid, true)
