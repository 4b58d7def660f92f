#!/usr/bin/env python3
"""Each thing that a daemon asks of the system is refused once, in turn: every allocation, and every call that may
run out of something. initd lives on and serves, whatever it is; the daemons may fall, and come back.

usage: scarcity.py BUILD-DIR [--every N] [--program initd|storaged|runtimed]

With --every, only each N-th. Rows 9, 30, 132.
"""

import argparse
import mmap
import os
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenarios"))
sys.dont_write_bytecode = True

NOTHING, MEMORY, CALLS = 0, 1, 2
KINDS = {MEMORY: "memory", CALLS: "system calls"}
FORMAT = "<4Q"  # struct scarce


class Scarcity:
    """What the shim does in the one program it is meant for."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.truncate(4096)
            self.map = mmap.mmap(file.fileno(), 4096)
        self.end()

    def begin(self, kind, fails_at):
        self.map[:32] = struct.pack(FORMAT, kind, fails_at, 0, 0)

    def end(self):
        """How many were seen, and how many of them failed."""
        seen = struct.unpack(FORMAT, self.map[:32])[2:4]
        self.map[:32] = struct.pack(FORMAT, NOTHING, 0, 0, 0)
        return seen


def tell_story(tree):
    """Whether all of it went well."""
    return tree.ctl("run", "--timeout", "10s", HERE / "story.lua").out.endswith("done\n")


def looks(tree):
    """What a person would do meanwhile."""
    for args in (["status"], ["ps"], ["services"], ["logs"]):
        tree.ctl(*args)


def comes_to_itself(tree):
    """A daemon may have to be started again."""
    from harness import wait_until

    try:
        return wait_until(lambda: tell_story(tree), 15, "the story is told again")
    except (TimeoutError, subprocess.TimeoutExpired):
        return False


def sweep(t, tree, scarcity, kind, program, every):
    n = n_tried = 1
    what = f"{KINDS[kind]} of {program}"
    while True:
        scarcity.begin(kind, n)
        try:
            tell_story(tree)
            looks(tree)
        except subprocess.TimeoutExpired:
            t.ok(False, f"{what}: nobody waits for ever when number {n} fails", tree.log_text()[-2000:])
        _, n_failed = scarcity.end()
        if tree.initd.poll() is not None:
            t.ok(False, f"{what}: initd lives on when number {n} fails", tree.log_text()[-2000:])
            tree.start()
        elif not comes_to_itself(tree):
            t.ok(False, f"{what}: all is well after number {n}", tree.log_text()[-2000:])
        if n_failed == 0:
            break
        n, n_tried = n + every, n_tried + 1
    t.ok(n_tried > 2, f"{what}: tried at {n_tried} places up to number {n} (rows 30, 132)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--program", default="initd")
    options = parser.parse_args()
    os.environ["THOX_BUILD"] = str(options.build.resolve())

    from harness import BUILD, Tap, Tree

    t = Tap()
    tree = Tree()
    scarcity = Scarcity(tree.directory / "scarce")
    os.environ.update(LD_PRELOAD=str(BUILD / "tests/scarcity/scarcity-shim.so"),
                      THOX_SCARCE=str(tree.directory / "scarce"), THOX_SCARCE_IN=f"thox-{options.program}")
    with tree:
        t.ok(tell_story(tree), "the story is told in peace")
        for kind in KINDS:
            sweep(t, tree, scarcity, kind, options.program, options.every)
        t.equal(tree.stop(), 0, "the tree ends as any")
        t.equal(tree.leftovers(), [], "and leaves nothing behind")
    t.done()


if __name__ == "__main__":
    main()
