--- tap: the checks of a scenario, printed as TAP. Stored in the library store by the runner.
--
--     local tap = require("tap")
--     tap.is(1 + 1, 2, "one and one are two")
--     tap.done()

local machine = require("machine")

local tap = {}

local n_checks, n_failed = 0, 0

local function show(value)
    return type(value) == "string" and string.format("%q", value):gsub("\\\n", "\\n") or tostring(value)
end

---A check by its outcome; returns it.
function tap.ok(outcome, name)
    n_checks = n_checks + 1
    if not outcome then
        n_failed = n_failed + 1
    end
    print((outcome and "ok " or "not ok ") .. n_checks .. " - " .. name)
    if not outcome then
        local info = debug.getinfo(2, "Sl")
        local at = info.source == debug.getinfo(1, "S").source and debug.getinfo(3, "Sl") or info
        print("# at " .. at.short_src .. ":" .. at.currentline)
    end
    return outcome
end

---Something that is worth knowing when a check fails.
function tap.note(...)
    local text = table.concat({ ... }, " ")
    print("# " .. text:gsub("\n", "\n# "))
end

---The very value wanted: integers are not floats, and NaN is NaN.
function tap.is(have, want, name)
    local is_same = rawequal(have, want) and math.type(have) == math.type(want)
        or have ~= have and want ~= want
    if not tap.ok(is_same, name) then
        tap.note("have:", show(have))
        tap.note("want:", show(want))
    end
    return is_same
end

local function is_same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return rawequal(a, b) and math.type(a) == math.type(b) or a ~= a and b ~= b
    end
    for key, value in pairs(a) do
        if not is_same(value, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

local function show_deep(value)
    if type(value) ~= "table" then
        return show(value)
    end
    local parts = {}
    for key, item in pairs(value) do
        parts[#parts + 1] = "[" .. show(key) .. "] = " .. show_deep(item)
    end
    table.sort(parts)
    return "{" .. table.concat(parts, ", ") .. "}"
end

---The same values at every place of two tables.
function tap.same(have, want, name)
    local outcome = is_same(have, want)
    if not tap.ok(outcome, name) then
        tap.note("have:", show_deep(have))
        tap.note("want:", show_deep(want))
    end
    return outcome
end

---Text in which a plain substring is looked for.
function tap.has(have, want, name)
    local is_there = tostring(have):find(want, 1, true) ~= nil
    if not tap.ok(is_there, name) then
        tap.note("have:", show(tostring(have)))
        tap.note("want within:", show(want))
    end
    return is_there
end

---The function raises an error whose text has `want` in it; returns the error.
function tap.raises(want, name, fn, ...)
    local is_done, message = pcall(fn, ...)
    if is_done then
        tap.ok(false, name)
        tap.note("nothing was raised; wanted:", want)
        return nil
    end
    tap.has(message, want, name)
    return message
end

---What the system refuses with: nil, status, message. Called with all results of the function.
function tap.refused(want, name, value, status, message)
    local is_refused = value == nil and status == want and type(message) == "string"
    if not tap.ok(is_refused, name) then
        tap.note("have:", show(value), show(status), show(message))
        tap.note("want: nil", show(want), show(os.status[want]))
    end
    return is_refused
end

---A number between two others.
function tap.between(have, low, high, name)
    local is_between = have >= low and have <= high
    if not tap.ok(is_between, name) then
        tap.note(string.format("have: %s; want: %s to %s", have, low, high))
    end
    return is_between
end

---A duration in seconds: never under `low`, and not over `high`, which is for an ordinary machine.
function tap.lasts(seconds, low, high, name)
    return tap.between(seconds, low, high * machine.slowness, name)
end

---Ends the scenario: the plan, and an exit status that says whether all held.
function tap.done()
    print("1.." .. n_checks)
    os.exit(n_failed == 0 and 0 or 1)
end

return tap
