-- Two thousand processes, one after the other and many at once: each has a pid of its own. Rows 3, 6.
local tap = require("tap")

require("many").run(2000, 16)
tap.done()
