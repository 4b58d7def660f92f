"""harness: private trees, thoxctl and TAP, for the runner and for scenarios written in Python.

A tree lives in a directory of its own and dies with whoever started it, however that ends. Nothing here
waits without a bound.
"""

import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)

BUILD = pathlib.Path(os.environ["THOX_BUILD"])
# Sanitizers make everything a few times slower.
SLOWNESS = float(os.environ.get("THOX_SLOWNESS", "1"))
SANITIZER_SIGNS = (b"Sanitizer", b"runtime error:")


def die_with_parent():
    """To be called between fork and exec. A shell ignores Ctrl-C for what it runs in the background; those here
    are to hear of it all the same."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def adopt_orphans():
    """Whatever our descendants leave behind becomes our child, so that it can be noticed."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def children():
    """Linux pids of our children, the dead ones reaped before."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return []
    text = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(pid) for pid in text.split()]


def wait_until(condition, seconds, what):
    """Returns the condition's first true value."""
    deadline = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds * SLOWNESS:g} s")
        time.sleep(0.005)


def is_alive(linux_pid):
    """Whether the process runs: dead ones that nobody reaped do not."""
    try:
        stat = pathlib.Path(f"/proc/{linux_pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


class Result:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.bytes, self.err = code, out, err.decode(errors="replace")
        self.out = out.decode(errors="replace")

    def json(self):
        return json.loads(self.out)

    def error_code(self):
        """The code of an error in thoxctl's style."""
        for line in self.err.splitlines():
            if line.startswith("  code: "):
                return line.split()[1]
        return None


def thoxctl(*args, directory=None, stdin=b"", timeout=20, env=None):
    command = [BUILD / "thoxctl/thoxctl", *map(str, args)]
    full_env = dict(os.environ, **(env or {}))
    if directory:
        full_env["THOX_DIR"] = str(directory)
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout * SLOWNESS,
                          preexec_fn=die_with_parent, env=full_env, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


class Running:
    """A thoxctl that runs beside the scenario. Its lines are read one by one, each in bounded time."""

    def __init__(self, *args, directory=None):
        env = dict(os.environ)
        if directory:
            env["THOX_DIR"] = str(directory)
        self.process = subprocess.Popen(
            [BUILD / "thoxctl/thoxctl", *map(str, args)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, preexec_fn=die_with_parent)
        self.rest = b""

    def line(self, seconds=10):
        """The next line of its output; None at the end."""
        deadline = time.monotonic() + seconds * SLOWNESS
        while b"\n" not in self.rest:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self.process.stdout], [], [], wait)[0]:
                raise TimeoutError(f"no line within {seconds * SLOWNESS:g} s")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def end(self, seconds=10):
        """Waits for its end; the exit status."""
        out, self.err = self.process.communicate(timeout=seconds * SLOWNESS)
        self.rest += out
        return self.process.returncode


class Tree:
    """A tree in `directory` (default: a new one, removed at the end); `prepare` is called before exec."""

    def __init__(self, *options, directory=None, boot=None, prepare=die_with_parent):
        self.options = options
        self.is_own_directory = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="thox."))
        self.boot = boot or BUILD / "packaging/bootstore"
        self.prepare = prepare
        self.initd = None
        self.log = self.directory / "stderr"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.destroy()

    def spawn(self):
        """Starts initd; returns the descriptor that tells when it is ready."""
        read_fd, write_fd = os.pipe()
        env = dict(os.environ)
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            env[name] = env.get(name, "") + f":log_path={self.directory}/sanitizer"
        with open(self.log, "ab") as log:
            self.initd = subprocess.Popen(
                [BUILD / "initd/thox-initd", "--dir", self.directory, "--boot", self.boot,
                 "--libexec", BUILD, "--ready-fd", str(write_fd), *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[write_fd], env=env,
                start_new_session=True, preexec_fn=self.prepare)
        os.close(write_fd)
        return read_fd

    def start(self):
        read_fd = self.spawn()
        os.set_blocking(read_fd, False)
        try:
            if wait_until(lambda: self.read_ready(read_fd), 20, "the tree is ready") == [b""]:
                raise RuntimeError("the tree did not start:\n" + self.log_text())
        except BaseException:
            self.destroy()
            raise
        finally:
            os.close(read_fd)

    def read_ready(self, read_fd):
        """None: not yet; else a list of the byte written, or of none when initd ended."""
        try:
            return [os.read(read_fd, 1)] if self.initd.poll() is None else [b""]
        except BlockingIOError:
            return None

    def ctl(self, *args, **options):
        return thoxctl(*args, directory=self.directory, **options)

    def run_beside(self, *args, source=None):
        """A program that runs on; `source`: of one that comes from standard input."""
        running = Running("run", *args, *([] if source is None else ["-"]), directory=self.directory)
        if source is not None:
            running.process.stdin.write(source)
            running.process.stdin.close()
            running.process.stdin = None
        return running

    def processes(self):
        """What ps shows, by pid."""
        return {p["pid"]: p for p in self.ctl("ps", "--json").json()["processes"]}

    def daemons(self):
        """Of tree.status, by name."""
        return {d["name"]: d for d in self.ctl("status", "--json").json()["tree"]["daemons"]}

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait(self, seconds=15):
        """Waits for initd's end; its exit status."""
        return self.initd.wait(seconds * SLOWNESS)

    def stop(self):
        """As a service manager would: SIGTERM. The exit status."""
        self.initd.send_signal(signal.SIGTERM)
        return self.wait()

    def leftovers(self):
        """What a tree that has ended must not leave behind, as sentences."""
        found = [f"socket {path}" for path in self.directory.rglob("*") if path.is_socket()]
        for path in self.directory.glob("sanitizer*"):
            found.append("sanitizer: " + path.read_text(errors="replace"))
        if self.log.exists():
            log = self.log.read_bytes()
            found += ["sanitizer: " + self.log_text() for sign in SANITIZER_SIGNS if sign in log][:1]
        return found

    def destroy(self):
        """Ends it at once when it still runs; its children die with it."""
        if self.initd and self.initd.poll() is None:
            self.initd.kill()
            self.initd.wait()
        if self.is_own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Tap:
    """Checks of a scenario in Python, printed as they are made."""

    def __init__(self):
        self.n_checks = self.n_failed = 0

    def ok(self, outcome, name, note=""):
        self.n_checks += 1
        if not outcome:
            self.n_failed += 1
            frame = sys._getframe(1)
            while frame.f_code.co_filename == __file__:
                frame = frame.f_back
            note = f"at {frame.f_code.co_filename}:{frame.f_lineno}\n{note}"
        print(("ok" if outcome else "not ok"), self.n_checks, "-", name)
        if not outcome:
            print("\n".join("# " + line for line in note.splitlines()))
        sys.stdout.flush()
        return outcome

    def note(self, text):
        print(f"# {text}", flush=True)

    def equal(self, have, want, name):
        return self.ok(have == want, name, f"have: {have!r}\nwant: {want!r}")

    def contains(self, have, want, name):
        return self.ok(want in have, name, f"have: {have!r}\nwant within: {want!r}")

    def done(self):
        print(f"1..{self.n_checks}")
        sys.exit(1 if self.n_failed else 0)
