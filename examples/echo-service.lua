--- echo-service: offers a name that every program of the tree can call, until it is stopped (Ctrl-C).
--
--     thoxctl run examples/echo-service.lua
--
-- and, in another terminal:
--
--     thoxctl run examples/echo-client.lua hello
--     thoxctl call example.echo hello

local n_calls = 0

-- Each call runs in a task of its own; what the handler returns is the answer.
assert(os.bind(0, "example.echo", function(...)
    n_calls = n_calls + 1
    print(("call %d, from process %d"):format(n_calls, os.caller().pid))
    return ...
end))

print("serving example.echo; stop with Ctrl-C")

-- Without this the program would serve on, too, and just end when it is told to.
os.pull("terminate")
print(n_calls .. " calls answered")
os.exit()
