--- hello: the smallest program. Greets whoever is named on the command line.
--
--     thoxctl run examples/hello.lua
--     thoxctl run examples/hello.lua Ada Grace

local names = { ... }
if #names == 0 then
    names[1] = "world"
end

for _, name in ipairs(names) do
    print("Hello, " .. name .. "! This is process " .. os.pid() .. ".")
end
