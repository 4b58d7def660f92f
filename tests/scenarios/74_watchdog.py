#!/usr/bin/env python3
"""Processes that have stopped reading are found, and end. Rows 9, 43, 146."""

import os
import signal
import time

from harness import Tap, Tree, wait_until

t = Tap()
SERVICE = b"""
os.bind("stuck.pid", function() return os.pid() end)
os.bind("stuck.match", function() (("a"):rep(200)):find(("a*"):rep(30) .. "b") end)
"""


def linux_pid(tree):
    return next((p["linux_pid"] for p in tree.processes().values() if p["name"] == "stuck"), None)


with Tree() as tree:
    tree.ctl("set", "program", "stuck", "-", stdin=SERVICE)
    tree.ctl("set", "props", "stuck", "-", stdin=b"run: { restart = \"on-failure\"; }; limits: { watchdog = \"1s\"; };")
    t.equal(tree.ctl("start", "stuck").code, 0, "a service with a watchdog of one second")
    t.ok(tree.ctl("call", "stuck.pid").code == 0, "answers")

    for what, stop in (("suspended", lambda: os.kill(linux_pid(tree), signal.SIGSTOP)),
                       ("lost in a function", lambda: tree.ctl("call", "--oneway", "stuck.match"))):
        before = linux_pid(tree)
        stop()
        started = time.monotonic()
        result = tree.ctl("call", "stuck.pid")
        t.equal((result.code, result.error_code()), (1, "dead"), f"one that is {what} is given up (row 43)")
        t.ok(time.monotonic() - started < 4, "in time")
        t.equal(wait_until(lambda: linux_pid(tree) not in (None, before), 5, "it is restarted"), True,
                "and restarted (row 9)")
        t.equal(wait_until(lambda: tree.ctl("call", "stuck.pid").code == 0, 5, "it answers"), True, "so it answers again")
    t.contains(tree.ctl("logs").out, "it has read nothing for 1 s (property watchdog)", "the log says why (row 146)")
    tree.stop()
t.done()
