#!/usr/bin/env python3
"""top: who uses what, refreshed in place on a terminal, one table anywhere else. Rows 106, 147."""

import os
import signal

from harness import Tap, Tree
from terminal import Terminal

BUSY = b"print('up') while true do end"
ASKER = b"""
print("up")
os.spawn(function() os.pull("terminate") os.exit() end)
os.call(0, "alarm", 100)
while true do os.rpc.alarm(0.001) end
"""

t = Tap()


def start(tree, name, source):
    running = tree.run_beside("--name", name, source=source)
    assert running.line() == "up"
    return running


def shows(condition, what):
    t.ok(terminal.wait_for(condition), what, "\n".join(terminal.screen()))


def names(screen):
    rows = (line.split() for line in screen[4:])
    return [row[1] for row in rows if len(row) > 1]  # less of one that is just being drawn


with Tree() as tree:
    running = [start(tree, "busy", BUSY), start(tree, "asker", ASKER)]

    # Not on a terminal.
    document = tree.ctl("top", "--json", "-d", "500ms").json()
    rows = {row["name"]: row for row in document["processes"]}
    t.equal(document["schema"], "thox.top/1", "top --json names its schema (row 147)")
    t.ok(rows["busy"]["cpu_percent"] > max(2, rows["init"]["cpu_percent"]), "cpu is that of the time between two looks (row 106)",
         str(rows))
    t.ok(rows["asker"]["calls_per_second"] > 5 > rows["busy"]["calls_per_second"], "so are calls a second (row 106)",
         str(rows["asker"]))
    t.ok(rows["asker"]["calls_made"] in (1, 2), "unanswered calls are counted", str(rows["asker"]))
    t.ok(document["tree"]["calls_per_second"] > 5, "the tree has a sum")
    table = tree.ctl("top", "-d", "200ms").out.splitlines()
    t.ok(table[3].split()[:5] == ["PID", "NAME", "STATE", "CPU%", "MEMORY"] and table[4].split()[1] == "busy",
         "a pipe gets one table, sorted by cpu (row 106)", "\n".join(table))
    t.equal(tree.ctl("top", "-d", "1ms").code, 2, "looking without a pause is refused (row 147)")

    # On one.
    terminal = Terminal(tree.directory, "top", "-d", "200ms")
    shows(lambda s: len(names(s)) == 6 and names(s)[0] == "busy", "the busiest comes first (row 106)")
    first = terminal.screen()
    t.ok(first[0].startswith("thox ") and "running" in first[0] and first[1].startswith("processes 3"),
         "above stands the state of the tree", "\n".join(first))
    t.ok(all(len(line) <= 80 for line in first), "nothing is wider than the terminal")
    terminal.type("p")
    shows(lambda s: names(s)[:3] == ["initd", "storaged", "runtimed"], "p sorts by pid (row 106)")
    terminal.type("r")
    shows(lambda s: set(names(s)[:2]) == {"asker", "initd"}, "r sorts by calls (row 106)")
    terminal.type("m")
    shows(lambda s: names(s)[0] == "initd", "m sorts by memory")
    tree.ctl("kill", "busy")
    shows(lambda s: "busy" not in names(s), "who ends disappears, in place (row 106)")
    terminal.resize(6, 40)
    os.kill(terminal.pid, signal.SIGWINCH)
    shows(lambda s: len(names(s)) == 2, "a smaller window shows less")
    terminal.type("p")
    shows(lambda s: names(s) == ["initd", "storaged"], "still in order")
    terminal.type("\x1bOB")
    shows(lambda s: names(s) == ["storaged", "runtimed"], "an arrow scrolls")
    terminal.type("q")
    t.equal(terminal.end(), 0, "q leaves (row 106)")

    # The tree goes away under it.
    terminal = Terminal(tree.directory, "top", "-d", "200ms")
    shows(lambda s: "asker" in names(s), "another one")
    tree.ctl("kill", "asker")
    tree.stop()
    t.equal(terminal.end(), 69, "without a tree it ends (row 147)")
    t.ok(any("lost the tree" in line for line in terminal.screen()), "and says why (row 147)",
         "\n".join(terminal.screen()))
    for one in running:
        one.end()
t.done()
