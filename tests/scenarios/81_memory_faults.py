#!/usr/bin/env python3
"""A full heap asks for more before it fails. Row 142."""

import os
import signal

from harness import Tap, Tree

t = Tap()
# Fills its heap in one task, beside another that lives on.
HUNGRY = """
local MiB = 1 << 20
os.bind("say", print)
local pid = assert(os.run_code([[
    local wanted = ...
    local rows, used = {{}}, 0
    local task = os.spawn(function()
        while used < wanted do
            rows[#rows + 1] = ("x"):rep(1000) .. #rows
            used = used + 1000
        end
        return "full"
    end)
    local ok, result = os.join(task)
    rows = nil
    os.rpc.say(ok, (tostring(result):match("^[^\\n(]+")), os.tid() ~= task)
]], {{ name = "{name}", args = {{ {wanted} * MiB }}, properties = {{ memory = 4 * MiB, memory_max = 16 * MiB }} }}))
print(os.pull("exit").reason)
os.exit(0)
"""
HANDLER = b"""
local decide = assert(load("return " .. os.args[1]))()
assert(os.bind("fault.memory", function(fault)
    os.push(0, "faults", string.format("%s %d %s %d %d %s", fault.name, fault.pid, fault.tid > 1, fault.limit >> 20,
        fault.max >> 20, fault.used > fault.limit * 9 // 10))
    return decide(fault)
end))
print("ready")
"""


def handler(tree, decide):
    running = tree.run_beside("--admin", "--name", "pager", "-", decide, source=None)
    running.process.stdin.write(HANDLER)
    running.process.stdin.close()
    running.process.stdin = None
    running.line()
    return running


def hungry(tree, wanted):
    """What the program says, and how it ends."""
    source = HUNGRY.format(wanted=wanted, name="hungry").encode()
    return tree.ctl("run", "--admin", "-", stdin=source).out.split("\n")[:2]


with Tree() as tree:
    result = hungry(tree, 3)
    t.equal(result, ["true\tfull\ttrue", "exit"], "who has enough asks nobody")
    t.contains(hungry(tree, 8)[0], "memory limit exceeded", "without a handler nothing is granted (row 142)")
    t.equal(hungry(tree, 8)[1], "exit", "that is an error in one task, and the program goes on")

    pager = handler(tree, "function(fault) return fault.limit * 2 end")
    faults = tree.run_beside("--name", "listener", source=b"os.listen(0, 'faults') print('ready') "
                             b"while true do print(os.pull('queue').info) end")
    faults.line()
    t.equal(hungry(tree, 6), ["true\tfull\ttrue", "exit"], "one that grants more lets it go on")
    words = faults.line().split()
    t.equal((words[0], words[2:]), ("hungry", ["true", "4", "16", "true"]), "it was told who wants what")
    t.equal(hungry(tree, 12), ["true\tfull\ttrue", "exit"], "again when that is not enough,")
    t.equal([faults.line().split()[3] for _ in range(2)], ["4", "8"], "from the new limit")
    t.contains(hungry(tree, 20)[0], "memory limit exceeded", "up to memory_max and no further")
    report = tree.ctl("run", "--admin", "-", stdin=b"print((os.run_code('', { properties = { memory_max = 1 << 20 } })))")
    t.ok(int(report.out) > 0, "less than memory counts as memory")
    tree.ctl("kill", "pager")
    pager.end()

    for decide, what in (("function() end", "one that says nothing"), ("function() return 'much' end", "no number"),
                         ("function() return -1 end", "less than nothing"), ("function() error('x') end", "an error"),
                         ("function() os.rpc.alarm(60) end", "no answer in a second")):
        pager = handler(tree, decide)
        result = hungry(tree, 8)
        t.contains(result[0], "memory limit exceeded", f"{what}: nothing is granted")
        t.equal(result[1], "exit", "and nothing else happens")
        tree.ctl("kill", "--now", "pager")
        pager.end()

    pager = handler(tree, "function() os.rpc.alarm(60) end")
    beside = tree.run_beside("--admin", source=HUNGRY.format(wanted=8, name="starving").encode())
    while "starving" not in faults.line():
        continue
    os.kill(next(p["linux_pid"] for p in tree.processes().values() if p["name"] == "pager"), signal.SIGKILL)
    t.contains(beside.line(), "memory limit exceeded", "a handler that dies grants nothing")
    beside.end()
    pager.end()

    denied = tree.ctl("run", "-", stdin=b"print(select(2, os.bind('fault.memory', print)) == os.status.DENIED)")
    t.equal(denied.out, "true\n", "only uid 0 handles faults")
    child = b"print(select(3, os.run_code('', { properties = { memory_max = 1 << 40 } })))"
    t.contains(tree.ctl("run", "-", stdin=child).out, "memory_max: 1099511627776 is more than the",
               "and a child gets no more than its parent")
    tree.stop()
t.done()
