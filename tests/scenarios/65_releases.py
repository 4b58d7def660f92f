#!/usr/bin/env python3
"""A program and its data together: rollback with data, export and import. Rows 66, 75-78, 81."""

import hashlib
import pathlib

from harness import Tap, Tree

FIRST = b"local d = os.data() d:incr('n') d:write('one') d:set('session', 1, { ttl = 1000 })"
SECOND = b"local d = os.data() d:incr('n', 10) d:write('two') d:set('new', true)"

t = Tap()
with Tree() as tree:
    def store(source):
        return tree.ctl("set", "program", "bot", "-", stdin=source).code

    def data():
        """Its keys and its stream."""
        rows = tree.ctl("data", "keys", "bot", "--json")
        return {str(row["key"]): row["value"] for row in rows.json()["keys"]}, tree.ctl("data", "read", "bot").out

    def kept():
        """The versions whose data is kept."""
        rows = tree.ctl("versions", "program", "bot", "--json").json()["versions"]
        return [row["version"] for row in rows if row["data"]]

    store(FIRST)
    tree.ctl("run", "bot")
    t.equal(kept(), [], "the data of a version is kept when it ends")
    store(SECOND)
    t.equal(kept(), [1], "which another does")
    tree.ctl("run", "bot")
    t.equal(data(), ({"n": 11, "new": True, "session": 1}, "two"), "an update leaves data alone")

    # Rolling back.
    watch = tree.run_beside("--data", "bot", source=b"""
        local changes = os.data():watch()
        print("up")
        print(pcall(changes))
    """)
    watch.line()
    t.equal(tree.ctl("rollback", "program", "bot", "--with-data").code, 0, "a rollback brings data back")
    t.equal(data(), ({"n": 1}, "one"), "keys and stream, without keys that were to end by themselves")
    t.contains(watch.line(), "CONFLICT", "whoever watches is told to read it again")
    watch.end()
    t.equal(tree.ctl("get", "program", "bot").bytes, FIRST, "with the source")
    revision = tree.ctl("data", "info", "bot", "--json").json()["object"]["revision"]
    t.equal(tree.ctl("data", "set", "bot", "n", "5", "--expect", str(revision - 1)).error_code(), "conflict",
            "who knew the data of before changes nothing by that")
    t.equal(tree.ctl("rollback", "program", "bot", "2", "--with-data").code, 0, "a rollback is rolled back")
    t.equal(data(), ({"n": 11, "new": True}, "two"), "with data, too")
    tree.ctl("rollback", "program", "bot", "1")
    t.equal(data()[0]["n"], 11, "without --with-data, data is left alone")
    result = tree.ctl("rollback", "program", "bot", "5", "--with-data")
    t.equal(result.error_code(), "notfound", "the present version has not ended")
    t.contains(result.err, "newest 4 versions", "which is said")
    for source in (b"return 1", b"return 2"):
        tree.ctl("set", "library", "tools", "-", stdin=source)
    t.equal(tree.ctl("rollback", "library", "tools", "--with-data").error_code(), "badargs", "libraries have no data")
    t.equal(tree.ctl("get", "library", "tools").out, "return 2", "and stay as they are")
    for i in range(6):
        store(b"-- %d" % i)
    t.equal(len(kept()), 4, "the data of the newest four is kept")
    before = {table["name"]: table["entries"] for table in tree.ctl("stats", "--json").json()["tables"]}
    t.equal(before["streams"], 2, "versions between which nothing changed share it")
    t.equal(tree.ctl("rollback", "program", "bot", str(min(kept())), "--with-data").code, 0,
            "the oldest of them can be had")
    t.equal(data(), ({"n": 11, "new": True}, "two"), "whole")

    # A large one: more than a page of keys, and more than a chunk of the stream.
    tree.ctl("run", "--data", "bot", "-", stdin=b"""
        local d = os.data()
        for i = 1, 3000 do d:set(string.format("k%04d\\0\\255", i), { i }) end
        d:write(string.rep("0123456789abcdef", 20000))
        d:write("end", { from = 400000 })
    """)
    large = tree.ctl("data", "read", "bot").bytes
    store(b"-- large")
    tree.ctl("data", "write", "bot", "-", stdin=b"small")
    tree.ctl("run", "--data", "bot", "-", stdin=b"local d = os.data() for k in d:keys('k') do d:del(k) end")
    tree.ctl("rollback", "program", "bot", "--with-data")
    t.ok(len(large) == 400003 and tree.ctl("data", "read", "bot").bytes == large, "a large stream comes back")
    t.equal(len(data()[0]), 3002, "with thousands of keys")

    # Export and import.
    file = pathlib.Path(tree.directory) / "bot.thox"
    result = tree.ctl("export", "bot", file)
    t.equal(result.code, 0, "a program is exported with its data")
    content = file.read_bytes()
    t.equal(hashlib.sha256(content[:-32]).digest(), content[-32:], "its file ends with its sum")
    t.equal(tree.ctl("export", "bot", file).error_code(), "exists", "a file that is there is not replaced")
    t.equal(tree.ctl("export", "bot", file, "--force").code, 0, "unless that is meant")
    t.ok(file.read_bytes() == content, "the same gives the same")
    t.equal(tree.ctl("export", "none", file, "--force").error_code(), "notfound", "what is not there is not exported")
    t.ok(file.read_bytes() == content, "and leaves the file alone")
    t.equal(tree.ctl("import", "--name", "copy", file).out, "program 'copy' version 1\n", "it is imported, renamed")
    t.ok(tree.ctl("data", "read", "copy").bytes == large, "with its stream")
    t.equal(len(tree.ctl("data", "keys", "copy", "--json").json()["keys"]), 3002, "and its keys")
    tree.ctl("data", "set", "bot", "n", "99")
    t.equal(tree.ctl("import", "-", stdin=content).code, 0, "or under its own name, from standard input")
    t.equal(data()[0]["n"], 11, "in place of the data there is")
    tree.ctl("rollback", "program", "bot", "--with-data")
    t.equal(data()[0]["n"], 99, "which can be undone")
    with Tree() as other:
        t.equal(other.ctl("import", file).code, 0, "another tree takes it")
        t.ok(other.ctl("data", "read", "bot").bytes == large, "whole")
        for i in (0, 14, len(content) // 2, len(content) - 1):
            damaged = bytearray(content)
            damaged[i] ^= 1
            t.equal(other.ctl("import", "-", stdin=bytes(damaged)).error_code(), "damaged",
                    f"a bit at {i} that is another is found")
        t.equal(other.ctl("import", "-", stdin=content[:-1]).error_code(), "damaged", "as is an end that is missing")
        t.equal(other.ctl("import", "-", stdin=b"").error_code(), "damaged", "or all of it")
        body = content[:-32].replace(b"thox package", b"thox packagf")
        result = other.ctl("import", "-", stdin=body + hashlib.sha256(body).digest())
        t.equal(result.error_code(), "badargs", "a sound sum over something else is not enough")
        body = content[:-100]
        result = other.ctl("import", "-", stdin=body + hashlib.sha256(body).digest())
        t.equal(result.error_code(), "badargs", "nor over a part of it")
        t.equal(other.ctl("versions", "program", "bot", "--no-legend").out.count("\n"), 1, "nothing was imported")
        result = other.ctl("run", "--admin", "-", timeout=60, stdin=b"""
            local n, is_done, err = 1, true, nil
            while is_done do
                n = n + 1
                local d <close> = os.data("many:" .. n)
                is_done, err = pcall(d.set, d, "k", n)
            end
            print(n, err)
        """)
        t.contains(result.out, "4097\tset: LIMIT", "there are 4096 objects at most")
        result = other.ctl("import", "--name", "n" * 125, file)
        t.contains(result.err, "the limit is 120 bytes", "a name that is too long for data is told")
        other.ctl("set", "program", "bare", "-", stdin=b"-- no data")
        bare = pathlib.Path(other.directory) / "bare.thox"
        t.equal(other.ctl("export", "bare", bare).code, 0, "a program without data is exported as well")
        t.equal(other.ctl("import", "--name", "n" * 125, bare).code, 0, "and imported under any name, at any time")
        result = other.ctl("import", "--name", "more", file)
        t.equal(result.error_code(), "limit", "an import makes no more of them")
        t.contains(result.err, "the limit of 4096", "in words")
        t.equal(other.ctl("import", file).code, 0, "and changes those that are there")
        t.equal(other.ctl("locks").code, 0, "the locks of thousands are listed")

    # What is removed is gone.
    tree.ctl("data", "rm", "bot")
    t.equal(kept(), [], "who removes data removes what is kept of it as well")
    tree.ctl("data", "rm", "copy")
    left = {table["name"]: table["entries"] for table in tree.ctl("stats", "--json").json()["tables"]}
    t.equal([left[name] for name in ("objects", "records", "keys", "streams", "snapshots")], [0, 0, 0, 0, 0],
            "and nothing is left behind")
    t.equal(tree.ctl("check").code, 0, "the store is sound")
    ordinary = tree.ctl("run", "-", stdin=b"print(pcall(os.rpc.program.export, 'bot'))")
    t.contains(ordinary.out, "DENIED", "ordinary programs export nothing")
t.done()
