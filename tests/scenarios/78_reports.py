#!/usr/bin/env python3
"""Each end that nobody wanted leaves a report: why, where, and what the program had been doing. Rows 6, 143, 146."""

import os
import signal

from harness import Tap, Tree, wait_until

t = Tap()
UNKNOWN = 4
BROKEN = b"""
local sensor = { name = "roof" }
local function read(n, unit)
    local text = n .. " of\\n" .. unit
    if n == 0 then error("the sensor is gone") end
    return read(n - 1, unit) .. text
end
os.rpc.log("warning", "it gets hot")
os.call(0, "alarm", 100)
read(1, "K")
"""
# Ends as `reason`, and the message says `what`.
ENDS = (
    ("memory", "memory limit exceeded", "{ memory = 4 << 20 }", "local t = {} for i = 1, 1e9 do t[i] = { i } end"),
    ("cpu", "more than 0.2 s in one turn (property cpu_turn)", "{ cpu_turn = 0.2 }", "while true do end"),
    ("exit", "", "{}", "os.exit(3)"),
)


def linux_pid(tree, name):
    return next((p["linux_pid"] for p in tree.processes().values() if p["name"] == name), None)


def reports(tree, name):
    result = tree.ctl("status", name, "--json")
    return result.json()["reports"] if result.code != UNKNOWN else []


with Tree() as tree:
    tree.ctl("run", "--name", "broken", "-", stdin=BROKEN)
    report = reports(tree, "broken")[0]
    t.equal((report["reason"], report["status"]), ("error", 1), "a report says how a program ended (row 146)")
    t.contains(report["message"], "-:5: the sensor is gone", "and with which error,")
    t.contains(report["message"], "in upvalue 'read'", "its traceback,")
    t.contains(report["locals"], 'n = 0, unit = "K", text = "0 of\\x0aK"', "what its functions knew,")
    t.contains(report["locals"], "sensor = table", "also the outer ones,")
    t.equal(report["calls"], [{"name": "log", "status": "OK"}, {"name": "alarm"}], "what it called last,")
    t.equal(report["log"], ["it gets hot"], "and logged;")
    t.ok(0 < report["memory"] and report["limits"]["memory"] == 64 << 20, "what it used, and might have used")

    shown = tree.ctl("status", "broken")
    t.equal(shown.code, 3, "it is shown of what does not run")
    for line in ("reason     error", "message    -:5: the sensor is gone", 'locals     -:5: n = 0, unit = "K"',
                 "last calls log OK, alarm unanswered", "log        it gets hot"):
        t.contains(shown.out, line, f"as a person reads it: {line.split('  ')[0]}")

    # Limits and signals, each by its name.
    for reason, what, properties, code in ENDS:
        tree.ctl("run", "--admin", "-", stdin=f"""
            assert(os.run_code([[{code}]], {{ name = "end.{reason}", properties = {properties} }}))
            os.pull("exit")""".encode())
        report = reports(tree, f"end.{reason}")[0]
        t.equal(report["reason"], reason, f"the end of {reason} is told (row 146)")
        if what:
            t.contains(report["message"], what, "with the limit and its value")
    t.equal(reports(tree, "end.exit")[0]["status"], 3, "an exit status that is not 0 is an end to be told of (row 6)")

    lost = tree.run_beside("--name", "lost", source=b"print(os.pid()) os.pull('terminate')")
    lost.line()
    os.kill(linux_pid(tree, "lost"), signal.SIGABRT)
    lost.end()
    report = reports(tree, "lost")[0]
    t.equal((report["reason"], report["signal"]), ("signal", signal.SIGABRT), "so is a crash (row 143)")
    t.contains(report["message"], "SIGABRT", "with the signal's name")

    listener = tree.run_beside("--admin", source=b"""
        assert(os.listen(0, "reports", { match = { "end.*" } }))
        print("ready")
        local event = os.pull("queue")
        print(event.key, event.info.reason, event.info.message:match("^[^\\n]*"))""")
    listener.line()
    for name in ("other", "end.now"):
        tree.ctl("run", "--name", name, "-", stdin=b"error('over')")
    t.equal(listener.line(), "end.now\terror\t-:1: over", "whoever listens hears of ends as they come")
    listener.end()

    asked = tree.run_beside("--name", "asked", source=b"print(os.pid()) while true do end")
    asked.line()
    tree.ctl("kill", "--now", "asked")
    asked.end()
    t.equal(tree.ctl("status", "asked").code, 4, "who was asked to end has none")

    # A service that is up again.
    tree.ctl("set", "program", "weak", "-", stdin=b"os.bind('weak.pid', os.pid) os.pull('terminate')")
    tree.ctl("set", "props", "weak", "-", stdin=b"run: { restart = \"on-failure\"; };")
    tree.ctl("start", "weak")
    for n in (1, 2):
        os.kill(linux_pid(tree, "weak"), signal.SIGABRT)
        wait_until(lambda n=n: len(reports(tree, "weak")) == n and linux_pid(tree, "weak"), 5, "it is up again")
    shown = tree.ctl("status", "weak")
    t.equal(shown.code, 0, "a service that fell twice runs")
    t.contains(shown.out, "SIGABRT", "and its last fall is shown")
    t.contains(shown.out, "earlier    1 more", "and counted the others")

    # Who falls without end pushes nobody else's report away.
    tree.ctl("run", "--name", "storm", "--admin", "-", stdin=b"""
        for i = 1, 200 do
            os.run_code("error('again')", { name = "storm" .. i })
            os.pull("exit")
        end""")
    t.equal(len(reports(tree, "broken")), 1, "after 200 falls of one family those of others are still there")
    t.equal([len(reports(tree, f"storm{i}")) for i in (192, 193, 200)], [0, 1, 1], "and its own newest eight")

    denied = tree.ctl("run", "-", stdin=b"print(os.pull(os.call(0, 'process.reports', 'broken')).status_code)")
    t.equal(denied.out, "4\n", "an ordinary program reads no reports")
    denied = tree.ctl("run", "-", stdin=b"print(os.listen(0, 'reports'))")
    t.contains(denied.out, "does not grant", "and hears of none")
    t.equal(tree.ctl("call", "process.reports", "0").error_code(), "badargs", "nobody asks for pid 0")
    tree.stop()
t.done()
