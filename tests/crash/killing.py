#!/usr/bin/env python3
"""Programs work on data while storaged, initd and they themselves are killed, round after round over one
directory. After each, what is there and what was seen is checked against what was acknowledged
(history.py). Nobody repairs anything in between.

usage: killing.py BUILD-DIR [--rounds N] [--seed N]

Which to kill, and after how many operations, is decided by the seed. Rows 9, 66, 75-77.
"""

import argparse
import contextlib
import os
import pathlib
import random
import selectors
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scenarios")]
sys.dont_write_bytecode = True

OBJECT = "test:killing"
N_WRITERS, N_TASKS = 4, 3
# More in one life of a tree, and supervision waits longer and longer before it starts storaged again.
STORAGED_KILLS_MAX = 3
REGISTERS = ["a", "b", "stream", "rows"]
COUNTERS = ["n", "m", "locked"]
ACCOUNTS = [f"account.{i}" for i in range(1, 5)]
MARKS = [f"mark.w{writer}.{task}" for writer in range(N_WRITERS) for task in range(1, N_TASKS + 1)]
VICTIMS = ["storaged"] * 4 + ["initd"] * 2 + ["writer"] * 2


class Wrong(Exception):
    """What must not be."""


def op_of(name, begin, verb, args):
    from history import Op

    if verb in ("set", "swap"):
        return Op(name, begin, writes={args[0]: args[-1]})
    if verb in ("add", "guarded"):
        return Op(name, begin, adds={args[0]: 1})
    if verb == "move":
        source, target, amount, mark, value = args
        adds = {source: -int(amount), target: int(amount)}
        return Op(name, begin, writes={mark: value}, adds=adds if source != target else {})
    op = Op(name, begin)
    op.key = args[0] if args else None
    return op


def reads_of(op, found):
    """What an acknowledged operation saw."""
    if op.adds and not op.writes:
        return {key: int(found) for key in op.adds}
    if op.writes:
        return {key: found for key in op.writes if found}
    if op.key:
        return {op.key: int(found) if op.key in COUNTERS else found}
    return {**dict.fromkeys(ACCOUNTS, 0), **{key: int(n) for key, n in (row.split("=") for row in found.split())}}


class Log:
    """What programs tell of their operations."""

    def __init__(self):
        self.ops, self.n_ended, self.pids = {}, 0, {}

    def add(self, program, line):
        word, *rest = line.split("\t")
        if word == "up":
            self.pids[program] = int(rest[0])
        elif word == "begin":
            self.ops[rest[0]] = op_of(rest[0], float(rest[1]), rest[2], rest[3:])
        else:
            name, end, outcome, found = rest
            op = self.ops[name]
            if outcome == "wrong":
                raise Wrong(f"{name} was refused: {found}")
            op.finish(float(end), outcome, reads_of(op, found) if outcome == "ok" else None)
            self.n_ended += 1


class Crew:
    """Programs that run in the tree, and their log."""

    def __init__(self, tree):
        self.tree, self.log = tree, Log()
        self.selector, self.rests = selectors.DefaultSelector(), {}

    def start(self, name, mode, *args):
        program = self.tree.run_beside("--admin", "--name", name, HERE / "writer.lua", OBJECT, mode, name, *args)
        self.selector.register(program.process.stdout, selectors.EVENT_READ, program)
        self.rests[program] = b""
        return program

    def is_running(self):
        return bool(self.rests)

    def read(self, is_enough):
        """Until it is, or all have ended."""
        from harness import SLOWNESS

        while not is_enough() and self.rests:
            ready = self.selector.select(30 * SLOWNESS)
            if not ready:
                raise Wrong("no program did anything for 30 s")
            for key, _ in ready:
                self.read_program(key.data)

    def read_program(self, program):
        data = os.read(program.process.stdout.fileno(), 1 << 16)
        *lines, self.rests[program] = (self.rests[program] + data).split(b"\n")
        for line in lines:
            self.log.add(program, line.decode())
        if not data:
            self.selector.unregister(program.process.stdout)
            del self.rests[program]
            program.end()
            if b"ended with an error" in program.err:
                raise Wrong(program.err.decode(errors="replace"))

    def read_ops(self, n):
        """Until `n` more operations have ended."""
        n += self.log.n_ended
        self.read(lambda: self.log.n_ended >= n)

    def kill(self, programs):
        """Those that run, as Linux processes, at once."""
        pids = [self.log.pids[program] for program in programs if program in self.rests]
        processes = self.tree.processes() if pids else {}
        for pid in pids:
            with contextlib.suppress(KeyError, ProcessLookupError):  # one killed before is still ending
                os.kill(processes[pid]["linux_pid"], signal.SIGKILL)


