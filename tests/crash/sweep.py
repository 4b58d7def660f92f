#!/usr/bin/env python3
"""A fault at every system call with which storaged writes, from its first start on: it is killed there,
before, after or in the midst of it, or the call fails. Whatever happens, the tree comes back by itself
(or, when the disk fails, says why not, and does once the disk is well), and holds what it acknowledged.

usage: sweep.py BUILD-DIR [--every N] [ACTION...]

With --every, only each N-th call. Rows 9, 66, 77, 80.
"""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenarios")]
sys.dont_write_bytecode = True

KILLS = ("kill", "done", "torn")
FAILURES = {"short": ("ERROR",), "eio": ("ERROR",), "enospc": ("ERROR", "LIMIT"), "broken": ("ERROR",)}


def write_all(tree, story):
    """Until the story is over or the tree is."""
    import client
    from harness import wait_until

    connection = client.Client(tree.directory)
    while story.rest:
        wait_until(lambda: story.write_next(connection), 10, "storaged answers")
    connection.close()


def start(tree, action):
    """Whether it comes up at once. If not it says why: storaged was killed, or cannot use its disk."""
    from story import Wrong

    try:
        tree.start()
        return True
    except RuntimeError:
        reason = "storaged was killed" if action in KILLS else "cannot use the store directory"
        if reason not in tree.log_text():
            raise Wrong("the tree did not start, and does not say why") from None
        return False


def run_once(tree, action, n):
    """The story with one fault; whether there was an n-th call."""
    import client
    from story import Everything, Story

    tree.break_at(action, n)
    story = Story(Everything(), FAILURES.get(action, ()))
    if start(tree, action):
        write_all(tree, story)
    has_broken = tree.has_broken()
    tree.fault.unlink(missing_ok=True)
    if tree.initd.poll() is None:
        tree.initd.kill()
        tree.wait()
    tree.start()
    with client.Client(tree.directory) as connection:
        story.check(connection)
        story.rest = list(story.store.WRITES)
        story.refusals = ()
        while story.rest:
            story.write_next(connection)
        story.check(connection)
    return has_broken


def sweep(action, every):
    """The number of calls at which it was tried."""
    from faulty import FaultyTree
    from story import Wrong

    n = n_tried = 0
    has_broken = True
    while has_broken:
        n += every
        with FaultyTree() as tree:
            try:
                has_broken = run_once(tree, action, n)
            except (Wrong, RuntimeError, TimeoutError, OSError) as error:
                raise Wrong(f"{action} {n}: {error}\n{tree.log_text()}") from error
        n_tried += has_broken
    return n_tried


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("actions", nargs="*", default=[*KILLS, *FAILURES])
    options = parser.parse_intermixed_args()
    os.environ["THOX_BUILD"] = str(pathlib.Path(options.build).resolve())
    from harness import Tap
    from story import Wrong

    tap = Tap()
    for action in options.actions:
        try:
            n, note = sweep(action, options.every), ""
        except Wrong as error:
            n, note = 0, str(error)
        tap.ok(n > 0, f"{action} at {n} calls of storaged's, and nothing is lost (rows 9, 66, 77)", note)
    tap.done()


if __name__ == "__main__":
    main()
