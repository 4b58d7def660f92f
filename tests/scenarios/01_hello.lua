-- A program says hello and looks around: it has a name, arguments, a pid, a context, and statuses.
-- args: world two
local tap = require("tap") -- row 67

tap.is(..., "world", "arguments are the program's ...")
tap.is(select("#", ...), 2, "all of them")
tap.is(os.args[2], "two", "and os.args")
tap.is(os.args.n, 2, "with their count")
tap.is(os.name, "01_hello", "the process is named like the file")
tap.ok(os.pid() >= 5, "its pid follows those of the daemons and of init") -- row 3
tap.is(os.pid(), os.pid(), "and stays the same")
tap.is(os.uid(), 1000, "a program run without --admin is nobody special")
tap.is(os.status.OK, 0, "os.status has numbers")
tap.is(os.status[2], "NOTBOUND", "and names")
tap.is(type(os.contexts.console), "userdata", "the terminal is a context")

-- row 52
tap.is(os.rpc.alarm(0), nil, "context 0 serves without any preparation")
tap.is(os.handle(0).number, 0, "its number is 0")

tap.done()
