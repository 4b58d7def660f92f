---@meta
-- luacheck: ignore
--- Annotations of the thox API for language servers; thox-api(7) describes it.

---A context: what os.context, answers and os.contexts give. Numbers are accepted as well.
---@class thox.Context: userdata
---@field number integer
---@operator call(...): ...any

---@alias thox.ContextOrNumber thox.Context|integer

---@class thox.Arguments
---@field n integer
---@field [integer] any

---@class thox.Event
---@field type "call"|"answer"|"cancel"|"exit"|"open"|"close"|"hangup"|"terminate"|"queue"
---@field cid integer? call, answer, cancel
---@field ctx thox.Context? call, open, close, hangup
---@field name string? call; queue: its name
---@field pid integer? call: the caller; answer: who answered; exit, open, close
---@field uid integer? call
---@field prio integer? call: its priority, 0 to 7
---@field args thox.Arguments? call, answer
---@field n integer? call, answer: length of args
---@field timeout number? call: seconds it was given
---@field oneway boolean? call: nobody waits for an answer
---@field status_code integer? answer
---@field status integer? exit
---@field signal integer? exit
---@field reason string? exit, close
---@field message string? exit
---@field shared boolean? open: this process was given ctx
---@field rights integer? open
---@field info any queue: what was pushed
---@field key string? queue
---@field seq integer? queue: counts the pushes
---@field dropped integer? queue: lost before this one
---@field id integer? queue: what os.listen returned
---@field grace number? terminate: seconds until the process is killed

---@class thox.Filter
---@field type string?
---@field cid integer?
---@field ctx thox.ContextOrNumber?
---@field name string?
---@field queue string?

---@class thox.ListenOptions
---@field limit integer?
---@field mode "drop-oldest"|"drop-new"|"block"|nil
---@field match string[]?

---@class thox.Error what os.rpc raises
---@field status integer
---@field name string
---@field message string

---@class thox.Call
---@field name string
---@field ctx thox.ContextOrNumber?
---@field args thox.Arguments|any[]?
---@field timeout number?
---@field oneway boolean?

---@class thox.BindOptions
---@field mode "popup"|"queue"|nil
---@field max integer?
---@field limit integer? unanswered calls, from 1 to 1024
---@field abort boolean?
---@field on_conflict "fail"|"alternative"|"fallback"|"balance"|nil
---@field usage string?

---@class thox.Routing
---@field mode "table"|"manual"|nil
---@field default "deny"|"forward"|nil
---@field allow string[]?
---@field deny string[]?
---@field map table<string, string>?
---@field to thox.ContextOrNumber?
---@field bind string[]?
---@field push string[]?
---@field listen string[]?
---@field log string?

---@class thox.Properties
---@field memory integer? bytes of the Lua heap
---@field memory_max integer? bytes that it may be granted when it is full (fault.memory); default: memory
---@field processes integer? of it and what it runs, directly or not; default 512, or its parent's
---@field cpu_turn number? seconds of CPU time of a task between two waits; default 0: no limit
---@field watchdog number? seconds without reading its messages until it is killed; default 30; 0: never
---@field quantum integer? microseconds; 0: cooperative
---@field priority integer? 0 to 7, at most the parent's
---@field bind string[]? names, or prefixes that end in "*", that it may bind
---@field run string[]? programs that it may run

---@class thox.RunGroup
---@field name string
---@field restart "all"|"rest"|nil whom its fall takes along: all (default), or those run after it

---@class thox.RunOptions
---@field program string?
---@field code string?
---@field chunk string?
---@field runtime string?
---@field args any[]?
---@field name string?
---@field ctx thox.ContextOrNumber?
---@field contexts table<string, thox.ContextOrNumber>?
---@field data thox.Data|thox.ContextOrNumber|string|nil what os.data() is there; default: its own
---@field uid integer?
---@field visible boolean?
---@field restart "never"|"on-failure"|"always"|nil
---@field ready number? seconds within which it must call os.ready(); it is up only then
---@field group thox.RunGroup? programs of one parent that fall and rise together
---@field properties thox.Properties?

---@class oslib
---@field rpc any os.rpc.NAME(...) and os.rpc[ctx].NAME(...): call, wait, return or raise
---@field status table<string|integer, integer|string>
---@field contexts table<string, thox.Context>
---@field args thox.Arguments
---@field name string
---@field program string

---Sends a call; exactly one answer event follows.
---@param ctx thox.ContextOrNumber|thox.Call
---@param name string?
---@param ... any
---@return integer|true cid
function os.call(ctx, name, ...) end

---Sends a call that nobody answers.
---@param ctx thox.ContextOrNumber|thox.Call
---@param name string?
---@param ... any
---@return true
function os.send(ctx, name, ...) end

---@param cid integer
---@return true|nil, integer? status, string? message
function os.cancel(cid) end

---@param filter string|integer|thox.Filter|(fun(event: thox.Event): any)|nil
---@param timeout number?
---@return thox.Event?
function os.pull(filter, timeout) end

