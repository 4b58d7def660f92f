#!/usr/bin/env python3
"""What thoxctl says when something is wrong: what, why, how to fix it, and an exit code for scripts.
Rows 69, 147."""

import json
import os
import pathlib
import subprocess
import tempfile

from harness import BUILD, Tap, die_with_parent, thoxctl

t = Tap()
work = pathlib.Path(tempfile.mkdtemp(prefix="thox."))
good, bad, exits = work / "good.lua", work / "bad.lua", work / "exits.lua"
good.write_text("print('hello', ...)\n")
bad.write_text("local x = 1\nlocal y = = 2\n")
exits.write_text("os.exit(tonumber((...)))\n")

# What is typed, exit code, code, what must be said.
REFUSALS = [
    (["run", bad], 1, "badcode", f"{bad}:2:"),
    (["set", "program", "broken", bad], 1, "badcode", "broken:2:"),
    (["set", "library", "broken", bad], 1, "badcode", "broken:2:"),
    (["set", "runtime", "broken", bad], 1, "badcode", "broken:2:"),
    (["run", "nosuch"], 5, "notfound", "nosuch"),
    (["run", "/nosuch.lua"], 5, "notfound", "there is no such file"),
    (["run", "nosuch#init"], 5, "notfound", 'no runtime "nosuch"'),
    (["run", "--runtime", "nosuch", good], 5, "notfound", 'no runtime "nosuch"'),
    (["run", "--runtime", "native", "extended#init"], 1, "badargs", "runtime"),
    (["run", "--memory", "1000", good], 1, "badargs", "memory"),
    (["run", "--quantum", "1us", good], 1, "badargs", "quantum"),
    (["run", ""], 1, "badargs", "not a valid program name"),
    (["set", "program", "a#b", good], 1, "badargs", "bad name"),
    (["set", "program", "a/b", good], 1, "badargs", "bad name"),
    (["set", "program", "@a", good], 1, "badargs", "bad name"),
    (["set", "program", "", good], 1, "badargs", "bad name"),
    (["set", "program", "x", "/nosuch.lua"], 5, "notfound", "there is no such file"),
    (["set", "--expect", "5", "program", "none", good], 1, "conflict", "none"),
    (["set", "thing", "x", good], 2, "usage", "thing"),
    (["get", "program", "nosuch"], 5, "notfound", "nosuch"),
    (["get", "--version", "7", "program", "init"], 5, "notfound", "version 7"),
    (["rm", "program", "nosuch"], 5, "notfound", "nosuch"),
    (["versions", "program", "nosuch"], 5, "notfound", "nosuch"),
    (["rollback", "program", "nosuch"], 5, "notfound", "nosuch"),
    (["kill", "nosuch"], 5, "noproc", "nosuch"),
    (["kill", "999999"], 5, "noproc", "999999"),
    (["kill", "2"], 4, "denied", "part of the tree"),
    (["restart", "nosuch"], 5, "noproc", "nosuch"),
    (["restart", "3"], 4, "denied", "part of the tree"),
    (["call", "nope"], 5, "notbound", "'nope'"),
    (["call", "alarm", "x"], 1, "badargs", "seconds"),
    (["--timeout", "50ms", "call", "alarm", "60"], 8, "timeout", "0.05 s"),
    (["status", "nosuch"], 4, "notfound", "nosuch"),
    (["frob"], 2, "usage", "frob"),
    (["kil"], 2, "usage", "did you mean 'kill'?"),
    (["ps", "--frob"], 2, "usage", "--frob"),
    (["--dir", "/nosuch", "ps"], 69, "unreachable", "/nosuch/control"),
    (["--dir", "/nosuch", "run", good], 69, "unreachable", "fix:"),
]
for words, exit_code, code, text in REFUSALS:
    name = " ".join(str(word).replace(str(work) + "/", "") or "''" for word in words)
    result = thoxctl(*words)
    t.ok(result.code == exit_code and result.error_code() == code and text in result.err
         and result.out == "" and result.err.startswith("thoxctl: "),
         f"{name}: exit code {exit_code}, {code}",
         f"exit code {result.code}\nstdout: {result.out}\nstderr: {result.err}\nwanted in it: {text}")

