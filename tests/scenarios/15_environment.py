#!/usr/bin/env python3
"""The environment of a program is exactly the documented list (golden/environment.txt). Row 70.

Every global by its path, with its type; constants with their value. `environment.txt` changes only
together with thox-api.7.
"""

import pathlib

from harness import Tap, thoxctl

PROGRAM = b"""
local lines, seen = {}, {}
local function list(value, path)
    local kind = type(value)
    local text = path .. " " .. kind
    if kind == "number" or kind == "boolean" then
        text = text .. " " .. tostring(value)
    end
    lines[#lines + 1] = text
    if kind == "table" and not seen[value] then
        seen[value] = true
        for key, item in next, value do
            list(item, path .. "." .. tostring(key))
        end
    end
end
for name, value in next, _G do
    if name ~= "_G" then list(value, name) end
end
table.sort(lines)
print(table.concat(lines, "\\n"))
"""

t = Tap()
golden = pathlib.Path(__file__).parent / "golden" / "environment.txt"
result = thoxctl("run", "--name", "x", "-", stdin=PROGRAM)
have = set(result.out.splitlines())
want = set(golden.read_text(encoding="utf-8").splitlines())
t.equal(result.code, 0, "the program that lists it runs")
t.equal(sorted(have - want), [], "nothing is there that is not documented (row 70)")
t.equal(sorted(want - have), [], "all that is documented is there (row 70)")

result = thoxctl("run", "--runtime", "native", "-", stdin=PROGRAM)
t.equal(set(result.out.splitlines()), want, "the runtime native changes nothing (row 70)")

man = pathlib.Path(__file__).parents[2] / "docs/man/thox-api.7"
if man.exists():
    text = man.read_text(encoding="utf-8").replace("\\", "")
    undocumented = [
        line.split()[0] for line in sorted(want)
        if line.startswith("os.") and line.endswith(" function") and line.split()[0][3:] not in text
    ]
    t.equal(undocumented, [], "every function of os is in thox-api.7 (row 70)")
t.done()
