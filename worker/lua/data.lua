--- os.data: data objects as a program sees them. Each method is a call on a grant of storaged's, and
-- storaged checks what it is given; thox-api(7), "DATA".

local native = ...
local base, ask, expect, status = native.base, native.ask, native.expect, native.status
local pairs, select, type = base.pairs, base.select, base.type
local getmetatable, unpack = native.debug.getmetatable, native.table.unpack

local data, lock = {}, {} -- methods

local data_meta = { __index = data, __metatable = "data", __name = "data" }
local lock_meta = { __index = lock, __metatable = "lock", __name = "lock" }

---An object through the grant `context`. `open` makes the grant anew when storaged has ended since.
local function wrap(context, open)
    return base.setmetatable({ context = context, open = open }, data_meta)
end

-- Calls --------------------------------------------------------------------------------------------

-- What others may have caused is returned as nil, status, message; other refusals are raised.
local returned = { [status.CONFLICT] = true, [status.TIMEOUT] = true }

local function finish(name, code, ...)
    if code == status.OK then
        return ...
    elseif returned[code] then
        return nil, code, (...)
    end
    native.raise(code, name, (...))
end

---The arguments come before the answer: nothing is packed into a table, which would cost a tenth of a get.
local function settle(self, name, n, a, b, c, d, code, ...)
    if code == status.BADCTX and self.open then
        self.context = self.open()
        return finish(name, ask(self.context, name, unpack({ a, b, c, d }, 1, n)))
    end
    return finish(name, code, ...)
end

local function call(self, name, ...)
    local a, b, c, d = ...
    return settle(self, name, select("#", ...), a, b, c, d, ask(self.context, name, ...))
end

---Options as storaged wants them: a lock is a guard by its name and fence.
local function with_guard(options)
    local guard = type(options) == "table" and options.guard
    if not guard or getmetatable(guard) ~= lock_meta then
        return options
    end
    local given = {}
    for key, value in pairs(options) do
        given[key] = value
    end
    given.guard = { lock = guard.name, fence = guard.fence }
    return given
end

-- Keys ---------------------------------------------------------------------------------------------

---The most frequent: without varargs, which cost a tenth of it.
function data:get(key)
    local code, value, revision = ask(self.context, "get", key)
    if code == status.OK and revision then
        return value, revision
    end
    return settle(self, "get", 1, key, nil, nil, nil, code, value)
end

function data:set(key, value, options)
    return call(self, "set", key, value, with_guard(options))
end

function data:del(key, options)
    return call(self, "del", key, with_guard(options))
end

function data:incr(key, by, options)
    return call(self, "incr", key, by, with_guard(options))
end

function data:cas(key, old, new, options)
    return call(self, "cas", key, old, new, with_guard(options))
end

function data:expire(key, seconds)
    return call(self, "expire", key, seconds)
end

function data:scan(prefix, options)
    return call(self, "scan", prefix, options)
end

function data:txn(transaction)
    return call(self, "txn", with_guard(transaction))
end

---Iterates over key, value, revision in the order of keys, page by page.
function data:keys(prefix)
    local rows, after = self:scan(prefix)
    local i = 0
    return function()
        i = i + 1
        while not rows[i] and after do
            rows, after = self:scan(prefix, { after = after })
            i = 1
        end
        local row = rows[i]
        if row then
            return row.key, row.value, row.revision
        end
    end
end

---Iterates over the changes after `from`, or from now on, and waits for more.
function data:watch(prefix, from)
    from = from or self:info().revision
    local events, i = {}, 0
    return function()
        i = i + 1
        while not events[i] do
            local found, next, message = call(self, "watch", prefix, { from = from })
            if not found then
                native.raise(next, "watch", message)
            end
            events, from, i = found, next, 1
        end
        return events[i]
    end
end

-- The stream ---------------------------------------------------------------------------------------

function data:read(from, n)
    return call(self, "read", from, n)
end

function data:write(bytes, options)
    return call(self, "write", bytes, with_guard(options))
end

function data:truncate(size, options)
    return call(self, "truncate", size, with_guard(options))
end

-- Locks --------------------------------------------------------------------------------------------

---Another task of this process waits like everybody else.
function data:lock(name, options)
    expect(2, options, "lock", "nil", "table")
    local given = { owner = native.tid() }
    for key, value in pairs(options or {}) do
        given[key] = value
    end
    local context, fence, message = call(self, "lock", name, given)
    if not context then
        return nil, fence, message
    end
    return base.setmetatable({ context = context, fence = fence, name = name }, lock_meta)
end

function data:locks()
    return call(self, "locks")
end

function lock:unlock()
    return native.close(self.context)
end

lock_meta.__close = lock.unlock

-- Objects ------------------------------------------------------------------------------------------

function data:info()
    return call(self, "info")
end

function data:narrow(options)
    return wrap(call(self, "narrow", options))
end

function data:close()
    self.open = nil
    return native.close(self.context)
end

data_meta.__close = data.close

-- os.data ------------------------------------------------------------------------------------------

local function open_named(name, options)
    expect(2, options, "os.data", "nil", "table")
    local context, code, message = native.request("data.open", name, options)
    if not context then
        return nil, code, message
    end
    return wrap(context, function()
        return native.rpc.data.open(name, options)
    end)
end

local own -- the process's own object, opened once

local function open_own(given)
    if given then
        return wrap(given)
    elseif not own or not own.open then
        local context, code, message = native.request("data.own")
        if not context then
            return nil, code, message
        end
        own = wrap(context, function()
            return native.rpc.data.own()
        end)
    end
    return own
end

---`given`: what whoever ran this process gave it as its object.
return function(given, what, options)
    expect(1, what, "os.data", "nil", "string", "userdata", "number")
    if type(what) == "string" then
        return open_named(what, options)
    end
    expect(2, options, "os.data", "nil")
    if what then
        return wrap(native.handle(what))
    end
    return open_own(given)
end
