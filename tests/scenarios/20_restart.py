#!/usr/bin/env python3
"""A tree is stopped and started again on its directory: what was stored is there, what ran is not.
Rows 7, 10, 66, 80."""

import signal

from harness import Tap, Tree, is_alive, wait_until

t = Tap()
with Tree() as tree:
    # row 80
    t.equal(sorted(p["name"] for p in tree.processes().values()), ["init", "initd", "runtimed", "storaged"],
            "an empty directory boots from the boot store (row 80)")
    tree.ctl("set", "program", "kept", "-", stdin=b"print('version 1')")
    tree.ctl("set", "program", "kept", "-", stdin=b"print('version 2')")
    tree.ctl("set", "library", "kept-too", "-", stdin=b"return 'a library'")
    tree.ctl("set", "program", "user", "-", stdin=b"print(require('kept-too'))")
    running = tree.run_beside("--name", "long", source=b"print('up') local e = os.pull('terminate') print(e.type)")
    t.equal(running.line(), "up", "a program runs")

    # row 10
    t.equal(tree.stop(), 0, "SIGTERM ends the tree with status 0 (row 10)")
    t.equal(running.line(), "terminate", "its programs are asked first (row 10)")
    running.end()
    t.equal(tree.leftovers(), [], "nothing is left behind (row 10)")

    # row 66
    tree.start()
    t.equal(tree.ctl("run", "kept").out, "version 2\n", "a stored program is there after a restart (row 66)")
    t.equal(tree.ctl("get", "--version", "1", "program", "kept").out, "print('version 1')",
            "its versions too (row 66)")
    t.equal(tree.ctl("run", "user").out, "a library\n", "and libraries (row 67)")
    t.equal(sorted(tree.processes()), [1, 2, 3, 4], "what ran does not run any more")

    # A tree that is killed hard loses nothing either.
    tree.ctl("set", "program", "kept", "-", stdin=b"print('version 3')")
    linux_pids = [p["linux_pid"] for p in tree.processes().values()]
    tree.initd.send_signal(signal.SIGKILL)
    tree.wait()

    t.ok(wait_until(lambda: not any(map(is_alive, linux_pids)), 2, "the tree's processes are gone"),
         "no process outlives initd (row 10)")
    tree.start()
    t.equal(tree.ctl("run", "kept").out, "version 3\n", "what was acknowledged is there after a kill (row 66)")

    # Two SIGTERMs: at once.
    slow = tree.run_beside(source=b"print('up') while true do os.pull() end")
    slow.line()
    tree.initd.send_signal(signal.SIGTERM)
    tree.initd.send_signal(signal.SIGTERM)
    t.equal(tree.wait(2), 0, "a second SIGTERM does not wait (row 10)")
    slow.end()
    t.equal(tree.leftovers(), [], "and leaves nothing behind either (row 10)")

    # row 7
    tree.start()
    t.equal(tree.ctl("shutdown", "-y").code, 0, "shutdown ends the tree")
    t.equal(tree.wait(), 0, "with status 0: it was asked for (row 7)")
t.done()
