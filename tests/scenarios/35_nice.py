#!/usr/bin/env python3
"""The priority of a process is Linux's as well: less of the processor where others want it. Row 21."""

import os

from harness import Tap, Tree

SERVICE = b"print('up') os.pull()"

t = Tap()


def start(tree, *flags):
    running = tree.run_beside(*flags, source=SERVICE)
    return running


def nice_of(tree, name):
    rows = {p["name"]: p for p in tree.processes().values()}
    return os.getpriority(os.PRIO_PROCESS, rows[name]["linux_pid"])


with Tree() as tree:
    initd = os.getpriority(os.PRIO_PROCESS, tree.initd.pid)
    programs = [start(tree, "--name", "plain"), start(tree, "--name", "lowest", "--priority", "0"),
                start(tree, "--name", "highest", "--priority", "7")]
    for program in programs:
        assert program.line() == "up"
    t.equal(nice_of(tree, "plain"), initd, "a process is as nice as the tree (row 21)")
    t.ok(nice_of(tree, "lowest") > initd, "one of a low priority is nicer (row 21)")
    t.ok(nice_of(tree, "highest") <= initd, "one of a high priority is not, where that is permitted (row 21)")
    refused = tree.ctl("run", "--priority", "8", "-")
    t.contains(refused.err, "priority: wants an integer from 0 to 7", "there is no higher one than 7 (row 21)")
    t.equal(tree.stop(), 0, "the tree ends well")
    for program in programs:
        program.end()
t.done()
