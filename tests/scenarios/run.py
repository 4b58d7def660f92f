#!/usr/bin/env python3
"""Runs the scenarios and prints one TAP stream.

usage: run.py BUILD-DIR [--slow | --under-load] [NAME...]

A scenario is a file NN_name.lua or NN_name.py beside this one. Lua programs are run by `thoxctl run` on
one tree that all of them share; Python scripts find that tree in THOX_DIR or start their own. The head of
a file may say how it wants to be run:

    -- flags: --admin      flags of thoxctl run
    -- args: one two       arguments of the program
    -- tree: --no-hooks    a tree of its own, with these options of thox-initd
    -- suite: slow         only with --slow
    -- load: none          not with --under-load: it counts what is in the tree, or how long things take

With --under-load, the programs of load.lua work on the shared tree all the time.

After the last one the tree must stop at SIGTERM with exit status 0 and leave nothing behind.
"""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SCENARIO_SECONDS = 30
SLOW_SECONDS = 240
DIRECTIVE = re.compile(r"^(?:--|#) (flags|args|tree|suite|load): *(.*)$", re.MULTILINE)
RESULT = re.compile(r"^(ok|not ok)\b(?: \d+)?(?: - )?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)$")


class Scenario:
    def __init__(self, path):
        self.path, self.name = path, path.stem
        head = path.read_text(encoding="utf-8")[:2000]
        self.wants = {key: value.split() for key, value in DIRECTIVE.findall(head)}
        self.is_slow = self.wants.get("suite") == ["slow"]
        self.bears_load = self.path.suffix == ".lua" and "load" not in self.wants

    def command(self, build):
        if self.path.suffix == ".py":
            return [sys.executable, self.path]
        return [build / "thoxctl/thoxctl", "run", *self.wants.get("flags", []), self.path,
                *self.wants.get("args", [])]


class Stream:
    """One TAP stream out of many; tests keep the name of their scenario."""

    def __init__(self):
        self.n_results = self.n_failed = 0

    def result(self, is_ok, name, note=""):
        self.n_results += 1
        self.n_failed += not is_ok
        print(f"{'ok' if is_ok else 'not ok'} {self.n_results} - {name}")
        for line in note.splitlines():
            print("#", line)
        sys.stdout.flush()

    def copy(self, scenario, output):
        """Results of one scenario; whether its plan was kept."""
        n, plan = 0, None
        for line in output.splitlines():
            result, planned = RESULT.match(line), PLAN.match(line)
            if result:
                n += 1
                self.result(result[1] == "ok", f"{scenario.name}: {result[2]}")
            elif planned:
                plan = int(planned[1])
            else:
                print(line if line.startswith("#") else "# " + line)
        return plan == n

    def finish(self):
        print(f"1..{self.n_results}")
        return 1 if self.n_failed else 0


def run_scenario(harness, stream, tree, scenario):
    env = dict(os.environ, THOX_DIR=str(tree.directory), PYTHONPATH=str(HERE), NO_COLOR="1",
               PYTHONDONTWRITEBYTECODE="1")
    seconds = (SLOW_SECONDS if scenario.is_slow else SCENARIO_SECONDS) * harness.SLOWNESS
    with subprocess.Popen(scenario.command(harness.BUILD), env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=harness.die_with_parent) as process:
        try:
            out, err = process.communicate(timeout=seconds)
            end = f"exit status {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            end = f"not finished after {seconds:g} s"
    is_planned = stream.copy(scenario, out.decode(errors="replace"))
    note = end + ("" if is_planned else ", without the plan it ought to have") + "\n"
    stream.result(process.returncode == 0 and is_planned, f"{scenario.name}: runs to its end",
                  "" if process.returncode == 0 and is_planned else note + err.decode(errors="replace"))


def check_nothing_runs(stream, tree, scenario):
    """A scenario ends what it started."""
    rest = {pid: p["name"] for pid, p in tree.processes().items()
            if pid > 4 and not p["name"].startswith("load")}
    if rest:
        stream.result(False, f"{scenario.name}: leaves no process in the tree", f"left: {rest}")
        for pid in rest:
            tree.ctl("kill", "--now", pid)


def prepare(harness, tree):
    """Scenarios require their checks from the library store, as every program does."""
    machine = f"return {{ slowness = {harness.SLOWNESS} }}"
    if tree.ctl("set", "library", "machine", "-", stdin=machine.encode()).code != 0:
        raise RuntimeError("cannot store library 'machine'")
    for path in sorted((HERE / "lib").glob("*.lua")):
        result = tree.ctl("set", "library", path.stem, path)
        if result.code != 0:
            raise RuntimeError(f"cannot store library '{path.stem}':\n{result.err}")


def start_load(harness, tree):
    harness.Running("run", "--name", "load", HERE / "load.lua", directory=tree.directory)
    harness.wait_until(lambda: tree.ctl("call", "load.echo", "1").code == 0, 10, "the load serves")


def run_on_tree(harness, stream, options, scenarios, is_loaded):
    label = "tree " + (" ".join(options) or "of all")
    tree = harness.Tree(*options)
    try:
        tree.start()
        prepare(harness, tree)
        if is_loaded:
            start_load(harness, tree)
        for scenario in scenarios:
            run_scenario(harness, stream, tree, scenario)
            check_nothing_runs(stream, tree, scenario)
        status = tree.stop()
        stream.result(status == 0, f"{label}: SIGTERM ends it with status 0 (row 10)",
                      f"status {status}\n{tree.log_text()}" if status else "")
        rest = tree.leftovers() + [f"process {pid}" for pid in harness.children()]
        stream.result(not rest, f"{label}: leaves no process, socket or finding behind (row 10)",
                      "\n".join(rest))
    except (RuntimeError, TimeoutError, OSError, ValueError, subprocess.SubprocessError) as error:
        stream.result(False, f"{label}: goes through all scenarios", f"{error}\n{tree.log_text()}")
    finally:
        tree.destroy()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    os.environ["THOX_BUILD"] = str(pathlib.Path(sys.argv[1]).resolve())
    import harness  # needs THOX_BUILD

    harness.die_with_parent()
    harness.adopt_orphans()
    is_slow, is_loaded = "--slow" in sys.argv, "--under-load" in sys.argv
    names = [name for name in sys.argv[2:] if not name.startswith("--")]
    scenarios = [Scenario(path) for path in sorted(HERE.glob("[0-9][0-9]_*.*"))]
    wanted = [s for s in scenarios
              if (s.is_slow == is_slow if not names else any(s.name.endswith(n) for n in names)) and (s.bears_load or not is_loaded)]
    stream = Stream()
    if not wanted:
        stream.result(False, "there is a scenario to run")
    trees = {}
    for scenario in wanted:
        trees.setdefault(tuple(scenario.wants.get("tree", [])), []).append(scenario)
    for options, group in trees.items():
        run_on_tree(harness, stream, options, group, is_loaded)
    return stream.finish()


if __name__ == "__main__":
    sys.exit(main())
