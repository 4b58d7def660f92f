#!/usr/bin/env python3
"""thoxctl against a tree: what a user types, what is shown, which exit code follows. Prints TAP.

usage: test_thoxctl.py BUILD-DIR [NAME...]

Nothing here sleeps to wait: readiness is a byte on a pipe, and what a program did is known from what it
wrote. Every process dies with this one.
"""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback

TIMEOUT = 60
LIBC = ctypes.CDLL(None)
BUILD = pathlib.Path(sys.argv[1]).resolve()


def die_with_parent():
    pr_set_pdeathsig = 1
    LIBC.prctl(pr_set_pdeathsig, signal.SIGKILL)


class Tree:
    """A tree in a directory of its own, and thoxctl pointed at it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.tree = self.directory / "tree"
        self.tree.mkdir()
        self.log = open(self.directory / "log", "wb")
        ready, ready_writer = os.pipe()
        self.initd = subprocess.Popen(
            [BUILD / "initd/thox-initd", "--dir", self.tree, "--libexec", BUILD, "--boot",
             BUILD / "packaging/bootstore", "--ready-fd", str(ready_writer)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=[ready_writer], preexec_fn=die_with_parent)
        os.close(ready_writer)
        signal.alarm(TIMEOUT)
        is_ready = os.read(ready, 1)
        signal.alarm(0)
        os.close(ready)
        assert is_ready, "the tree did not start: " + self.said()

    def said(self):
        return (self.directory / "log").read_text(errors="replace")

    def command(self, *words):
        return [BUILD / "thoxctl/thoxctl", "--dir", self.tree, *words]

    def run(self, *words, stdin=b"", exit_code=0):
        """Runs thoxctl to its end and checks its exit code; returns (stdout, stderr) as text."""
        done = subprocess.run(self.command(*words), input=stdin, capture_output=True,
                              timeout=TIMEOUT, preexec_fn=die_with_parent, check=False)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        assert done.returncode == exit_code, (
            f"{' '.join(map(str, words))}: exit code {done.returncode}, not {exit_code}\n{out}{err}")
        return out, err

    def json(self, *words, exit_code=0):
        return json.loads(self.run("--json", *words, exit_code=exit_code)[0])

    def start(self, *words):
        """Starts thoxctl with pipes; the caller waits for it."""
        return subprocess.Popen(self.command(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=die_with_parent)

    def file(self, name, source):
        path = self.directory / name
        path.write_text(source)
        return str(path)

    def names(self):
        return [process["name"] for process in self.json("ps")["processes"]]

    def stop(self):
        """SIGTERM must end it with 0, without leftovers and without a word from a sanitizer."""
        if self.initd.poll() is None:
            self.initd.terminate()
        assert self.initd.wait(TIMEOUT) == 0, self.said()
        left = sorted(path.name for path in self.tree.iterdir())
        assert left in (["store"], ["lock", "store"]), f"left behind: {left}"
        assert "Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said()


def expect(condition, *shown):
    assert condition, "\n".join(str(s) for s in shown)


def first_line(process):
    line = process.stdout.readline().decode()
    expect(line, process.stderr.read().decode() if process.poll() is not None else "no output")
    return line.rstrip("\n")


def end(process, exit_code):
    out, err = process.communicate(timeout=TIMEOUT)
    expect(process.returncode == exit_code, f"exit code {process.returncode}, not {exit_code}",
           out.decode(), err.decode())
    return out.decode(), err.decode()


# row 1, row 147
def test_ps_shows_the_whole_tree(tree):
    processes = tree.json("ps")["processes"]
    by_name = {p["name"]: p for p in processes}
    expect({"initd", "storaged", "runtimed", "init"} <= set(by_name), by_name)
    expect(by_name["initd"]["pid"] == 1 and by_name["initd"]["ppid"] == 0, by_name["initd"])
    for process in processes:
        expect({"pid", "ppid", "uid", "name", "state", "linux_pid"} <= set(process), process)
        os.kill(process["linux_pid"], 0)
    heading, *lines = tree.run("ps")[0].splitlines()
    expect(heading.split()[:4] == ["PID", "PPID", "UID", "NAME"], heading)
    expect(len(lines) == len(processes), lines)
    expect(tree.run("list")[0].splitlines()[0].split() == heading.split(), heading)


def test_status_says_running_by_exit_code(tree):
    expect(tree.json("status")["tree"]["state"] == "running")
    tree.run("status", "init")
    tree.run("status", "demo", exit_code=3)
    tree.run("status", "nobody", exit_code=4)


# row 6
def test_a_file_runs_and_its_status_is_ours(tree):
    path = tree.file("hello.lua", 'print("hello", select("#", ...), ...)\nos.exit(7)\n')
    out, err = tree.run("run", path, "a", "--json", exit_code=7)
    expect(out == "hello\t2\ta\t--json\n" and err == "", out, err)
    expect("hello" not in tree.names())


def test_an_error_shows_its_line_and_a_traceback(tree):
    path = tree.file("bad.lua", 'local function f()\n    error("no way")\nend\nf()\n')
    _, err = tree.run("run", path, exit_code=1)
    expect("bad.lua:2: no way" in err and "traceback" in err and "bad.lua:4:" in err, err)
    error = json.loads(tree.run("--json", "run", path, exit_code=1)[1])["error"]
    expect(error["code"] == "error" and "bad.lua:2: no way" in error["why"], error)


def test_a_syntax_error_runs_and_stores_nothing(tree):
    path = tree.file("broken.lua", "local x =\nprint(x\n")
    _, err = tree.run("run", path, exit_code=1)
    expect("broken.lua:" in err and "code: badcode" in err, err)
    _, err = tree.run("set", "program", "broken", path, exit_code=1)
    expect("broken:" in err and "code: badcode" in err, err)
    tree.run("get", "program", "broken", exit_code=5)


def test_stores_keep_versions(tree):
    one, two = tree.file("one.lua", "return 1\n"), tree.file("two.lua", "return 2\n")
    tree.run("set", "program", "thing", one, "--note", "first")
    tree.run("set", "program", "thing", two, "--expect", "1")
    _, err = tree.run("set", "program", "thing", one, "--expect", "1", exit_code=1)
    expect("code: conflict" in err, err)
    expect(tree.run("get", "program", "thing")[0] == "return 2\n")
    expect(tree.run("get", "program", "thing", "--version", "1")[0] == "return 1\n")
    tree.run("rm", "program", "thing")
    tree.run("get", "program", "thing", exit_code=5)
    tree.run("rollback", "program", "thing")
    expect(tree.run("get", "program", "thing")[0] == "return 2\n")
    versions = tree.json("versions", "program", "thing")["versions"]
    expect([v["version"] for v in versions] == [4, 3, 2, 1], versions)
    expect(versions[3]["note"] == "first" and versions[1]["deleted"], versions)
    expect("thing" in [item["name"] for item in tree.json("get", "program")["items"]])


def test_a_stored_program_runs_by_name(tree):
    tree.run("set", "program", "named", "-", stdin=b'print("named", ...)\n')
    expect(tree.run("run", "named", "x")[0] == "named\tx\n")
    expect(tree.run("run", "extended#named")[0] == "named\n")
    _, err = tree.run("run", "no-such-program", exit_code=5)
    expect("code: notfound" in err, err)


def test_lines_are_read_until_the_end_of_input(tree):
    path = tree.file("cat.lua", """
        local console = os.rpc[os.contexts.console]
        for line in console.read_line do print("<" .. line .. ">") end
        print(console.size())
    """)
    out, _ = tree.run("run", path, stdin=b"one\n\nlast")
    expect(out == "<one>\n<>\n<last>\n80\t24\n", out)


def test_a_long_output_arrives_whole(tree):
    path = tree.file("long.lua", 'for i = 1, 5000 do print(i, ("x"):rep(200)) end\n')
    lines = tree.run("run", path)[0].splitlines()
    expect(len(lines) == 5000 and lines[-1] == "5000\t" + "x" * 200, len(lines), lines[-1:])


def test_a_reader_that_goes_away_ends_the_program(tree):
    process = tree.start("run", tree.file("talker.lua", 'while true do print("word") end\n'))
    expect(first_line(process) == "word")
    process.stdout.close()
    expect(process.wait(TIMEOUT) == 0 and process.stderr.read() == b"")
    expect("talker" not in tree.names())


def test_a_closed_output_is_reported_and_disturbs_nothing(tree):
    words = tree.command("run", tree.file("hello.lua", "print('hello')"))
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE,
                          timeout=TIMEOUT, preexec_fn=die_with_parent, check=False)
    assert done.returncode == 1, done
    assert b"standard output" in done.stderr, done.stderr
    assert "protocol violation" not in tree.said(), tree.said()


def test_signals_end_the_program_too(tree):
    path = tree.file("spinner.lua", 'print("up")\nwhile true do end\n')
    for number, exit_code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = tree.start("run", path)
        expect(first_line(process) == "up")
        expect("spinner" in tree.names())
        process.send_signal(number)
        end(process, exit_code)
        expect("spinner" not in tree.names())


# row 8
def test_kill_ends_even_a_loop_and_run_says_so(tree):
    path = tree.file("loop.lua", 'print("up")\nwhile true do end\n')
    process = tree.start("run", path)
    expect(first_line(process) == "up")
    tree.run("kill", "loop")
    expect("loop" not in tree.names())
    _, err = end(process, 1)
    expect("'loop'" in err and "was killed" in err and "code: killed" in err, err)
    tree.run("kill", "loop", exit_code=5)


def test_a_run_can_be_limited_in_time(tree):
    path = tree.file("slow.lua", "while true do end\n")
    _, err = tree.run("--timeout", "300ms", "run", path, exit_code=8)
    expect("'slow'" in err and "0.3 s" in err, err)


# row 146
def test_a_memory_bomb_names_its_limit(tree):
    path = tree.file("bomb.lua", 'local t = {}\nwhile true do t[#t + 1] = ("x"):rep(1000) .. #t end\n')
    _, err = tree.run("run", "--memory", "4M", path, exit_code=1)
    expect("'bomb'" in err and "code: memory" in err, err)


def test_administration_needs_a_flag(tree):
    path = tree.file("admin.lua", """
        local version, status = os.set_program("planted", "return 1")
        print(version or os.status[status], pcall(os.rpc.tree.status) and "seen" or "hidden")
        os.exit(os.get_program("demo") and 0 or 9)
    """)
    expect(tree.run("run", path)[0] == "DENIED\thidden\n")
    tree.run("get", "program", "planted", exit_code=5)
    expect(tree.run("run", "--admin", path)[0] == "1\tseen\n")
    expect(tree.run("get", "program", "planted")[0] == "return 1")


def test_a_service_is_listed_and_called(tree):
    path = tree.file("greeter.lua", """
        os.bind("greet", function(name, n)
            if name == "nobody" then error("nobody cannot be greeted") end
            return "hello, " .. name, { n = n, nested = { true } }
        end)
        print("bound")
        os.pull("terminate")
        print("bye")
        os.exit(0)
    """)
    process = tree.start("run", path)
    expect(first_line(process) == "bound")
    expect("greet" in [service["name"] for service in tree.json("services")["services"]])
    expect(tree.run("call", "greet", "Ada", "-5")[0].startswith("'hello, Ada', {"))
    values = tree.json("call", "greet", "Ada", "2.5")["values"]
    expect(values == ["hello, Ada", {"n": 2.5, "nested": [True]}], values)
    _, err = tree.run("call", "greet", "nobody", exit_code=1)
    expect("nobody cannot be greeted" in err and "code: error" in err, err)
    tree.run("kill", "greeter")
    expect(end(process, 0)[0] == "bye\n")
    tree.run("call", "greet", "Ada", exit_code=5)


def test_the_log_shows_what_programs_said(tree):
    tree.run("run", tree.file("noter.lua", 'os.rpc.log("warning", "three\\27 notes")\n'))
    out, err = tree.run("logs", "nobody-at-all")
    expect((out, err) == ("", "thoxctl: 'nobody-at-all' has no line in the log\n"), err)
    out, _ = tree.run("logs", "noter")
    expect("noter[" in out and "warning: three\\x1b notes" in out, out)
    lines = tree.json("logs", "noter", "-n", "1")["lines"]
    expect([line["level"] for line in lines] == ["warning"], lines)


def test_a_call_can_time_out(tree):
    _, err = tree.run("--timeout", "100ms", "call", "alarm", "30", exit_code=8)
    expect("code: timeout" in err, err)


# row 147
def test_a_name_that_nobody_serves_is_answered_with_what_to_do(tree):
    _, err = tree.run("call", "nobody.serves.this", exit_code=5)
    expect("fix:  thoxctl services lists" in err, err)
    out, _ = tree.run("help", "notbound")
    expect("'thoxctl services' lists" in out and "exit code of thoxctl: 5" in out, out)
    expect("thoxctl services" in tree.json("help", "notbound")["code"]["advice"], "advice in JSON")


def test_without_a_tree_it_says_how_to_start_one(tree):
    nowhere = ["--dir", str(tree.directory / "nowhere")]
    _, err = tree.run("ps", *nowhere, exit_code=69)
    expect(f"fix:  start one with: thox-initd --dir {nowhere[1]}" in err, err)
    _, err = tree.run("ps", "-S", str(tree.directory / "no-socket"), exit_code=69)
    expect("fix:  start one with: thox-initd --dir DIR; then" in err, err)
    tree.run("status", *nowhere, exit_code=3)
    _, err = tree.run("ps", "--dir", "x" * 200, exit_code=2)
    expect("at most 107 bytes" in err, err)


# row 10; the last one: the tree is gone afterwards
def test_shutdown_returns_when_all_is_gone(tree):
    process = tree.start("run", tree.file("last.lua", 'print("up")\nos.pull()\nos.exit(3)\n'))
    expect(first_line(process) == "up")
    linux_pids = [p["linux_pid"] for p in tree.json("ps")["processes"]]
    tree.run("shutdown", "--yes")
    expect(tree.initd.wait(TIMEOUT) == 0, tree.said())
    end(process, 3)
    for pid in linux_pids:
        try:
            os.kill(pid, 0)
            raise AssertionError(f"process {pid} is still there")
        except ProcessLookupError:
            pass
    tree.run("ps", exit_code=69)


def main():
    wanted = sys.argv[2:]
    tests = [(name, function) for name, function in globals().items()
             if name.startswith("test_") and (not wanted or name[5:] in wanted)]
    print(f"1..{len(tests) + 1}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="thox-test.") as directory:
        tree = Tree(directory)
        for name, function in [*tests, ("the_tree_ends_cleanly", lambda tree: tree.stop())]:
            try:
                function(tree)
                print("ok -", name.removeprefix("test_"), flush=True)
            except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError, KeyError):
                failed += 1
                print("not ok -", name.removeprefix("test_"), flush=True)
                for line in traceback.format_exc().splitlines():
                    print("#", line, flush=True)
        if failed:
            print("# initd said:", *tree.said().splitlines()[-50:], sep="\n# ")
        if tree.initd.poll() is None:
            tree.initd.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
