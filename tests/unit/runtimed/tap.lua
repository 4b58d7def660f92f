--- tap: tests of Lua files under the stock interpreter, told as TAP.

local tap = { n_tests = 0, n_failed = 0 }

function tap.test(name, fn)
    tap.n_tests = tap.n_tests + 1
    local ok, message = pcall(fn)
    if not ok then
        tap.n_failed = tap.n_failed + 1
        print("# " .. tostring(message))
    end
    print(("%s %d - %s"):format(ok and "ok" or "not ok", tap.n_tests, name))
end

function tap.equal(got, expected)
    if got ~= expected then
        error(("got %s, expected %s"):format(tostring(got), tostring(expected)), 2)
    end
end

--- fn(...) raises a message that contains the text.
function tap.fails(expected, fn, ...)
    local ok, message = pcall(fn, ...)
    if ok or not message:find(expected, 1, true) then
        error(("%s lacks %q"):format(ok and "no error" or message, expected), 2)
    end
end

function tap.finish()
    print("1.." .. tap.n_tests)
    os.exit(tap.n_failed == 0)
end

return tap
