#!/usr/bin/env python3
"""What ps shows: one Linux process per program, its state, and nothing of the dead. Rows 1, 2, 5, 6."""

import os
import signal

from harness import Tap, Tree, is_alive, wait_until

SERVICE = b"os.bind(os.name, function() return os.pid() end) print('up')"
BUSY = b"print('up') while true do end"

t = Tap()


def start(tree, name, source):
    running = tree.run_beside("--name", name, source=source)
    assert running.line() == "up"
    return running


def by_name(tree):
    return {p["name"]: p for p in tree.processes().values()}


with Tree() as tree:
    # row 1
    processes = tree.processes()
    t.equal({pid: (p["name"], p["ppid"], p["uid"]) for pid, p in processes.items()},
            {1: ("initd", 0, 0), 2: ("storaged", 1, 0), 3: ("runtimed", 1, 0), 4: ("init", 1, 0)},
            "a tree is initd, storaged, runtimed and init (row 1)")
    one, two, busy = start(tree, "one", SERVICE), start(tree, "two", SERVICE), start(tree, "busy", BUSY)
    rows = by_name(tree)

    # row 2
    linux_pids = {p["linux_pid"] for p in rows.values()}
    t.equal(len(linux_pids), 7, "every process is a Linux process of its own (row 2)")
    t.ok(all(map(is_alive, linux_pids)), "that exists")

    # row 5
    t.equal(wait_until(lambda: by_name(tree)["one"]["state"] == "waiting", 2, "one waits"), True,
            "one that waits is waiting (row 5)")
    t.equal(wait_until(lambda: by_name(tree)["busy"]["state"] == "running", 2, "busy runs"), True,
            "one that computes is running (row 5)")

    # rows 2, 6, 146
    os.kill(rows["one"]["linux_pid"], signal.SIGKILL)
    t.equal(one.end(), 1, "a program killed from outside is a failure")
    t.contains(one.err.decode(), "signal 9", "and its signal is told (row 6)")
    t.contains(one.err.decode(), "code: signal", "as the reason (row 146)")
    t.equal(tree.ctl("call", "two").out, f"{rows['two']['pid']}\n", "the other one answers (row 2)")
    t.ok("one" not in by_name(tree), "the dead one is not in the list (row 5)")

    # row 9
    t.equal(tree.ctl("restart", "two").code, 0, "the service is restarted (row 9)")
    t.equal(tree.ctl("call", "two").out, f"{rows['two']['pid']}\n", "and answers under its pid")
    t.ok(by_name(tree)["two"]["linux_pid"] != rows["two"]["linux_pid"], "in a new Linux process")

    # row 8
    t.equal(tree.ctl("kill", "busy").code, 0, "an endless loop is killed (row 8)")
    t.equal(busy.end(), 1, "which is no success")
    t.contains(busy.err.decode(), "code: killed", "with that reason (row 146)")
    t.equal(tree.ctl("kill", "two").code, 0, "so is the service")
    two.end()

    # A family is ended by the name of any that belong to it, also when those between have gone.
    bomb = tree.run_beside("--name", "bomb", source=b"""
        local source = "for _ = 1, 3 do os.run_code(os.args[1], { args = { os.args[1] }, name = 'shard' }) end"
        os.run_code(source, { args = { source }, name = 'shard' })
        print("lit")
        os.pull("terminate")
    """)
    t.equal(bomb.line(), "lit", "a program multiplies")
    t.equal(wait_until(lambda: len(tree.processes()) > 100, 10, "it grows"), True, "as far as it may")
    # Each lives for a moment only: another one is tried until one was there.
    t.equal(wait_until(lambda: tree.ctl("kill", "--now", "--family", str(max(tree.processes()))).code == 0, 10,
                       "it is killed"), True, "and is killed as a family (row 8)")
    bomb.end()
    t.equal(wait_until(lambda: sorted(tree.processes()) == [1, 2, 3, 4], 10, "it is gone"), True, "for good")
    t.equal(sorted(tree.processes()), [1, 2, 3, 4], "in the end there is the tree alone (row 5)")
    t.equal(tree.ctl("call", "two").code, 5, "and nobody serves the name any more")

    # A client that goes takes its program with it.
    gone = start(tree, "gone", SERVICE)
    gone.process.kill()
    gone.process.wait()
    t.ok(wait_until(lambda: "gone" not in by_name(tree), 3, "the program has gone"),
         "when thoxctl is killed, so is what it runs")
t.done()