for words, exit_code in (["run", bad], 1), (["call", "nope"], 5), (["--dir", "/nosuch", "ps"], 69):
    result = thoxctl("--json", *words)
    error = json.loads(result.err)
    t.equal((error["schema"], error["error"]["exit"], result.code), ("thox.error/1", exit_code, exit_code),
            f"--json {words[0]}: errors are documents too")

names = {p["name"] for p in thoxctl("get", "program", "--json").json()["items"]}
t.ok("broken" not in names, "nothing that does not compile was stored")

# Success.
t.equal(thoxctl("run", good, "a", "--b").out, "hello\ta\t--b\n", "a file runs, its arguments untouched")
t.equal(thoxctl("run", "-", "x", stdin=b"print(...)").out, "x\n", "standard input runs")
t.equal(thoxctl("run", "-", stdin=b"print(os.name)").out, "stdin\n", "and is called so")
result = thoxctl("run", "--restart", "always", "-", stdin=b"os.exit(0)")
t.equal(result.code, 1, "what never stays up is given up")
t.contains(result.err, "more than 5 times within 10 s", "which is said with its limit")
for status in 0, 3, 63:
    t.equal(thoxctl("run", exits, status).code, status, f"its exit status {status} is thoxctl's")
t.equal(thoxctl("run", exits, 64).code, 1, "64 is more than a program may say")
t.equal(thoxctl("set", "program", "hello", good).code, 0, "a file is stored")
t.equal(thoxctl("run", "hello", "again").out, "hello\tagain\n", "and runs by name")
t.equal(thoxctl("run", "extended#hello").out, "hello\n", "under a runtime too (row 69)")
t.equal(thoxctl("get", "program", "hello").bytes, good.read_bytes(), "and comes back byte for byte")
t.equal(thoxctl("rm", "program", "hello").code, 0, "and is removed")
t.equal(thoxctl("run", "hello").code, 5, "and gone")
t.equal(thoxctl("rollback", "program", "hello").code, 0, "and brought back")
t.equal(thoxctl("run", "hello").code, 0, "and there again")
thoxctl("rm", "program", "hello")
t.equal(thoxctl("call", "alarm", "0").code, 0, "an endpoint is called")
t.equal(thoxctl("status", "init").code, 0, "status of a running process is 0")

# A tree may be named in four ways.
directory = os.environ["THOX_DIR"]
for env, words in [({"THOX_DIR": directory}, []), ({"THOX_DIR": ""}, ["--dir", directory]),
                   ({"THOX_DIR": "", "THOX_SOCKET": directory + "/control"}, []),
                   ({"THOX_DIR": ""}, ["-S", directory + "/control"])]:
    result = thoxctl(*words, "ps", env=env)
    t.ok(result.code == 0 and " init " in result.out, f"the tree is found by {' '.join(words) or list(env)[-1]}",
         result.err)

# Somebody else on this machine: only root can play that, and only where others may read the build.
def as_stranger(*words):
    return subprocess.run([BUILD / "thoxctl/thoxctl", *words], capture_output=True, timeout=20, user=12345,
                          group=12345, extra_groups=[], preexec_fn=die_with_parent, check=False)


def stranger_can_run():
    try:
        return os.geteuid() == 0 and as_stranger("--version").returncode == 0
    except OSError:
        return False


if stranger_can_run():
    result = as_stranger("--dir", directory, "ps")
    t.equal(result.returncode, 4, "another user of the machine is not permitted (row 79)")
    t.contains(result.stderr.decode(), "code: denied", "and told so (row 79)")

for path in good, bad, exits:
    path.unlink()
work.rmdir()
t.done()