---bind([ctx,] name [, handler [, options]])
---@param ctx thox.ContextOrNumber|string
---@param name string|function|nil
---@param handler (fun(...): ...)|thox.BindOptions|nil
---@param options thox.BindOptions?
---@return integer? sid, integer? status, string? message
function os.bind(ctx, name, handler, options) end

---@param ctx thox.ContextOrNumber|string|integer
---@param name string?
---@return true|nil, integer? status, string? message
function os.unbind(ctx, name) end

---push([ctx,] queue, info [, {key=}])
---@param ctx thox.ContextOrNumber|string
---@param queue any
---@param info any
---@param options { key: string? }?
---@return integer? listeners, integer? status, string? message
function os.push(ctx, queue, info, options) end

---listen([ctx,] queue [, options])
---@param ctx thox.ContextOrNumber|string
---@param queue string|thox.ListenOptions|nil
---@param options thox.ListenOptions?
---@return integer? id, integer? status, string? message
function os.listen(ctx, queue, options) end

---@param ctx thox.ContextOrNumber|string|integer
---@param queue string?
---@return true|nil, integer? status, string? message
function os.unlisten(ctx, queue) end

---@param cid integer
---@param status integer|boolean
---@param ... any
---@return true|nil, integer? status, string? message
function os.answer(cid, status, ...) end

---@param cid integer
---@param ctx thox.ContextOrNumber
---@param name string? its own when nil
---@param ... any the arguments it came with when there are none
---@return true|nil, integer? status, string? message
function os.forward(cid, ctx, name, ...) end

---@return thox.Event?
function os.caller() end

---@param routing thox.Routing?
---@return thox.Context?, integer? status, string? message
function os.context(routing) end

---connect([ctx,] name): a context in which every call goes to who serves the name now.
---@param ctx thox.ContextOrNumber|string
---@param name string?
---@return thox.Context?, integer? status, string? message
function os.connect(ctx, name) end

---Gives a context of one's own another routing.
---@param ctx thox.ContextOrNumber
---@param routing thox.Routing
---@return true|nil, integer? status, string? message
function os.route(ctx, routing) end

---@param ctx thox.ContextOrNumber
---@param pid integer
---@param rights string[]?
---@return true|nil, integer? status, string? message
function os.share(ctx, pid, rights) end

---@param ctx thox.ContextOrNumber
---@return true|nil, integer? status, string? message
function os.close(ctx) end

---@param n thox.ContextOrNumber
---@return thox.Context
function os.handle(n) end

---@param what string|thox.RunOptions
---@param options thox.RunOptions?
---@return integer? pid, integer? status, string? message
function os.run(what, options) end

---@param name string
---@param options thox.RunOptions?
---@return integer? pid, integer? status, string? message
function os.run_program(name, options) end

---@param source string
---@param options thox.RunOptions?
---@return integer? pid, integer? status, string? message
function os.run_code(source, options) end

---@param path string
---@param options thox.RunOptions?
---@return integer? pid, integer? status, string? message
function os.run_file(path, options) end

---@param what integer|{ tid: integer }|thox.Group
---@param signal "terminate"|"kill"|nil
---@return true|nil, integer? status, string? message
function os.kill(what, signal) end

---@param status integer?
function os.exit(status) end

---This program is ready: what it was started for works from now on. Of init: the tree is.
---@return true|nil, integer? status, string? message
function os.ready() end

---@param fn fun(...): ...
---@param ... any
---@return integer? tid, integer? status, string? message
function os.spawn(fn, ...) end

---@param tid integer
---@param timeout number?
---@return boolean? ok, any ...
function os.join(tid, timeout) end

---@class thox.Group: userdata
local group = {}

---@class thox.GroupOptions
---@field policy "isolate"|"propagate"|"notifyleader"|nil

---@param options thox.GroupOptions?
---@return thox.Group?, integer? status, string? message
function os.group(options) end

---@param fn fun(...): ...
---@param ... any
---@return integer? tid, integer? status, string? message
function group:spawn(fn, ...) end

---@param timeout number?
---@return boolean? ok, any ...
function group:join(timeout) end

---@return true
function group:kill() end

---@class thox.Channel: userdata
---@operator call: any received; a channel is an iterator
local channel = {}

---@param n integer? messages it keeps
---@return thox.Channel
function os.chan(n) end

---@param ... any
---@return true|nil, integer? status, string? message
function channel:send(...) end

---@param timeout number?
---@return any ...
function channel:recv(timeout) end

---@return true
function channel:close() end

---@class thox.Alternatives
---@field [integer] any[] {channel, "recv"} or {channel, "send", ...}
---@field timeout number?
---@field default boolean?

---@param arms thox.Alternatives
---@return integer? arm, any ...
function os.alt(arms) end

---@return integer
function os.pid() end

---@return integer
function os.ppid() end

---@return integer
function os.uid() end

---@return integer
function os.tid() end

---@return number seconds
function os.monotonic() end

---Runs `co` until it ends, yields or asks something of the system: what it did, and with what.
---@param co thread
---@param ... any what its request or yield returns
---@return "return"|"error"|"yield"|"preempt"|string kind
---@return any ...
function os.capture(co, ...) end

