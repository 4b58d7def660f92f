--- demo-eater: a bad neighbour of the demonstration. Keeps everything and takes more every moment.

local hoard = {}
while true do
    hoard[#hoard + 1] = ("x"):rep(64 * 1024)
    os.rpc.alarm(0.02)
end
