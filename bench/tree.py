"""A private tree of daemons for as long as a measurement lasts, and what /proc says about it."""

import ctypes
import json
import os
import signal
import subprocess
import tempfile

LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lua")
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """A measurement that could not be made; the text says why."""


def pinned(cpu):
    """What a child runs before exec: die with the driver, stay on one CPU."""

    def prepare():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})

    return prepare


class Tree:
    """thox-initd with everything below it, in a directory of its own."""

    def __init__(self, build, cpu):
        self.build = build
        self.cpu = cpu
        self.programs = {}
        self.dir = tempfile.mkdtemp(prefix="thox-bench-")
        self.log = open(os.path.join(self.dir, "log"), "w", encoding="utf-8")
        read_fd, write_fd = os.pipe()
        self.initd = subprocess.Popen(
            [os.path.join(build, "initd/thox-initd"), "--dir", self.dir,
             "--boot", os.path.join(build, "packaging/bootstore"), "--libexec", build,
             "--ready-fd", str(write_fd)],
            pass_fds=[write_fd], preexec_fn=pinned(cpu), stdout=self.log, stderr=self.log)
        os.close(write_fd)
        if not os.read(read_fd, 16):
            raise Failure("the tree did not come up: " + self.read_log())
        os.close(read_fd)

    def read_log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8") as log:
            return log.read()[-2000:]

    def spawn(self, *args, output=subprocess.PIPE):
        """thoxctl with these arguments, its output in a pipe."""
        return subprocess.Popen(
            [os.path.join(self.build, "thoxctl/thoxctl"), "--dir", self.dir, *args],
            stdout=output, stderr=subprocess.PIPE, text=True, preexec_fn=pinned(self.cpu))

    def control(self, *args, seconds=120):
        """Runs thoxctl and returns what it printed."""
        return finish(self.spawn(*args), seconds)

    def run(self, program, *args, seconds=120):
        """Runs one of bench/lua and returns the object it printed."""
        return json.loads(self.control("run", os.path.join(LUA, program), *args, seconds=seconds))

    def stay(self, program, *args):
        """Starts one of bench/lua that prints `ready` and goes on; returns its thoxctl. Its pid is
        in self.programs."""
        before, name = set(self.pids()), program.removesuffix(".lua")
        process = self.spawn("run", os.path.join(LUA, program), *args)
        line = process.stdout.readline()
        if line != "ready\n":
            raise Failure(f"{program} printed {line!r}: {process.stderr.read()}")
        self.programs[name] = next(pid for pid in self.pids() if pid not in before
                                   and comm_of(pid) == f"thox: {name}"[:15])
        return process

    def store(self, name, program):
        self.control("set", "program", name, os.path.join(LUA, program))

    def pids(self):
        """initd and everything below it."""
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                parent = parent_of(entry)
                children.setdefault(parent, []).append(int(entry))
        found = [self.initd.pid]
        for pid in found:
            found.extend(children.get(pid, []))
        return found

    def stop(self):
        self.initd.send_signal(signal.SIGTERM)
        try:
            status = self.initd.wait(20)
        except subprocess.TimeoutExpired:
            self.initd.kill()
            raise Failure("the tree did not stop: " + self.read_log()) from None
        if status != 0:
            raise Failure(f"the tree ended with {status}: " + self.read_log())


def end(processes):
    """Ends what Tree.stay started."""
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()


def finish(process, seconds):
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failure(f"no end after {seconds} s: {' '.join(process.args)}") from None
    if process.returncode != 0:
        raise Failure(f"{' '.join(process.args)}: {err.strip() or process.returncode}")
    return out


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def comm_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="latin-1") as name:
            return name.read().rstrip("\n")
    except OSError:
        return ""


def pss_kib(pid):
    """The process's memory, what it shares counted in proportion; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    except OSError:
        return 0


def cpu_us(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as stat:
        return int(stat.read().split()[0]) / 1000


def wakeups(pids):
    """How often these processes have left a CPU of their own accord: each is one wakeup."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="latin-1") as status:
            total += sum(int(line.split()[1]) for line in status
                         if line.startswith("voluntary_ctxt_switches"))
    return total
