#!/usr/bin/env python3
"""The machine loses its power while storaged writes. From a record of what storaged did to its files
it is worked out what could be left at each point (machine.py); a tree must come up with that, and hold
what had been acknowledged by then.

usage: powerloss.py BUILD-DIR [--every N] [--seed N]

With --every, only at each N-th point. Rows 66, 80.
"""

import argparse
import os
import pathlib
import random
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenarios")]
sys.dont_write_bytecode = True

N_RANDOM = 3  # what is in doubt is decided so often by chance at each point, beside all of it and none


class Recording:
    """A story and how far the record was at the beginning and at the answer of each write."""

    def __init__(self):
        import client
        from faulty import FaultyTree
        from machine import read_record
        from story import Everything, Story

        self.spans = []
        with FaultyTree() as tree:
            tree.wrap(record=tree.record)
            tree.start()
            story = Story(Everything())
            with client.Client(tree.directory) as connection:
                while story.rest:
                    begin = tree.record.stat().st_size
                    story.write_next(connection)
                    self.spans.append((begin, tree.record.stat().st_size))
            self.ops = read_record(tree.record)
            self.root = tree.directory / "store"  # made by initd, before
            self.folders = {str(self.root): self.root.stat().st_ino}

    def story_at(self, n):
        """What the store may hold when the first `n` operations had been begun."""
        from story import Everything, Story

        before = self.ops[n - 2].end if n > 1 else 0
        story = Story(Everything())
        for (begin, end), (key, value) in zip(self.spans, Everything.WRITES):
            if end <= before:
                story.settle(key, value, "OK")
            elif begin <= before:
                story.settle(key, value, "lost")
        story.rest = [("program a", "-- after"), ("data a", "after"), ("program d", "-- new"), ("data d", "new")]
        story.allowed.update({"program d": [None], "data d": [None]})
        return story


def check(recording, n, choose):
    """A tree on what is left comes up, holds what it must, and takes new writes."""
    import client
    from harness import Tree
    from machine import Crash

    story = recording.story_at(n)
    with tempfile.TemporaryDirectory(prefix="thox.") as directory:
        store = pathlib.Path(directory) / "store"
        store.mkdir()
        Crash(recording.ops[:n], recording.folders).files(choose).put(recording.root, store)
        tree = Tree(directory=directory)
        try:
            tree.start()
            with client.Client(directory) as connection:
                story.check(connection)
                while story.rest:
                    story.write_next(connection)
                story.check(connection)
        finally:
            tree.destroy()


def check_point(recording, n, seed):
    """All of what is in doubt at this point is kept; none; and some, by chance. What went wrong."""
    import client
    from story import Wrong

    chances = [random.Random(seed * 1000 + i) for i in range(N_RANDOM)]
    choices = [("all kept", lambda: True), ("none kept", lambda: False)]
    choices += [(f"chance {i}", lambda r=r: r.random() < 0.5) for i, r in enumerate(chances)]
    for name, choose in choices:
        try:
            check(recording, n, choose)
        except (Wrong, client.Lost, RuntimeError, TimeoutError) as error:
            op = recording.ops[n - 1]
            return f"after {n} operations, the last {op.verb} {' '.join(op.words)}, {name}: {error}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    os.environ["THOX_BUILD"] = str(pathlib.Path(options.build).resolve())
    from harness import Tap

    tap, recording = Tap(), Recording()
    tap.ok(len(recording.ops) > 40, f"storaged does {len(recording.ops)} operations on files")
    points = range(1, len(recording.ops) + 1, options.every)
    wrong = [found for n in points if (found := check_point(recording, n, options.seed))]
    tap.ok(not wrong, f"power is lost at {len(points)} points, and nothing acknowledged with it (rows 66, 77, 80)",
           f"--seed {options.seed}\n" + "\n".join(wrong))
    tap.done()


if __name__ == "__main__":
    main()
