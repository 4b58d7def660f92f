-- An ordinary program administers nothing. Rows 63, 79.
local tap = require("tap")

local DENIED = os.status.DENIED

-- rows 63, 79
for name, args in pairs({
    ["program.set"] = { "x", "" }, ["library.set"] = { "x", "" }, ["runtime.set"] = { "x", "" },
    ["program.rollback"] = { "x" }, ["library.rollback"] = { "x" }, ["runtime.rollback"] = { "x" },
    ["store.delegate"] = { "x" }, ["store.backup"] = {},
    ["store.check"] = {}, ["store.compact"] = {}, ["store.stats"] = {},
    ["data.open"] = { "x" }, ["data.list"] = {}, ["data.delete"] = { "x" },
    ["data.limit"] = { "x", { keys = 1 } }, ["process.program"] = { 4 },
    ["process.list"] = {}, ["process.eval"] = { 4, "" }, ["tree.status"] = {},
    ["tree.shutdown"] = {}, ["log.read"] = {}, ["code.check"] = {}, ["code.image"] = {}, ["image.list"] = {},
}) do
    tap.is(os.pull(os.call({ name = name, args = args })).status_code, DENIED, name .. " is denied")
end
tap.refused(DENIED, "os.set_program says the same", os.set_program("x", ""))
tap.refused(DENIED, "os.set_library too", os.set_library("x", ""))
tap.refused(DENIED, "and os.set_runtime", os.set_runtime("x", ""))
tap.refused(os.status.NOTFOUND, "nothing was stored", os.get_program("x"))

-- It may read, log, wait, run and bind.
tap.ok(os.get_program("init"), "the stores can be read")
tap.is(#os.list_libraries() > 0, true, "and listed")
tap.is(os.rpc.log("info", "a line of 17_rights"), nil, "the log can be written")
tap.is(tap.raises("BADARGS", "with a level that there is", os.rpc.log, "loud", "x").status, os.status.BADARGS,
    "and no other")
tap.refused(DENIED, "a name of the system's cannot be bound", os.bind("alarm"))
tap.refused(os.status.EXISTS, "nor one that a daemon serves", os.bind("program.get"))

-- row 63: a child has no more than its parent, whatever it asks for
local pid = os.run_code("os.exit(os.set_program('x', '') and 1 or 0)", { ctx = 0 })
tap.is(os.pull({ type = "exit" }).pid, pid, "a child runs")
tap.refused(os.status.NOTFOUND, "and stored nothing either", os.get_program("x"))

tap.done()
