"""The trace: what processes ask and are answered, while they do not notice. Row 28."""

import json
import tempfile

from harness import Running, Tap, thoxctl, wait_until

tap = Tap()

PROGRAM = """
os.bind("traced.double", function(x) return 2 * x end)
print("sum", os.rpc.traced.double(21))
os.pull(os.call(0, "nobody", { a = 1 }, "two"))
os.pull(os.call(0, "program.set", "x", "y"))
os.send(0, "traced.double", 5)
os.rpc.alarm(0.02)
os.exit(3)
"""

with tempfile.NamedTemporaryFile("w", prefix="traced.", suffix=".lua") as file:
    file.write(PROGRAM)
    file.flush()

    # row 28: run --trace
    plain = thoxctl("run", "--name", "suspect", file.name)
    traced = thoxctl("run", "--name", "suspect", "--trace", file.name)
    tap.ok((traced.out, traced.code) == (plain.out, plain.code) == ("sum\t42\n", 3),
           "a traced program does the same (row 28)")
    tap.ok(plain.err == "", "without --trace there is no trace (row 28)")
    lines = [line.split(maxsplit=2)[1:] for line in traced.err.splitlines()]
    what = [text for _, text in lines]
    tap.ok(all(process.startswith("suspect[") for process, _ in lines), "each line says who it is (row 28)")
    tap.ok("-> os.bind('traced.double') = OK" in what, "what it binds (row 28)")
    tap.ok(any(t.startswith("-> traced.double(21)  @") for t in what), "what it calls, with its arguments (row 28)")
    tap.ok(any(t.startswith("<- traced.double = OK 42  ") and t.endswith(" ms") for t in what),
           "what comes back, and how long that took (row 28)")
    tap.ok("-> nobody({a = 1}, 'two')" in what and any(t.startswith("<- nobody = NOTBOUND ") for t in what),
           "what is refused (row 28)")
    tap.ok(any(t.startswith("<- program.set = DENIED") for t in what), "what is denied (row 28)")
    tap.ok(any(t.startswith("-> traced.double(5)") for t in what), "what has no answer (row 46)")
    order = [i for i, t in enumerate(what) if t.startswith(("-> alarm(0.02)", "<- alarm = OK"))]
    tap.ok(len(order) == 2 and what[order[0]].startswith("->"), "in its order (row 28)")
    tap.ok(what[-1] == "-- ended: exit", "and its end (row 28)")
    alias = thoxctl("run", "--name", "suspect", "--strace", file.name)
    tap.ok(len(alias.err.splitlines()) == len(lines), "--strace is the same (row 28)")
    records = [json.loads(line) for line in thoxctl("--json", "run", "--trace", file.name).err.splitlines()]
    call = next(r for r in records if r["kind"] == "call" and r["name"] == "traced.double")
    answer = next(r for r in records if r["kind"] == "answer" and r["cid"] == call["cid"])
    tap.ok((call["schema"], call["args"], answer["args"], answer["status"]) == ("thox.trace/1", [21], [42], 0),
           "with --json each line is a document (row 147)")

# row 28: by name, before and while it runs
trace = Running("trace", "victim", "-n", "4")
SERVER = """
os.bind("victim.echo", function(...) return ... end)
os.pull("terminate")
"""
with tempfile.NamedTemporaryFile("w", prefix="victim.", suffix=".lua") as file:
    file.write(SERVER)
    file.flush()
    victim = Running("run", "--name", "victim", file.name)
    wait_until(lambda: thoxctl("call", "victim.echo", "probe").code == 0, 10, "the victim serves")
    thoxctl("call", "victim.echo", "from outside")
    first = [trace.line() for _ in range(4)]
    tap.ok(trace.end() == 0, "--count ends a trace (row 147)")
    tap.ok("os.bind('victim.echo')" in first[0] or "victim.echo" in first[1],
           "a trace by name finds the process when it starts (row 28)")
    tap.ok(any("thoxctl[" in line and "-> victim.echo(" in line for line in first),
           "calls that it serves are shown with their caller (row 28)")

    pid = next(p["pid"] for p in thoxctl("ps", "--json").json()["processes"] if p["name"] == "victim")
    by_pid = Running("trace", pid, "--json")

    def is_heard():
        thoxctl("call", "victim.echo", "again")
        try:
            return json.loads(by_pid.line(1))
        except TimeoutError:
            return None

    record = wait_until(is_heard, 10, "the trace by pid shows something")
    tap.ok(record["server"] == pid if record["kind"] == "call" else record["pid"] == pid,
           "a trace by pid shows that process (row 28)")

    # row 28: the one who watches dies
    by_pid.process.kill()
    by_pid.process.wait()
    tap.ok(thoxctl("call", "victim.echo", "still").out == "'still'\n", "the traced process outlives its watcher (row 60)")
    thoxctl("kill", "victim")
    victim.end()

# Who may, and mistakes.
with tempfile.NamedTemporaryFile("w", prefix="spy.", suffix=".lua") as file:
    file.write("print(select(2, os.listen('trace')) == os.status.DENIED, "
               "select(2, os.push('trace', 1)) == os.status.DENIED)")
    file.flush()
    tap.ok(thoxctl("run", file.name).out == "true\ttrue\n", "programs neither listen to the trace nor push to it (row 63)")
tap.ok(thoxctl("trace", "99999").error_code() == "noproc", "a pid that nobody has is refused (row 147)")
tap.ok(thoxctl("trace", "a/b").error_code() == "badargs", "so is what is no name (row 147)")

tap.done()
