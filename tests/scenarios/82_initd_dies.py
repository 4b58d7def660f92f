#!/usr/bin/env python3
"""When initd dies, however busy or stopped they are, all of its processes are gone at once, and the next tree starts on
what they leave. Rows 9, 10."""

import os
import pathlib
import signal
import time

from harness import SLOWNESS, Tap, Tree, is_alive, wait_until

t = Tap()
GONE_S, BESIDE_OTHERS = 0.1, 5  # on a machine that has nothing else to do; how much longer elsewhere
CROWD = b"""
for i = 1, 10 do
    os.run_code("os.pull('terminate')", { name = "waits" })
    os.run_code("while true do end", { name = "computes" })
    os.run_code("(('a'):rep(200)):find(('a*'):rep(30) .. 'b')", { name = "lost" })
    os.run_code("local t = {} while true do t[#t % 1000 + 1] = ('x'):rep(1000) end", { name = "allocates" })
    os.run_code("while true do os.call(0, 'alarm', 10) os.pull(0) end", { name = "calls" })
end
print("all are there")
os.pull("terminate")
"""


def linux_children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


with Tree() as tree:
    crowd = tree.run_beside("--admin", source=CROWD)
    t.equal(crowd.line(), "all are there", "fifty programs, each busy in its own way")
    for process in tree.processes().values():
        if process["name"] == "waits":
            os.kill(process["linux_pid"], signal.SIGSTOP)
    pids = linux_children(tree.initd.pid)
    t.ok(len(pids) >= 54, "and ten of them stopped")
    started = time.monotonic()
    os.kill(tree.initd.pid, signal.SIGKILL)
    tree.initd.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 5, "they are gone")
    took = time.monotonic() - started
    t.ok(took < GONE_S * BESIDE_OTHERS * SLOWNESS, f"are gone with initd, {took * 1000:.0f} ms later")
    t.ok(crowd.end() != 0, "its clients hear of it")
    tree.start()
    t.equal(tree.ctl("status").code, 0, "the next tree starts")
    t.equal(tree.stop(), 0, "and ends")
t.done()
