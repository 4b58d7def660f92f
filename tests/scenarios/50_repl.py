#!/usr/bin/env python3
"""Lua line by line: process.eval, by which an administrator looks into a program that runs, and repl.
Rows 106, 147."""

from harness import Tap, Tree, wait_until
from terminal import Terminal

IDLE = b"secret = 41 print('up') os.pull('terminate')"
BUSY = b"n = 0 print('up') while true do n = n + 1 end"
COOPERATIVE = b"n = 0 print('up') for i = 1, 2e7 do n = n + 1 end os.pull('terminate')"
CURIOUS = b"print(pcall(os.rpc.process.eval, os.pid(), '1')) print(os.bind('@eval'))"

t = Tap()


def start(tree, name, source, *flags):
    running = tree.run_beside(*flags, "--name", name, source=source)
    assert running.line() == "up"
    return running


with Tree() as tree:
    idle, busy = start(tree, "idle", IDLE), start(tree, "busy", BUSY)
    pids = {p["name"]: pid for pid, p in tree.processes().items()}

    def evaluate(name, source, *flags):
        return tree.ctl(*flags, "call", "process.eval", pids[name], source)

    def text(name, source):
        result = tree.ctl("--json", "call", "process.eval", pids[name], source)
        values = result.json()["values"] if result.code == 0 else result.err
        return values[0] if values else None

    # What it answers.
    t.equal(text("idle", "secret + 1"), "42", "an expression is evaluated in the program's environment (row 106)")
    t.equal(text("idle", "secret = 7"), None, "a statement runs and has no result")
    t.equal(text("idle", "secret"), "7", "and lasts")
    t.equal(text("idle", "1, nil, 'a\\n', {1, {x = true}}"), '1\tnil\t"a\\n"\t{1, {x = true}}', "values are written as in Lua")
    t.equal(text("idle", "local t = {} t.t = t return #tostring(t) > 0"), "true", "even those without end")
    t.ok("{{{{table: " in text("idle", "(function() local t = {} t[1] = t return t end)()"), "which are cut")
    t.equal(text("idle", "os.rpc.alarm(0.05)"), None, "it may wait like any task")

    # Mistakes.
    more = evaluate("idle", "function f(")
    t.equal((more.error_code(), more.code, more.err.splitlines()[1][-5:]), ("badcode", 1, "<eof>"),
            "unfinished input says so")
    t.contains(evaluate("idle", "x = 1 +* 2").err, "near '*'", "wrong input says where")
    wrong = evaluate("idle", "local function f() error('no') end f()")
    t.ok(wrong.error_code() == "error" and "eval:1: no" in wrong.err and "in local 'f'" in wrong.err,
         "an error comes with its traceback", wrong.err)
    t.equal(evaluate("idle", "-- " + "x" * 70000).error_code(), "limit", "there is a limit to a source")
    for pid, code in (1, "noproc"), (3, "noproc"), (99999, "noproc"), ("x", "badargs"):
        result = tree.ctl("call", "process.eval", pid, "os.pid()")
        t.equal(result.error_code(), code, f"nothing is evaluated in process {pid}")

    # Programs that compute.
    before = int(text("busy", "n"))
    t.ok(int(text("busy", "n")) > before, "a busy program is interrupted, and goes on (row 106)")
    t.equal(text("busy", "(function() n = -1e9 // 1 return 'set' end)()"), '"set"', "and can be changed")
    t.equal(evaluate("idle", "while true do end", "--timeout", "300ms").code, 8, "who waits too long gives up")
    t.equal(text("idle", "secret"), "7", "the program is still there")

    def idles():
        rows = tree.ctl("top", "--json", "-d", "200ms").json()["processes"]
        return next(r for r in rows if r["name"] == "idle")["cpu_percent"] < 5

    t.ok(wait_until(idles, 10, "idle is idle"), "and what was asked of it has ended")
    cooperative = start(tree, "cooperative", COOPERATIVE, "--quantum", "0")
    pids = {p["name"]: pid for pid, p in tree.processes().items()}
    t.equal(text("cooperative", "n"), "20000000", "a cooperative program answers when it waits (row 15)")

    # Who may, and who hears of it.
    curious = tree.run_beside(source=CURIOUS)
    t.contains(curious.line(), "DENIED", "an ordinary program may not (row 63)")
    t.contains(curious.line(), "nil", "nor can it take the name of what it is asked by")
    curious.end()
    lines = [line["text"] for line in tree.ctl("logs", "-n", "1000", "--json").json()["lines"]]
    t.ok(f"process.eval in {pids['idle']} (idle): secret + 1" in lines, "every source is in the log", "\n".join(lines))

    # repl, from a pipe.
    def repl(*lines, name=()):
        return tree.ctl("repl", *name, stdin="".join(line + "\n" for line in lines).encode())

    result = repl("1 + 1", "x = 5", "x", "local y = 1", "y", "function f(a)", "  return a * 2", "end", "f(21)")
    t.equal((result.code, result.out, result.err), (0, "2\n5\nnil\n42\n", ""), "expressions print, statements last (row 147)")
    result = repl("print('hello', 1)", "error('no')", "nosuch.field", "'still here'")
    t.equal((result.code, result.out), (1, 'hello\t1\n"still here"\n'), "after a mistake it goes on")
    t.ok("eval:1: no" in result.err and "global 'nosuch'" in result.err, "with a traceback of each", result.err)
    result = repl("for i = 1, 2 do")
    t.ok(result.code == 1 and result.err.endswith("near <eof>\n"), "what is never complete is a mistake", result.err)
    t.equal(repl("os.rpc[os.contexts.console].read_line()", "for the program", "'for us'").out,
            '"for the program"\n"for us"\n', "the program may read in between")
    t.equal(repl("os.exit(7)", "1").code, 7, "if the program ends, so does repl, with its status")
    t.contains(repl("os.set_program('x', 'return')").out, "nil\t4", "it may what a program of 'run' may (row 79)")
    t.equal(repl("#os.list_programs() > 0").out, "true\n", "and not less")
    result = tree.ctl("--timeout", "20s", "repl", "busy", stdin=b"n, os.name\n")
    t.ok(result.out.endswith('"busy"\n') and result.code == 0, "a running program is looked into (row 106)", result.err)
    t.equal(repl("1", name=["nobody"]).error_code(), "noproc", "there must be such a program")
    t.contains(repl("1", name=["99999"]).err, "no program has the pid 99999", "or pid")
    t.equal(sorted(p["name"] for p in tree.processes().values() if p["name"] == "repl"), [], "none is left behind")

    # repl, on a terminal.
    terminal = Terminal(tree.directory, "repl")

    def shows(line, what):
        t.ok(terminal.wait_for(lambda screen: line in screen), what, "\n".join(terminal.screen()))

    def enter(text):
        """Types when asked to: before that the terminal is not the editor's."""
        terminal.wait_for(lambda screen: "".join(line for line in screen if line)[-1:] == ">")
        terminal.type(text)

    shows(">", "it prompts")
    enter("6 * 7\r")
    shows("42", "and answers")
    enter("(function()\r")
    shows(">>", "unfinished input gets another prompt")
    enter("return 'done'\r")
    enter("end)()\r")
    shows('"done"', "until it is complete")
    enter("os.spawn(function() os.rpc.alarm(0.2) print('tick') end)\r")
    enter("half a li")
    shows("tick", "output comes while a line is typed")
    shows("> half a li", "which is still there")
    terminal.type("\x03")
    shows(">", "an interrupt gives the line up")
    enter("while true do end\r")
    t.ok(not terminal.wait_for(lambda screen: "interrupted" in screen, 0.3), "an endless loop runs")
    terminal.type("\x03")
    shows("interrupted", "until it is interrupted")
    enter("\x1b[A\x1b[A\x15'edited'\r")
    shows('"edited"', "lines can be edited")
    for _ in range(20):  # typed between the prompt and the first read, it would be nobody's
        terminal.type("\x04")
        if not terminal.read(0.5):
            break
    t.equal(terminal.end(), 0, "the end of input leaves")

    # It ends in the middle.
    ended = evaluate("idle", "os.exit(3)")
    t.equal((ended.error_code(), idle.end()), ("dead", 3), "code that ends the program ends it")
    for running, name in (busy, "busy"), (cooperative, "cooperative"):
        tree.ctl("kill", name)
        running.end()
t.done()