---Performs a request that os.capture returned.
---@param kind string
---@param ... any
---@return any ...
function os.syscall(kind, ...) end

---@class thox.Data a data object; what its methods refuse is raised but CONFLICT and TIMEOUT
---@field context thox.Context the grant
local data = {}

---@class thox.DataOptions
---@field volatile boolean? in memory; what it was made as
---@field prefix string? of keys and locks
---@field rights ("read"|"write"|"lock")[]?

---@class thox.SetOptions
---@field ttl number? seconds until it is deleted
---@field revision integer? that it must have; 0: that it must not exist
---@field guard thox.Guard?

---@class thox.Guarded
---@field guard thox.Guard?

---@alias thox.Guard thox.Lock|{ lock: string, fence: integer } a lock that must be held

---@class thox.Row
---@field key string
---@field value any
---@field revision integer

---@class thox.Change
---@field type "set"|"del"|"expire"
---@field key string
---@field value any
---@field revision integer

---@class thox.Transaction
---@field compare { key: string, value: any, revision: integer?, exists: boolean? }[]?
---@field ops { op: "get"|"set"|"del"|"incr"|"expire", key: string, value: any, by: integer?, ttl: number? }[]
---@field otherwise table[]? ops for when a compare does not hold
---@field guard thox.Guard?

---@class thox.DataInfo
---@field name string
---@field volatile boolean
---@field keys integer
---@field bytes integer
---@field stream integer bytes
---@field max_keys integer
---@field max_bytes integer
---@field revision integer
---@field time number when it came to be, seconds since 1970

---@class thox.LockRow
---@field name string
---@field mode "exclusive"|"shared"
---@field fence integer? nil: waits
---@field pid integer
---@field owner integer
---@field time integer

---The process's own object (without `what`), the one of a name, or that behind a context.
---@param what string|thox.ContextOrNumber|nil
---@param options thox.DataOptions? with a name
---@return thox.Data?, integer? status, string? message
function os.data(what, options) end

---@param key string
---@return any value nil: there is none
---@return integer? revision
function data:get(key) end

---@param key string
---@param value any
---@param options thox.SetOptions?
---@return integer? revision, integer? status, string? message
function data:set(key, value, options) end

---@param key string
---@param options { revision: integer?, guard: thox.Guard? }?
---@return boolean? existed, integer? status, string? message
function data:del(key, options) end

---@param key string
---@param by integer?
---@param options thox.Guarded?
---@return integer? number, integer? revision_or_status, string? message
function data:incr(key, by, options) end

---@param key string
---@param old string|number|boolean|nil
---@param new any
---@param options thox.Guarded?
---@return integer? revision, integer? status, string? message
function data:cas(key, old, new, options) end

---@param key string
---@param seconds number? nil: never
---@return boolean existed
function data:expire(key, seconds) end

---@param prefix string?
---@param options { after: string?, limit: integer?, values: boolean? }?
---@return thox.Row[] rows, string? after of the next page
function data:scan(prefix, options) end

---@param prefix string?
---@return fun(): string?, any, integer? key, value, revision
function data:keys(prefix) end

---@param transaction thox.Transaction
---@return boolean? done, any[]|integer results_or_status, integer|string revision_or_message
function data:txn(transaction) end

---@param prefix string?
---@param from integer? a revision; 0: everything; nil: from now on
---@return fun(): thox.Change waits for the next
function data:watch(prefix, from) end

---@param from integer?
---@param n integer?
---@return string
function data:read(from, n) end

---@param bytes string
---@param options { from: integer?, guard: thox.Guard? }?
---@return integer? size, integer? revision_or_status, string? message
function data:write(bytes, options) end

---@param size integer
---@param options thox.Guarded?
---@return integer? size, integer? revision_or_status, string? message
function data:truncate(size, options) end

---@param name string
---@param options { mode: "exclusive"|"shared"|nil, timeout: number?, owner: integer? }?
---@return thox.Lock?, integer? status, string? message
function data:lock(name, options) end

---@return thox.LockRow[]
function data:locks() end

---@return thox.DataInfo
function data:info() end

---@param options { prefix: string?, rights: ("read"|"write"|"lock")[]? }
---@return thox.Data
function data:narrow(options) end

---@return true|nil, integer? status, string? message
function data:close() end

---@class thox.Lock may be a <close> variable, and a guard
---@field name string
---@field fence integer
---@field context thox.Context
local lock = {}

---@return true|nil, integer? status, string? message
function lock:unlock() end

---@param name string
---@param version integer?
---@return string? source, integer? version_or_status, string? message
function os.get_program(name, version) end
os.get_library, os.get_runtime = os.get_program, os.get_program

---@param name string
---@param source string?
---@param expected integer?
---@param note string?
---@return integer? version, integer? status, string? message
function os.set_program(name, source, expected, note) end
os.set_library, os.set_runtime = os.set_program, os.set_program

---@return string[]? names, integer? status, string? message
function os.list_programs() end
os.list_libraries, os.list_runtimes = os.list_programs, os.list_programs