class Round:
    """Programs work, somebody is killed."""

    def __init__(self, tree, n, chance):
        self.tree, self.n, self.chance = tree, n, chance
        self.crew = Crew(tree)

    def kill_storaged(self):
        from harness import wait_until

        pid = wait_until(lambda: self.tree.daemons()["storaged"]["pid"], 10, "storaged is back")
        os.kill(pid, signal.SIGKILL)
        self.tree.n_storaged_kills += 1

    def kill_initd(self):
        self.tree.initd.kill()
        self.tree.wait()

    def run(self):
        """Kills up to three times; the last one is initd's turn when storaged's are used up."""
        writers = [self.crew.start(f"w{i}", "work", self.n, self.chance.randrange(1 << 30), N_TASKS)
                   for i in range(N_WRITERS)]
        self.crew.read(lambda: len(self.crew.log.pids) == N_WRITERS)
        for _ in range(self.chance.randint(1, 3)):
            self.crew.read_ops(self.chance.randint(1, 60))
            victim = self.chance.choice(VICTIMS)
            if victim == "writer":
                self.crew.kill([self.chance.choice(writers)])
            elif victim == "storaged" and self.tree.n_storaged_kills < STORAGED_KILLS_MAX:
                self.kill_storaged()
            else:
                self.kill_initd()
                break
        if self.tree.initd.poll() is None:
            self.crew.kill(writers)
        self.crew.read(lambda: False)

    def look(self):
        """What is there now, by key, when a tree is up again."""
        if self.tree.initd.poll() is not None:
            self.tree.start()
            self.tree.n_storaged_kills = 0
        keys = [f"get {key}" for key in REGISTERS + MARKS] + [f"count {key}" for key in COUNTERS] + ["accounts"]
        self.crew.start("look", "look", self.n, *keys)
        self.crew.read(lambda: False)
        looked = [op for op in self.crew.log.ops.values() if "-look-" in op.name and op.outcome == "ok"]
        found = {key: value for op in looked for key, value in op.reads.items()}
        missing = [key for key in REGISTERS + MARKS + COUNTERS + ACCOUNTS if key not in found]
        if missing:
            raise Wrong(f"nothing was found out about {', '.join(missing)}")
        return found

    def wrongs(self, before):
        """What cannot be, and the history of the key that it is about."""
        import history

        ops = list(self.crew.log.ops.values())
        for keys, check in ((REGISTERS + MARKS, history.check_register), (COUNTERS + ACCOUNTS, history.check_counter)):
            for key in keys:
                for wrong in check(key, ops, before[key]):
                    yield f"{key}: {wrong}\n{history.of_key(ops, key)}"
        for wrong in history.check_sum(ACCOUNTS, ops, 0):
            yield f"accounts: {wrong}\n" + "\n".join(history.of_key(ops, key) for key in ACCOUNTS)


class Killing:
    """All rounds, and what they came to."""

    def __init__(self, tree, seed):
        self.tree, self.chance = tree, random.Random(seed)
        self.state = {**dict.fromkeys(REGISTERS + MARKS, "nil"), **dict.fromkeys(COUNTERS + ACCOUNTS, 0)}
        self.n_by_outcome = dict.fromkeys(("ok", "refused", "unknown"), 0)
        tree.n_storaged_kills = 0

    def run(self, n):
        """One round; what was wrong with it."""
        one = Round(self.tree, n, self.chance)
        one.run()
        after = one.look()
        wrongs = list(one.wrongs(self.state))
        self.state = after
        for op in one.crew.log.ops.values():
            self.n_by_outcome[op.outcome] += 1
        return "\n\n".join(wrongs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    os.environ["THOX_BUILD"] = str(pathlib.Path(options.build).resolve())
    from harness import Tap, Tree

    tap, n, wrong = Tap(), 0, ""
    with Tree() as tree:
        killing = Killing(tree, options.seed)
        while n < options.rounds and not wrong:
            n += 1
            try:
                wrong = killing.run(n)
            except (Wrong, RuntimeError, TimeoutError, OSError) as error:
                wrong = f"{error}\n{tree.log_text()[-4000:]}"
        outcomes = killing.n_by_outcome
        tap.ok(not wrong, f"{n} rounds of kills: what was acknowledged is there, nothing is in half (rows 9, 66, 75-77)",
               f"--seed {options.seed}, round {n}\n{wrong}")
        tap.ok(outcomes["ok"] > 20 * n and outcomes["unknown"] > n / 2,
               f"{outcomes['ok']} operations were acknowledged, {outcomes['refused']} refused, "
               f"{outcomes['unknown']} ended unknown", f"--seed {options.seed}")
        tap.equal(tree.stop(), 0, "the tree ends as ever")
        tap.equal(tree.leftovers(), [], "and leaves nothing behind")
    tap.done()


if __name__ == "__main__":
    main()
