#!/usr/bin/env python3
"""The store is looked after while programs use it: backup, check, compaction, statistics; and when they do
not: restoration, damage. Rows 66, 80."""

import resource

from harness import BUILD, Tap, Tree, wait_until

WRITER = """
for i = 1, math.huge do
    local version, status, message = os.set_program("counter", "return " .. i)
    assert(version, message)
    print(i)
end
"""
t = Tap()


def write_beside(tree):
    """A program that stores a version after the other, and prints each that was acknowledged."""
    running = tree.run_beside("--admin", "--name", "writer", source=WRITER.encode())
    running.line()
    return running


def end_writer(tree, running):
    """The number that was acknowledged last."""
    tree.ctl("kill", "--now", "writer")
    running.end()
    return int(running.rest.split()[-1])


def counter(tree):
    return int(tree.ctl("get", "program", "counter").out.split()[1])


def offline(tree, *args):
    return tree.ctl(args[0], "--libexec", BUILD, *args[1:])


def big(text):
    return b"-- " + text.encode() * 100000


with Tree() as tree:
    data = tree.directory / "store/stores/data.mdb"
    backup = tree.directory / "backup"

    # Backup, row 66.
    tree.ctl("set", "program", "kept", "-", stdin=b"print('kept')")
    writer = write_beside(tree)
    first = counter(tree)
    made = tree.ctl("backup", backup, "--json")
    t.equal(made.code, 0, "a store in use is backed up (row 66)")
    t.equal(made.json()["size"], backup.stat().st_size, "into a file of the size that it says")
    t.equal(backup.stat().st_mode & 0o777, 0o600, "which is not for everybody")
    refused = tree.ctl("backup", backup)
    t.equal((refused.code, refused.error_code()), (1, "exists"), "an existing file is not replaced")
    t.equal(tree.ctl("backup", "--force", backup, "-q").code, 0, "unless with --force")
    t.equal(tree.ctl("backup", tree.directory / "no/backup").code, 1, "a directory that is not there is an error")
    t.equal(list(tree.directory.glob("*.tmp")), [], "no half of a backup is left")

    # Check and statistics.
    t.equal(tree.ctl("check").out, "the store is sound\n", "a store is checked while it is written to")
    stats = tree.ctl("stats", "--json").json()
    t.equal((stats["check"]["sound"], stats["path"]), (True, str(data.parent)), "statistics know of the check")
    t.ok(stats["used"] + stats["free"] <= stats["size"] <= stats["map"], "and add up", str(stats))
    t.contains(tree.ctl("stats").out, "entries", "people get them as a table")

    # Compaction: what is acknowledged meanwhile is there after it.
    for i in range(20):
        tree.ctl("set", "program", "big", "-", stdin=big(str(i)))
    size = data.stat().st_size
    for i in range(70):
        tree.ctl("set", "program", "big", "-", stdin=b"-- small")
    done = tree.ctl("compact", "--json")
    t.equal(done.code, 0, "a store in use is compacted")
    t.ok(data.stat().st_size < size / 2, "and is smaller then", f"{size} -> {data.stat().st_size}")
    t.equal(tree.ctl("run", "kept").out, "kept\n", "what was in it is there")
    acknowledged = end_writer(tree, writer)
    t.ok(acknowledged > first and counter(tree) in (acknowledged, acknowledged + 1),
         "nothing that was acknowledged is lost (row 66)", f"{acknowledged} and {counter(tree)}")
    t.equal(tree.ctl("check").code, 0, "and it is sound")

    # A full disk: a limit on file size stands for it.
    storaged = tree.daemons()["storaged"]["pid"]
    limit = resource.prlimit(storaged, resource.RLIMIT_FSIZE)
    resource.prlimit(storaged, resource.RLIMIT_FSIZE, (data.stat().st_size + 8192, limit[1]))
    full = tree.ctl("set", "program", "kept", "-", stdin=big("x"))
    t.equal(full.error_code(), "limit", "a full disk is a limit (row 66)")
    t.contains(full.err, "the disk is full", "in words of its own")
    t.equal(tree.ctl("backup", tree.directory / "large").code, 0, "a file as long as the limit is not in its way")
    resource.prlimit(storaged, resource.RLIMIT_FSIZE, (8192, limit[1]))
    full = tree.ctl("backup", tree.directory / "full")
    t.equal(full.error_code(), "limit", "nor is a backup that does not fit kept quiet")
    t.contains(full.err, "no space left for the backup", "it says what did not fit")
    full = tree.ctl("compact")
    t.contains(full.err, "the store is as it was", "and so does a compaction")
    resource.prlimit(storaged, resource.RLIMIT_FSIZE, limit)
    t.equal(tree.ctl("set", "program", "kept", "-", stdin=b"print('later')").code, 0,
            "with room again it goes on")

    # An ordinary program may do none of it; 17_rights has the rest.
    denied = tree.ctl("run", "-", stdin=b"os.rpc.store.backup()")
    t.contains(denied.err, "DENIED", "a program may not back up the store (row 79)")
    t.contains(tree.ctl("call", "store.backup").err, "usage: store.backup", "a backup wants a descriptor")

    # Restoration.
    in_use = offline(tree, "restore", backup)
    t.equal(in_use.code, 1, "a store in use is not replaced")
    t.contains(in_use.err, "in use by another tree", "and it says why")
    tree.stop()
    t.equal(offline(tree, "check").code, 0, "a store without a tree is checked as well")
    (tree.directory / "garbage").write_bytes(b"garbage" * 10000)
    refused = offline(tree, "restore", tree.directory / "garbage")
    t.contains(refused.err, "is no backup, or a damaged one", "what is no backup is refused")
    restored = offline(tree, "restore", backup)
    t.contains(restored.out, "stores.old.1", "a backup is restored, and the old store kept")
    tree.start()
    t.equal(tree.ctl("run", "kept").out, "kept\n", "what was backed up is there (row 66)")
    t.ok(first <= counter(tree) <= acknowledged, "as it was in the middle of all the writing")
    tree.stop()

    # Damage: found before use; the tree boots without, row 80.
    content = data.read_bytes()
    data.write_bytes(content[:len(content) // 8192 * 4096])
    damaged = offline(tree, "check")
    t.equal(damaged.code, 1, "half a store is damaged")
    t.contains(damaged.err, "restore a backup", "and the check says what to do")
    tree.start()
    t.contains(tree.log_text(), "is damaged", "a tree says so when it starts")
    refused = tree.ctl("set", "program", "p", "-", stdin=b"")
    t.equal(refused.error_code(), "unavail", "and stores nothing")
    t.contains(refused.err, "its store is damaged", "for a reason that it gives")
    t.contains(tree.ctl("get", "program", "p").err, "its store is damaged", "to who reads as well")
    t.equal(tree.ctl("run", "-", stdin=b"print('up')").out, "up\n", "but runs programs (row 80)")
    tree.stop()
    t.equal(offline(tree, "restore", backup).code, 0, "a backup mends it")
    tree.start()
    t.equal(tree.ctl("run", "kept").out, "kept\n", "and all is there again")

    # A kill in the middle of a backup leaves nothing that looks like one.
    wait_until(lambda: tree.ctl("check").code == 0, 5, "no other operation")
t.equal(tree.leftovers() if tree.directory.exists() else [], [], "nothing is left behind")
t.done()
