#!/usr/bin/env python3
"""The log in files: with times, rotated, and never in anybody's way. Rows 11, 139."""

import os
import pathlib
import re
import signal
import time

from harness import Tap, Tree, die_with_parent, is_alive, wait_until

t = Tap()
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (thox-initd|storaged|runtimed|worker|thox-logger): .+$")
FLOOD = b"""
for i = 1, 900 do os.send(0, "log", "info", ("%03d "):format(i) .. ("x"):rep(400)) end
os.rpc.log("info", "flood of " .. os.name .. " is over")
"""


def into_nothing():
    die_with_parent()
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 2)


def read(path):
    """Between a file that is put aside and its successor there is none."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def newest(tree):
    return read(tree.directory / "log/thox.log")


def holds(tree, text):
    return wait_until(lambda: text in newest(tree), 5, f"'{text}' is in the log")


def logger(tree):
    """Its Linux pid."""
    for pid in pathlib.Path(f"/proc/{tree.initd.pid}/task/{tree.initd.pid}/children").read_text().split():
        if pathlib.Path(f"/proc/{pid}/comm").read_text() == "thox-logger\n":
            return int(pid)
    return None


with Tree(prepare=into_nothing) as tree:
    t.ok(holds(tree, "the tree is up"), "where stderr leads nowhere the log goes to a file (row 11)")
    tree.ctl("run", "-", stdin=b"os.rpc.log('warning', 'it rains')")
    t.ok(holds(tree, 'warning: "it rains"'), "with what programs say")
    t.equal([line for line in newest(tree).splitlines() if not LINE.match(line)], [], "each line with its time")
    t.contains(tree.ctl("status").out, f"{tree.directory}/log", "status says where")

    # The logger falls, or hangs.
    first = logger(tree)
    os.kill(first, signal.SIGKILL)
    second = wait_until(lambda: logger(tree) not in (None, first) and logger(tree), 5, "there is another logger")
    tree.ctl("run", "-", stdin=b"os.rpc.log('info', 'it still rains')")
    t.ok(holds(tree, "it still rains"), "a logger that falls is replaced")
    os.kill(second, signal.SIGSTOP)
    for i in range(6):  # more than the pipe takes
        tree.ctl("run", "--name", f"flood{i}", "-", stdin=FLOOD)
    started = time.monotonic()
    t.equal(tree.ctl("ps").code, 0, "one that hangs stops nobody (row 139)")
    t.ok(time.monotonic() - started < 2, "nor makes anybody wait")
    os.kill(second, signal.SIGCONT)
    tree.ctl("run", "-", stdin=b"os.rpc.log('info', 'the sun shines')")
    t.ok(holds(tree, "the sun shines"), "it goes on when it can")
    t.ok("log lines were lost n=" in newest(tree), "and says how many lines were lost")

    # What initd says last.
    os.kill(tree.initd.pid, signal.SIGKILL)
    tree.initd.wait()
    t.ok(wait_until(lambda: not is_alive(second), 5, "the logger ends"), "it ends after initd")
    tree.start()
    t.equal(tree.stop(), 0, "the tree runs and ends")
    t.ok(holds(tree, "the tree stops"), "which is logged to the end")
    t.equal(newest(tree).count("the tree is up"), 2, "in the same file, of which nothing was lost")

with Tree() as tree:
    (tree.directory / "thox.conf").write_text(
        f'log: {{ dir = "{tree.directory}/elsewhere/log"; size = "64K"; files = 3; }};', encoding="ascii")
    tree.stop()
    tree.start()
    where = tree.directory / "elsewhere/log"
    for i in range(4):
        tree.ctl("run", "--name", f"f{i}", "-", stdin=FLOOD)
    last = where / "thox.log"
    wait_until(lambda: "flood of f3 is over" in read(last), 5, "all is written")
    files = sorted(where.iterdir())
    t.equal([file.name for file in files], ["thox.log", "thox.log.1", "thox.log.2"],
            "a place, a size and a number of files are settings")
    t.ok(all(file.stat().st_size <= 64 << 10 for file in files), "none is larger than said")
    text = "".join(file.read_text() for file in reversed(files))
    t.equal([line for line in text.splitlines() if not LINE.match(line)], [], "no line is torn")
    numbers = [int(match[1]) for match in re.finditer(r'"(\d{3}) x', text)]
    t.ok(all(b == a % 900 + 1 for a, b in zip(numbers, numbers[1:])) and len(numbers) > 300, "or missing between them")
    t.contains(tree.log_text(), "the log goes to", "stderr says where it went")

    for text, why in (('size = "1K"', "log.size is 65536 bytes or more"), ("files = 0", "log.files 1 to 1000"),
                      ('dir = "/proc/nowhere"', "cannot write the log to /proc/nowhere")):
        tree.stop()
        (tree.directory / "thox.conf").write_text(f"log: {{ {text}; }};", encoding="ascii")
        os.close(tree.spawn())
        t.equal(tree.wait(), 1, f"{text} is refused")
        t.contains(tree.log_text(), why, "with the reason")
t.done()
