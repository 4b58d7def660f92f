--- demo-crasher: a bad neighbour of the demonstration. Works for a while, then trips over a bug.

os.send(0, "demo.crasher.started")
os.rpc.alarm(1.5)

local settings = {}
print(settings.colour.name)
