#!/usr/bin/env python3
"""The tree's log: looked at, followed, and rationed. Rows 139, 147."""

import json

from harness import Running, Tap, Tree

t = Tap()
CHATTY = b"""
for _, level in ipairs({ "debug", "info", "warning", "error" }) do
    os.rpc.log(level, level .. " of " .. os.name)
end
"""


def texts(result):
    return [line["text"] for line in result.json()["lines"]]


with Tree() as tree:
    for name in ("one", "two"):
        tree.ctl("run", "--name", name, "-", stdin=CHATTY)
    t.equal(texts(tree.ctl("logs", "one", "--json")), ["debug of one", "info of one", "warning of one", "error of one"],
            "the log has the lines of a program (row 147)")
    t.equal(texts(tree.ctl("logs", "--level", "warning", "--json")),
            ["warning of one", "error of one", "warning of two", "error of two"], "or the urgent ones of all")
    t.equal(texts(tree.ctl("logs", "two", "--level", "error", "-n", "5", "--json")), ["error of two"], "or both")
    result = tree.ctl("logs", "--level", "loud")
    t.equal(result.code, 2, "a level that is none is refused")
    t.contains(result.err, "loud", "by its name")

    # Following: what there is, then what comes, each line once.
    follow = Running("logs", "--follow", "one", "--level", "info", "-n", "2", directory=tree.directory)
    t.contains(follow.line(), "one", "following begins with the newest lines")
    t.contains(follow.line(), "error of one", "in their order")
    tree.ctl("run", "--name", "two", "-", stdin=CHATTY)
    tree.ctl("run", "--name", "one", "-", stdin=CHATTY)
    t.equal([follow.line().split(": ", 1)[1] for _ in range(3)], ["info of one", "warning of one", "error of one"],
            "and goes on with what comes, of that program and that urgent")
    lines = Running("logs", "-f", "--json", "-n", "1", directory=tree.directory)
    t.equal(json.loads(lines.line())["text"], "error of one", "as documents with --json")
    for running in (follow, lines):
        running.process.terminate()
        running.end()
    denied = tree.ctl("run", "-", stdin=b"print(select(3, os.listen(0, 'journal')))")
    t.contains(denied.out, "does not grant", "an ordinary program hears nothing of it")

    # row 139: one that logs without end
    flood = tree.run_beside("--name", "flood", source=b"""
        for i = 1, 5000 do os.send(0, "log", "info", "line " .. i) end
        os.rpc.log("info", "last")
        print("done")
    """)
    t.equal(flood.line(), "done", "a program writes 5,000 lines")
    flood.end()
    log = texts(tree.ctl("logs", "flood", "-n", "2000", "--json"))
    t.equal(sum(text.startswith("line ") for text in log), 1000, "of which 1,000 are taken (row 139)")
    t.contains(log[1000], "LIMIT_LOG_LINES", "a line says that the rest is not")
    t.contains(log[-1], "lines of its family were dropped", "and how many they were")
    t.ok("error of two" in texts(tree.ctl("logs", "two", "--json")), "the lines of others are still there")
    tree.stop()
t.done()
