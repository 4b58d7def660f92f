#!/usr/bin/env python3
"""Services: what starts with the tree, in which order, and how it is looked after. Rows 10, 151."""

import os
import signal

from harness import Tap, Tree, wait_until

t = Tap()

# Each says on the log that it is up; `bot` cannot begin without `mqtt`.
MQTT = b"""
os.rpc.alarm(0.05)
os.bind("mqtt.publish", function(text) return "published " .. text end)
os.rpc.log("info", "mqtt is up")
os.ready()
os.pull("terminate")
os.rpc.log("info", "mqtt ends")
"""
BOT = b"""
os.rpc.log("info", os.args[1] .. ": " .. os.rpc.mqtt.publish("hello"))
os.bind("bot.rights", function()
    return os.uid(), (pcall(os.rpc.tree.status)), (pcall(os.rpc.library.list)), (pcall(os.rpc.log, "info", "asked"))
end)
os.spawn(function()
    os.pull("terminate")
    os.rpc.log("info", "bot ends")
    os.exit(0)
end)
"""
BOT_PROPS = b"""
# a comment
run: { args = [ "bot" ]; after = [ "mqtt" ]; };
limits: { memory = "8M"; quantum = "2ms"; priority = 3; };
context: { allow = [ "mqtt.*" ]; bind = [ "bot.*" ]; };
"""


def by_name(tree):
    return {p["name"]: p for p in tree.processes().values()}


def services(tree):
    return {s["name"]: s for s in tree.ctl("status", "--json").json()["tree"]["services"] or []}


def log_lines(tree):
    """What programs wrote, without times."""
    return [line.split(": ", 1)[1] for line in tree.ctl("logs", "-n", "100").out.splitlines() if " info: " in line]


def set_up(tree):
    for kind, name, text in (("program", "mqtt", MQTT), ("program", "bot", BOT),
                             ("props", "mqtt", b"run: { ready = \"30s\"; };"), ("props", "bot", BOT_PROPS)):
        t.equal(tree.ctl("set", kind, name, "-", stdin=text).code, 0, f"{kind} {name} is stored")


with Tree() as tree:
    set_up(tree)

    # By hand.
    t.equal(tree.ctl("start", "bot").code, 0, "a service is started, and what it needs before it (row 151)")
    t.equal(wait_until(lambda: len(log_lines(tree)) == 2, 5, "both say so"), True, "both run")
    t.equal(log_lines(tree), ["mqtt is up", "bot: published hello"], "it waited until the other was ready")
    t.equal(tree.ctl("call", "bot.rights").out, "1000, false, false, true\n",
            "it is no administrator and has what its context allows")
    pid = by_name(tree)["bot"]["pid"]
    t.equal(by_name(tree)["bot"]["ppid"], 4, "init runs it")
    t.equal(tree.ctl("start", "bot").code, 0, "starting what runs is fine")
    t.equal(by_name(tree)["bot"]["pid"], pid, "and changes nothing")
    t.equal(tree.ctl("restart", "bot").code, 0, "it is restarted")
    t.equal(wait_until(lambda: log_lines(tree)[3:] == ["bot ends", "bot: published hello"], 5, "it is up"), True,
            "and the other is left alone")
    result = tree.ctl("stop", "mqtt")
    t.equal(result.code, 0, "a service is stopped")
    t.contains(result.err, "'bot', which needs it, was stopped before", "after those that need it (row 10)")
    t.equal(log_lines(tree)[5:], ["bot ends", "mqtt ends"], "in this order")
    result = tree.ctl("status", "bot")
    t.equal((result.code, "stopped" in result.out), (3, True), "status says so")

    # With the tree.
    t.equal(tree.ctl("enable", "bot", "mqtt").code, 0, "services are enabled (row 151)")
    t.equal(tree.ctl("enable", "bot").code, 0, "twice is fine")
    t.equal(tree.ctl("get", "props", "init").out, 'services = [ "bot", "mqtt" ];\n', "which is a list in the store")
    t.equal(tree.stop(), 0, "the tree stops")
    tree.start()
    t.equal(sorted(by_name(tree)), ["bot", "init", "initd", "mqtt", "runtimed", "storaged"],
            "and starts with its services, before it is ready (row 151)")
    t.equal(wait_until(lambda: log_lines(tree) == ["mqtt is up", "bot: published hello"], 5, "both say so"), True,
            "in the order of their needs, not of the list")

    # init itself falls.
    os.kill(by_name(tree)["init"]["linux_pid"], signal.SIGKILL)
    t.equal(wait_until(lambda: len(log_lines(tree)) == 4, 5, "they say so again"), True,
            "services are started again when init has fallen")
    t.equal(log_lines(tree)[2:], ["mqtt is up", "bot: published hello"], "in the same order")

    # The end: clients' programs first, then services, backwards.
    client = tree.run_beside("--name", "client", source=b"""
        os.spawn(function()
            os.pull("terminate")
            print(os.rpc.mqtt.publish("goodbye"))
            os.exit(0)
        end)
        os.rpc.alarm(0)
        print("up")
    """)
    t.equal(client.line(), "up", "a program of a client runs")
    t.equal(tree.stop(), 0, "the tree stops")
    t.equal(client.line(), "published goodbye", "those who may need services end before them (row 10)")
    client.end()
    log = tree.log_text()
    t.ok(log.rindex('"bot ends"') < log.rindex('"mqtt ends"'), "services end in the opposite order (row 10)", log)

    # Repair.
    tree.ctl("version")
    tree.options = ("--safe",)
    tree.start()
    t.ok("bot" not in by_name(tree), "--safe starts no services")
    t.contains(tree.ctl("status").out, "safe mode", "and status says so")
    t.equal(tree.ctl("disable", "bot").code, 0, "what is wrong can be put right")
    t.equal(tree.ctl("start", "bot").code, 0, "services can be started by hand")
    tree.stop()
    tree.options = ()

    # row 151: what does not start
    tree.start()
    t.ok("bot" not in by_name(tree), "a disabled one is not started")
    t.equal(tree.ctl("disable", "bot").code, 5, "nor disabled twice")
    tree.ctl("set", "props", "b", "-", stdin=b'run: { program = "mqtt"; after = [ "a" ]; };')
    for name, text, why in (
            ("a", 'run: { program = "mqtt"; after = [ "b" ]; };', "'a' needs 'b': 'b' needs 'a': a cycle"),
            ("lonely", 'run: { program = "mqtt"; after = [ "nobody" ]; };', "'lonely' needs 'nobody': no program and no props"),
            ("nothing", "", 'no program "nothing"'),
            ("late", 'run: { program = "bot"; args = [ "late" ]; ready = 0.2; };', "did not call os.ready()")):
        tree.ctl("set", "props", name, "-", stdin=text.encode())
        result = tree.ctl("start", name)
        t.ok(result.code != 0, f"'{name}' does not start")
        t.contains(result.err, why, "and is told why")
        result = tree.ctl("status", name)
        t.equal(result.code, 1, "status has it as failed")
        t.contains(result.out, why, "with the reason")

    t.equal(tree.ctl("enable", "nothing").code, 0, "an optional service that cannot start")
    tree.stop()
    tree.start()
    t.contains(tree.log_text(), "service 'nothing' did not start: no program", "is logged (row 151)")
    t.equal(services(tree)["nothing"]["state"], "failed", "and shown")
    t.ok("mqtt" in by_name(tree), "the others run")

    tree.ctl("set", "props", "nothing", "-", stdin=b"run: { required = true; };")
    tree.stop()
    os.close(tree.spawn())
    t.equal(tree.wait(), 1, "without a required one the tree does not start (row 151)")
    t.contains(tree.log_text(), "service 'nothing' is required: the tree stops", "and says why")
    t.equal(tree.leftovers(), [], "nothing is left behind")

