#!/usr/bin/env python3
"""thoxctl data and thoxctl locks: what programs keep, from outside. Rows 75-78."""

import json

from harness import Running, Tap, Tree, thoxctl

t = Tap()
with Tree() as tree:
    def data(*args, **options):
        return tree.ctl("data", *args, **options)

    t.equal(data("list", "--no-legend").out, "", "a new tree keeps nothing")
    result = data("get", "bot", "n")
    t.equal((result.code, result.error_code()), (5, "notfound"), "an object that nobody wrote to is not found")
    t.contains(result.err, "thoxctl data list", "and it is said where to look")
    t.equal(data("list", "--no-legend").out, "", "looking makes no object")

    # Keys.
    t.equal(data("set", "bot", "n", "42").code, 0, "a key of a program's object is set")
    t.equal(data("set", "bot", "t", "{x = 1, 'one'}", "--ttl", "1h").code, 0, "a table, for an hour")
    t.equal(data("get", "bot", "n").out, "42\n", "a value is shown")
    t.contains(data("get", "bot", "t").out, "x = 1", "as Lua writes it")
    result = data("get", "bot", "n", "--json").json()
    t.equal((result["object"], result["value"]), ("program:bot", 42), "or as JSON")
    t.equal(data("get", "bot", "none").error_code(), "notfound", "a key that is not there is not found")
    t.equal(data("set", "bot", "n", "1", "--expect", "7").error_code(), "conflict", "a stale revision is a conflict")
    revision = str(result["revision"])
    t.equal(data("set", "bot", "n", "43", "--expect", revision).code, 0, "the right one is none")
    t.equal(data("set", "bot", "n", "{1").error_code(), "usage", "a value that is no Lua is told")
    t.equal(tree.ctl("run", "--admin", "-", stdin=b"""
        local d = os.data("program:bot")
        for i = 1, 2500 do d:set(string.format("k%04d", i), i) end
        d:set("bytes\\1\\255", "x")
    """).code, 0, "a program writes many")
    keys = data("keys", "bot", "k", "--no-legend").out.splitlines()
    t.equal((len(keys), keys[0].split()[::2], keys[-1].split()[::2]), (2500, ["k0001", "1"], ["k2500", "2500"]),
            "all keys with a prefix are listed, in order, over all pages")
    t.equal(len(data("keys", "bot", "--json").json()["keys"]), 2503, "or all keys")
    t.equal([data("del", "bot", "n").code, data("del", "bot", "n").error_code()], [0, "notfound"],
            "a key is deleted, once")

    # The stream.
    blob = bytes(range(256)) * 5000
    t.equal(data("write", "bot", "-", stdin=blob).code, 0, "a stream is written")
    result = tree.ctl("run", "--data", "bot", "-", stdin=b"print(#os.data():read())")
    t.equal(result.out, f"{len(blob)}\n", "a program that is given the object reads it")
    t.ok(data("read", "bot").bytes == blob, "it is written to stdout, byte for byte")
    info = data("info", "bot", "--json").json()["object"]
    t.equal((info["stream"], info["keys"], info["volatile"]), (len(blob), 2502, False), "what there is, is told")

    # Limits.
    t.equal(data("limit", "bot").error_code(), "usage", "a limit is a number")
    t.equal(data("limit", "bot", "--keys", "2502", "--bytes", "2M").code, 0, "limits are changed")
    result = data("set", "bot", "more", "1")
    t.equal(result.error_code(), "limit", "and kept")
    t.contains(result.err, "2502", "by their number")

    # Watching.
    data("limit", "bot", "--keys", "9999")
    here = data("info", "bot", "--json").json()["object"]["revision"]
    watch = Running("data", "watch", "bot", "w", "--from", here, "--count", "2", "--json", directory=tree.directory)
    data("set", "bot", "w1", "'new'")
    event = json.loads(watch.line())
    t.equal((event["type"], event["key"], event["value"]), ("set", "w1", "new"), "a change is shown as it is made")
    data("del", "bot", "w1")
    t.equal(json.loads(watch.line())["type"], "del", "and the next")
    t.equal(watch.end(), 0, "as many as were asked for")
    t.equal(data("watch", "bot", "--from", "0").error_code(), "conflict", "what is not kept any more is told")
    t.equal(data("watch", "bot", "--timeout", "50ms").error_code(), "timeout", "watching ends when it is told to")

    # Locks.
    t.equal(tree.ctl("locks", "--no-legend").out, "", "nobody has a lock")
    holder = tree.run_beside("--data", "bot", source=b"""
        local d = os.data()
        local lock = d:lock("door", { mode = "shared" })
        os.spawn(function() d:lock("door") end)
        os.spawn(function() print("up") os.pull("terminate") end)
    """)
    holder.line()
    locks = tree.ctl("locks", "--json").json()["locks"]
    t.equal([(lock["object"], lock["name"], lock["mode"], lock["state"]) for lock in locks],
            [("program:bot", "door", "shared", "held"), ("program:bot", "door", "exclusive", "waits")],
            "who holds and who waits is listed")
    t.contains(tree.ctl("locks", "bot").out, "held", "also of one object")
    holder.process.terminate()
    holder.end()

    # Misuse, and the end.
    t.equal(data("lst").error_code(), "usage", "an action that is none is told")
    t.contains(data("lst").err, "did you mean 'list'", "with the nearest")
    t.contains(data("set", "bot").err, "thoxctl data set OBJECT KEY VALUE", "one that is used wrongly, too")
    t.equal(data("keys", "x" * 200).error_code(), "usage", "a name that is too long")
    t.equal(data("info", "test:a/b").error_code(), "badargs", "or is none")
    t.equal(tree.ctl("run", "--data", "a/b", "-", stdin=b"").error_code(), "badargs", "is not given to a program")
    t.equal([data("rm", "bot").code, data("rm", "bot").error_code()], [0, "notfound"], "an object is removed, once")
    t.equal(data("list", "--no-legend").out, "", "with all that was in it")
    t.equal(thoxctl("data", "list", directory="/nonexistent").error_code(), "unreachable", "without a tree")
t.done()
