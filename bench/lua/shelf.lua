-- Answers every call of `bench.shelf` as storaged answers a get, with SIZE bytes and a number, until killed.
local value = ("x"):rep(math.tointeger((...)))
assert(os.bind("bench.shelf", function()
    return value, 1
end))
print("ready")
