--- What administrators ask of a process (process.eval): runs a source text in the program's environment, and
-- shows what it returns as Lua would write it.

local native = ...
local base = native.base
local select, tostring, type = base.select, base.tostring, base.type
local find, format, gsub = native.string.find, native.string.format, native.string.gsub
local concat = native.table.concat

local shown_items, shown_depth = 64, 4

local show

---The contents of a table on one line.
local function show_table(t, depth)
    local parts, n = {}, 0
    for key, value in base.next, t do
        n = n + 1
        if n > shown_items then
            parts[n] = "..."
            break
        end
        local shown = show(value, depth + 1)
        if key == n then
            parts[n] = shown
        elseif type(key) == "string" and find(key, "^[%a_][%w_]*$") then
            parts[n] = key .. " = " .. shown
        else
            parts[n] = "[" .. show(key, shown_depth) .. "] = " .. shown
        end
    end
    return "{" .. concat(parts, ", ") .. "}"
end

---A value as Lua would write it, as far as it can be written.
function show(value, depth)
    if type(value) == "string" then
        return (gsub(format("%q", value), "\\\n", "\\n"))
    end
    local meta = native.debug.getmetatable(value)
    if type(value) == "table" and depth < shown_depth and not (meta and base.rawget(meta, "__tostring")) then
        return show_table(value, depth)
    end
    return tostring(value)
end

local function finish_evaluation(cid, is_done, ...)
    if not is_done then
        return native.answer(cid, native.status.ERROR, (...))
    end
    local n, parts = select("#", ...), { ... }
    for i = 1, n do
        parts[i] = show(parts[i], 0)
    end
    if n > 0 then
        return concat(parts, "\t", 1, n)
    end
end

---An expression or statements. Of two messages the one that asks for more input counts.
local function load_input(source, env)
    local chunk, first = base.load("return " .. source, "=eval", "t", env)
    if chunk then
        return chunk
    end
    local statements, message = base.load(source, "=eval", "t", env)
    return statements, find(first, "<eof>$") and first or message
end

return function(source, env)
    local cid = native.caller().cid
    local chunk, message = load_input(source, env)
    if not chunk then
        native.answer(cid, native.status.BADCODE, message)
        return
    end
    return finish_evaluation(cid, base.xpcall(chunk, native.traceback_error))
end
