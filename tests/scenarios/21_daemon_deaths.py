#!/usr/bin/env python3
"""storaged and runtimed are killed while programs store and run without pause. Row 9: each is back within
a second, no acknowledged write is lost, and calls meanwhile wait or are told UNAVAIL."""

import os
import signal
import time

from harness import Tap, Tree, wait_until

WRITER = b"""
local is_over, allowed = false, { [os.status.UNAVAIL] = true, [os.status.DEAD] = true }
os.bind("writer.stop", function() is_over = true end)
print("up")
local i = 0
while not is_over do
    i = i + 1
    local version, status, message = os.set_program("w" .. i % 7, "-- " .. i)
    if version then
        print("ack", i)
    elseif allowed[status] then
        print("refused", i)
        os.rpc.alarm(0.005)
    else
        print("wrong", i, os.status[status], message)
    end
end
print("over")
os.exit(0)
"""

RUNNER = b"""
local is_over, allowed = false, { [os.status.UNAVAIL] = true, [os.status.AGAIN] = true }
os.bind("runner.stop", function() is_over = true end)
print("up")
while not is_over do
    local pid, status, message = os.run_code("return 7", { name = "run" })
    if pid then
        local event = os.pull("exit")
        print(event.status == 7 and "ran" or "wrong", event.status, event.reason, event.message)
    elseif allowed[status] then
        print("refused")
        os.rpc.alarm(0.005)
    else
        print("wrong", os.status[status], message)
    end
end
print("over")
os.exit(0)
"""

N_KILLS = 4  # more within ten seconds, and supervision waits longer between restarts: row 9, back-off


def start(tree, source, *flags):
    running = tree.run_beside(*flags, source=source)
    assert running.line() == "up"
    return running


def read_until(running, word, lines, n=1):
    """Reads lines until `n` of them began with `word`."""
    while n > 0:
        line = running.line()
        if line is None:
            return False
        lines.append(line.split("\t"))
        n -= lines[-1][0] == word
    return True


def kill_daemon(tree, name, running, word, lines):
    """Kills it in the midst of the program's work; seconds until it serves again."""
    before = tree.daemons()[name]["pid"]
    started = time.monotonic()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: tree.daemons()[name]["pid"] not in (before, 0), 5, f"{name} is back")
    # The first answer may have been under way before the kill, the second may have been waiting.
    read_until(running, word, lines, 3)
    return time.monotonic() - started


t = Tap()
with Tree() as tree:
    init = tree.processes()[4]["linux_pid"]
    writer, lines = start(tree, WRITER, "--admin"), []
    seconds = []
    for i in range(N_KILLS):
        read_until(writer, "ack", lines, 5 + 3 * i)
        seconds.append(kill_daemon(tree, "storaged", writer, "ack", lines))
    t.ok(max(seconds) < 1.0, "storaged is back within a second each time (row 9)", f"{seconds}")
    t.equal(tree.ctl("call", "writer.stop").code, 0, "a program serves all the while")
    read_until(writer, "over", lines)
    writer.end()
    wrong = [line for line in lines if line[0] == "wrong"]
    t.equal(wrong, [], "stores meanwhile wait, or are refused as UNAVAIL or DEAD (row 9)")
    acknowledged = {}
    for line in lines:
        if line[0] == "ack":
            acknowledged[int(line[1]) % 7] = int(line[1])
    stored = {key: int(tree.ctl("get", "program", f"w{key}").out[3:]) for key in acknowledged}
    lost = {key: (n, stored[key]) for key, n in acknowledged.items() if stored[key] < n}
    t.equal(lost, {}, "no acknowledged write is lost (row 9)")
    t.ok(len(acknowledged) == 7, "there were many", str(acknowledged))

    runner, lines, seconds = start(tree, RUNNER), [], []
    for i in range(N_KILLS):
        read_until(runner, "ran", lines, 5 + 3 * i)
        seconds.append(kill_daemon(tree, "runtimed", runner, "ran", lines))
    t.ok(max(seconds) < 1.0, "runtimed is back within a second each time (row 9)", f"{seconds}")
    tree.ctl("call", "runner.stop")
    read_until(runner, "over", lines)
    runner.end()
    wrong = [line for line in lines if line[0] == "wrong"]
    t.equal(wrong, [], "runs meanwhile wait, or are refused as UNAVAIL (row 9)")

    # The tree itself and the init program noticed nothing.
    t.equal(tree.processes()[4]["linux_pid"], init, "no other process was touched")
    restarts = {name: daemon["restarts"] for name, daemon in tree.daemons().items()}
    t.equal((restarts["storaged"], restarts["runtimed"]), (N_KILLS, N_KILLS), "status counts the restarts")
    t.equal(tree.stop(), 0, "the tree ends as ever")
    t.equal(tree.leftovers(), [], "and leaves nothing behind")
t.done()
