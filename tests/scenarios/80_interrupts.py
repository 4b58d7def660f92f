#!/usr/bin/env python3
"""Interrupts: signals, and lines raised by hand, for programs that wait for them. Row 144."""

import os
import signal

from harness import Tap, Tree, wait_until

t = Tap()
HANDLER = b"""
print(string.format("%x", os.rpc.interrupt.wait()))
os.bind("busy")
os.answer(os.pull("call").cid, 0)
for i = 1, 2 do
    print(string.format("%x", os.rpc.interrupt.wait()))
end
"""
SELECTIVE = b"""
local first = os.call(0, "interrupt.wait", 1 << 7 | 1 << 63)
print(os.pull(os.call(0, "interrupt.wait")).status_code == os.status.BUSY)
print(string.format("%x", os.pull(first).args[1]))
print(string.format("%x", os.rpc.interrupt.wait(1 << 7 | 1 << 63)))
local cancelled = os.call(0, "interrupt.wait")
os.cancel(cancelled)
print(os.pull(cancelled).status_code == os.status.CANCELLED)
print(string.format("%x", os.rpc.interrupt.wait()))
"""

with Tree() as tree:
    result = tree.ctl("interrupt", "5")
    t.equal(result.code, 0, "a line that nobody waits for is dropped")
    t.contains(result.err, "nobody waits for line 5", "as is said")

    handler = tree.run_beside("--admin", source=HANDLER)
    wait_until(lambda: tree.ctl("interrupt", "5", "--json").json()["waiting"] == 1, 5, "it waits")
    t.equal(handler.line(), "20", "a program gets the line that it waits for (row 144)")
    for line in (5, 6, 5, 5):
        t.equal(tree.ctl("interrupt", str(line), "--json").json()["waiting"], 1, "while it is busy")
    os.kill(tree.initd.pid, signal.SIGHUP)
    os.kill(tree.initd.pid, signal.SIGUSR2)
    tree.ctl("ps")
    t.equal(tree.ctl("call", "busy").code, 0, "what comes is kept")
    t.equal(handler.line(), "1062", "as one mask of all lines, signals among them")
    os.kill(tree.initd.pid, signal.SIGUSR1)
    t.equal(handler.line(), "400", "and each is told once")
    t.equal(handler.end(), 0, "until it ends")
    t.equal(tree.ctl("interrupt", "5", "--json").json()["waiting"], 0, "then nobody waits")
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
        os.kill(tree.initd.pid, number)
    t.equal(tree.ctl("ps").code, 0, "and signals do no harm")

    selective = tree.run_beside("--admin", source=SELECTIVE)
    t.equal(selective.line(), "true", "one call waits at a time")
    tree.ctl("interrupt", "5")
    tree.ctl("interrupt", "7")
    t.equal(selective.line(), "80", "of some lines only those are told")
    tree.ctl("interrupt", "63")
    t.equal(selective.line(), "8000000000000000", "up to the last")
    t.equal(selective.line(), "true", "a wait can be cancelled")
    tree.ctl("interrupt", "9")
    t.equal(selective.line(), "200", "without losing what comes")
    t.equal(selective.end(), 0, "or keeping what nobody wanted")

    for line, code in (("64", "badargs"), ("x", "usage"), ("-1", "usage")):
        result = tree.ctl("interrupt", line)
        t.equal(result.error_code(), code, f"'{line}' is no line")
    for endpoint in ("interrupt.wait", "interrupt.raise"):
        denied = tree.ctl("run", "-", stdin=f"print(os.pull(os.call(0, '{endpoint}', 5)).status_code)".encode())
        t.equal(denied.out, "4\n", f"an ordinary program has no {endpoint}")
    tree.stop()
t.done()