with Tree() as tree:
    # Bad properties are refused when they are stored.
    for name, text, why in (
            ("bot", "run: { arg = [ \"x\" ]; };", "bot:1: unknown setting 'run.arg'; did you mean 'run.args'?"),
            ("bot", "run: { after = \"mqtt\"; };", "'run.after' must be a list of texts"),
            ("bot", "\n\nrun: {", "bot:3: syntax error"),
            ("bot", "context: { admin = true; allow = [ \"x\" ]; };", "allows everything"),
            ("init", "servces = [ \"x\" ];", "init:1: unknown setting 'servces'; did you mean 'services'?"),
            ("init", "services = [ \"a/b\" ];", "\"a/b\" is not a valid name")):
        result = tree.ctl("set", "props", name, "-", stdin=text.encode())
        t.equal((result.code, result.error_code()), (1, "badcode"), "bad properties are refused")
        t.contains(result.err, why, "with the mistake")
    t.equal(tree.ctl("get", "props").out.strip(), "NAME  VERSION  SIZE  TIME", "nothing is stored then")

    # A program without properties is a service by the defaults.
    tree.ctl("set", "program", "plain", "-", stdin=b"os.bind('plain.name', function() return os.name end)")
    t.equal(tree.ctl("enable", "plain").code, 0, "a program without properties is enabled")
    t.equal(tree.ctl("start", "plain").code, 0, "and started")
    t.equal(tree.ctl("call", "plain.name").out.strip(), "'plain'", "under its name")
    t.equal(tree.ctl("disable", "plain").code, 0, "and disabled")
    t.equal(tree.ctl("stop", "plain").code, 0, "and stopped")

    # A service that falls is restarted, and given up in the end.
    tree.ctl("set", "program", "faulty", "-", stdin=b"os.rpc.log('info', 'here') error('again')")
    tree.ctl("set", "props", "faulty", "-", stdin=b"run: { restart = \"on-failure\"; };")
    t.equal(tree.ctl("start", "faulty").code, 0, "a faulty service starts")
    t.equal(wait_until(lambda: services(tree)["faulty"]["state"] == "failed", 20, "it is given up"), True,
            "is restarted, and fails for good (row 9)")
    t.contains(services(tree)["faulty"]["why"], "more than 5 times", "which status explains")
    t.equal(log_lines(tree).count("here"), 6, "after five restarts")
    for verb in ("start", "stop", "enable", "disable"):
        t.equal(tree.ctl(verb, "nosuch").code, 5, f"{verb} of what is no service")
    program = tree.ctl("run", "-", stdin=b"print(select(2, pcall(os.rpc.init.start, 'faulty')).name)")
    t.contains(program.out + program.err, "init.start", "a program may not")
    tree.stop()
t.done()
