-- Starts COUNT copies of the stored program `bench.idle`, and ends them when `bench.close` is called.
local count = math.tointeger(tonumber((...)))
local pids = {}
for i = 1, count do
    pids[i] = assert(os.run("bench.idle"))
end
assert(os.bind("bench.close"))
print("ready")

local close = os.pull("call")
for _, pid in ipairs(pids) do
    os.kill(pid, "kill")
end
for _ = 1, count do
    os.pull("exit")
end
os.answer(close.cid, true)
