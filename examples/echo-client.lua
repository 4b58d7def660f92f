--- echo-client: calls the service of echo-service.lua and prints what comes back.
--
--     thoxctl run examples/echo-client.lua one two three

local echo = os.rpc.example.echo

-- What the system refuses is an error object with status, name and message.
local ok, answer = pcall(function(...)
    return table.pack(echo(...))
end, ...)
if not ok then
    if type(answer) == "table" and answer.status == os.status.NOTBOUND then
        print("nobody serves example.echo: start examples/echo-service.lua first")
        return 1
    end
    error(answer, 0)
end

print(table.unpack(answer, 1, answer.n))
