-- Ten thousand processes, one after the other and many at once: each has a pid of its own. Rows 3, 6.
-- suite: slow
local tap = require("tap")

require("many").run(10000, 32)
tap.done()
