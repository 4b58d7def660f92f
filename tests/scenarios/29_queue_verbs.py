"""Queues at the command line: thoxctl push and thoxctl listen."""

import json

from harness import Running, Tap, thoxctl, wait_until

tap = Tap()


def listen(*args):
    """A listener that is known to listen."""
    running = Running("listen", *args)
    queue = args[0]
    wait_until(lambda: thoxctl("push", queue, "are you there", "--key", "probe").out.startswith("1"), 10,
               f"somebody listens to {queue}")
    return running


# row 64
tap.ok(thoxctl("push", "cli.news", "unheard").out == "0 listeners\n", "a push says that nobody listens (row 64)")
running = listen("cli.news", "-n", "3")
running.line()
pushed = thoxctl("push", "cli.news", "0x10")
tap.ok(pushed.out == "1 listener\n" and pushed.code == 0, "or how many do (row 64)")
tap.ok(running.line().split()[-2:] == ["-", "16"], "a line has key and value (row 64)")
thoxctl("push", "--key", "sport", "cli.news", "'two words\x1b[31m'")
line = running.line()
tap.ok(line.endswith("'two words\\x1b[31m'") and " sport " in line, "text arrives without control bytes (row 64)")
tap.ok(running.end() == 0, "--count ends it (row 147)")

running = Running("listen", "cli.log", "--match", "disk.*", "--json", "-n", "2")
wait_until(lambda: thoxctl("push", "cli.log", "1", "--key", "disk.probe").out.startswith("1"), 10, "it listens")
tap.ok(thoxctl("push", "cli.log", "1", "--key", "net").out == "0 listeners\n", "--match chooses (row 65)")
document = thoxctl("push", "cli.log", "full", "--key", "disk.a", "--json").json()
tap.ok(document == {"schema": "thox.push/1", "queue": "cli.log", "listeners": 1}, "push has a document (row 147)")
running.line()
event = json.loads(running.line())
tap.ok((event["schema"], event["queue"], event["key"], event["info"], event["dropped"])
       == ("thox.event/1", "cli.log", "disk.a", "full", 0), "each line of --json is a document (row 147)")
running.end()

# Mistakes.
tap.ok(thoxctl("push", "a/b", "1").error_code() == "badargs", "a bad name is refused (row 147)")
tap.ok(thoxctl("push", "x", "1", "--key", "a/b").error_code() == "badargs", "so is a bad key (row 147)")
result = thoxctl("listen", "cli.nothing", "-n", "1", "--timeout", "50ms")
tap.ok((result.code, result.error_code()) == (8, "timeout"), "too little within --timeout is a failure (row 147)")
tap.ok(thoxctl("listen", "cli.nothing", "--timeout", "50ms").code == 0, "its end is none without --count (row 147)")

tap.done()
