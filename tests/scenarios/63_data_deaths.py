#!/usr/bin/env python3
"""storaged is killed under programs that use os.data. Rows 75-78: a program that goes on finds what was
acknowledged, without opening anything again; what lay in memory and every lock is gone, and is told so."""

import os
import signal

from harness import Running, Tap, Tree, wait_until

PROGRAM = b"""
local kept, memory = os.data(), os.data("test:memory", { volatile = true })
local lock = kept:lock("door")
kept:set("n", 1)
memory:set("n", 1)
kept:incr("served")
os.bind("keeper.step", function()
    local n = kept:incr("n")
    local guarded, status = kept:set("guarded", n, { guard = lock })
    print(kept:get("served"), n, memory:get("n") or "nothing", guarded and "guarded" or os.status[status])
end)
print("up")
"""

t = Tap()
with Tree() as tree:
    t.equal(tree.ctl("set", "program", "keeper", "-", stdin=PROGRAM).code, 0, "a program is stored")
    keeper = tree.run_beside("--admin", "keeper")
    keeper.line()

    def step():
        tree.ctl("call", "keeper.step")
        return keeper.line().split("\t")

    t.equal(step(), ["1", "2", "1", "guarded"], "it keeps data, some of it in memory")
    before = tree.daemons()["storaged"]["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: tree.daemons()["storaged"]["pid"] not in (before, 0), 5, "storaged is back")
    wait_until(lambda: tree.ctl("data", "list").code == 0, 5, "it serves")
    t.equal(step(), ["1", "3", "nothing", "CONFLICT"],
            "after storaged died it has what was on disk; memory is empty and a lock of before guards nothing")

    # What was under way when it died may have happened or not.
    stopped = tree.daemons()["storaged"]["pid"]
    os.kill(stopped, signal.SIGSTOP)
    unknown = Running("data", "list", directory=tree.directory)
    wait_until(lambda: tree.ctl("calls", "--json").json()["calls"][0]["name"] != "call.list", 5, "it waits")
    os.kill(stopped, signal.SIGKILL)
    unknown.end()
    t.contains(unknown.err.decode(), "may have been done or not", "a call without an answer is told as unknown")
    wait_until(lambda: tree.ctl("data", "list").code == 0, 5, "it serves")
    t.equal(tree.stop(), 0, "the tree ends")
    tree.start()
    keeper = tree.run_beside("--admin", "keeper")
    keeper.line()
    t.equal(step()[0], "2", "and started again over the same directory the program goes on")
    t.equal(tree.ctl("run", "-", stdin=b"print(os.data():get('served'))").out.strip(), "nil",
            "code without a name does not see it")
t.done()
