#!/usr/bin/env python3
"""The programs of examples/ do what their heads say, and so do those that come in the boot store. Row 69."""

import pathlib
import re
import signal

from harness import Running, Tap, thoxctl

t = Tap()
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
tested = set()


def example(name):
    tested.add(name)
    return EXAMPLES / f"{name}.lua"


result = thoxctl("run", example("hello"), "Ada", "Grace")
lines = result.out.splitlines()
t.equal(result.code, 0, "hello ends well")
t.ok(len(lines) == 2 and lines[0].startswith("Hello, Ada! This is process ")
     and lines[1].startswith("Hello, Grace!"), "hello greets whoever is named", result.out)
t.contains(thoxctl("run", example("hello")).out, "Hello, world!", "and the world when nobody is")

result = thoxctl("run", example("counter"))
t.equal(result.code, 0, "counter ends well")
t.ok(result.out.endswith("the counter ends at 15\n"), "counter loses no step", result.out + result.err)

result = thoxctl("run", example("echo-client"), "early")
t.equal(result.code, 1, "echo-client fails without the service")
t.contains(result.out, "start examples/echo-service.lua first", "and says how to help it")
service = Running("run", example("echo-service"))
t.equal(service.line(), "serving example.echo; stop with Ctrl-C", "echo-service serves")
result = thoxctl("run", example("echo-client"), "one", "two")
t.equal(result.out, "one\ttwo\n", "echo-client gets its words back")
t.equal(thoxctl("call", "example.echo", "hello").out, "'hello'\n", "so does thoxctl call")
service.process.send_signal(signal.SIGINT)
t.equal(service.end(), 130, "Ctrl-C ends it")
t.contains(service.rest.decode(), "2 calls answered", "which it hears of first")

result = thoxctl("run", example("sandbox"))
t.equal(result.code, 0, "sandbox ends well")
for words in ("alarm          allowed", "example.greet  allowed: hello, jail", "DENIED", "io is nil",
              "the child ended: exit, status 0"):
    t.contains(result.out, words, f"sandbox shows: {words}")
t.ok("escaped" not in result.out, "the child does not escape")

result = thoxctl("run", example("rate-limiter"), "0.5", "3", timeout=30)
t.equal(result.code, 0, "rate-limiter ends well")
lines = result.out.splitlines()
t.equal(lines[:3], ["found one", "found two", "found three"], "rate-limiter lets a burst through (rows 41, 59)")
t.equal([re.sub(r"in [\d.]+ s", "in N s", line) for line in lines[3:6]],
        [f"{word} refused: example.search: BUSY: 0.5 searches per second are enough; try again in N s"
         for word in ("four", "five", "six")], "and refuses what is beyond")
t.equal(lines[6], "after a while: found seven", "until time has passed")
t.ok(lines[7].endswith("; 4 searches were let through"), "the service saw no other", result.out)
t.equal(thoxctl("run", example("rate-limiter"), "0").code, 2, "a rate of nothing is refused")

result = thoxctl("run", example("balancer"))
t.equal(result.code, 0, "balancer ends well")
who = re.findall(r"small picture \d+, by worker (\d)", result.out)
t.equal(who, list("123123" "232"), "balancer takes turns, and goes on when a worker is killed")
t.contains(result.out, "is gone, 2 are left", "which it hears of")
t.contains(thoxctl("run", example("balancer"), "1").out, "UNAVAIL: no worker is left", "without a worker it says so")

result = thoxctl("run", example("watcher"))
t.equal(result.code, 0, "watcher ends well")
shown = re.sub(r"after [\d.]+ ms", "after N ms", result.out).splitlines()
t.equal(shown[:4], ["alarm(0.1)", "    alarm answers OK after N ms: ", "example.add(1, 2)",
                    "    example.add answers OK after N ms: 3"],
        "watcher shows calls and answers (row 60)")
t.ok(shown[4] == 'example.add("one", { [1] = "two", [3] = true })' and "answers ERROR" in shown[5],
     "errors, and tables as Lua writes them", result.out)
t.ok("process.list answers DENIED" in shown[7] and shown[8].endswith("one-way"), "refusals and one-way calls",
     result.out)
t.ok(re.fullmatch(r"process \d+ ended: exit, status 0", shown[9]), "and the end")
thoxctl("set", "program", "flood", "-", stdin=b"for i = 1, 3000 do os.rpc.example.add(i, ...) end")
result = thoxctl("run", example("watcher"), "flood", "5")
answers = len(re.findall(r"answers OK .*: \d+$", result.out, re.MULTILINE))
lost = sum(map(int, re.findall(r"\((\d+) records were lost\)", result.out)))
t.ok(answers > 0 and result.out.count("example.add") + lost == 6000, "of a flood it shows or counts everything",
     f"{answers} answers, {lost} lost\n{result.out[-300:]}")
thoxctl("rm", "program", "flood")
t.contains(thoxctl("run", example("watcher"), "nosuch").out, "cannot run it: NOTFOUND", "what is not there is said")

result = thoxctl("run", example("test-harness"))
t.equal(result.code, 0, "test-harness ends well")
t.ok(result.out.count("\n") == 7 and "not ok" not in result.out, "test-harness plays hours in no time (row 26)",
     result.out)

result = thoxctl("run", example("translator"))
t.equal(result.code, 0, "translator ends well")
t.equal(result.out.splitlines()[:4],
        ["registered engine", "registered compiler", "the engine is Ada's", "2 names: compiler, engine"],
        "translator makes an old program work on new services (row 61)")
t.contains(result.out, "registry.drop: registry.drop: DENIED", "and adds nothing to them")

t.equal(thoxctl("set", "program", "guest-book", example("guest-book")).code, 0, "guest-book is stored")
guests = [Running("run", "guest-book", name) for name in ("Ada", "Grace", "Lynn")]
t.equal([guest.end() for guest in guests], [0, 0, 0], "three guests come at once (rows 75, 77)")
result = thoxctl("run", "guest-book", "Mary")
t.ok(result.out.startswith("welcome, Mary: guest number 4\n"), "the next one is the fourth", result.out + result.err)
t.equal(sorted(line.split("  ")[1] for line in result.out.splitlines()[1:]), ["Ada", "Grace", "Lynn", "Mary"],
        "and all are in the book")
t.contains(thoxctl("run", example("guest-book"), "Eve").out, "guest number 1", "from its file it has a book of its own")

ada = Running("run", example("chat"), "Ada")
t.equal(ada.line(), "lounge: 0 others here; type, or end with Ctrl-D", "chat begins alone")
grace = Running("run", example("chat"), "Grace")
t.equal(grace.line(), "lounge: 1 other here; type, or end with Ctrl-D", "a second one is not alone")
hermit = Running("run", example("chat"), "Hermit", "cell")
t.equal(hermit.line(), "cell: 0 others here; type, or end with Ctrl-D", "another room is another room")
t.ok(re.fullmatch(r"Grace \[\d+\]: has come in", ada.line()), "who is there hears who comes")
for text in (b"hello\n", b"\n", b"how are you?\n"):
    ada.process.stdin.write(text)
ada.process.stdin.flush()
t.ok(re.fullmatch(r"Ada \[\d+\]: hello", grace.line()), "what one types the other sees (row 64)")
t.contains(grace.line(), "how are you?", "line by line")
t.equal(grace.end(), 0, "the end of the input ends it")
t.contains(ada.line(), "has left", "which is told")
ada.process.send_signal(signal.SIGINT)
hermit.process.send_signal(signal.SIGINT)
t.equal((ada.end(), hermit.end(), hermit.rest), (130, 130, b""), "so does Ctrl-C, and the hermit heard nothing")
t.equal(thoxctl("run", example("chat")).code, 2, "somebody without a name is told how to use it")

for kind, ending in (("program", "lua"), ("props", "conf")):
    t.equal(thoxctl("set", kind, "clock", EXAMPLES / f"service/clock.{ending}").code, 0, f"the clock's {kind}")
t.equal(thoxctl("start", "clock").code, 0, "the clock is started (row 151)")
t.ok(re.fullmatch(r"'\d\d:\d\d:\d\d'\n", thoxctl("call", "clock.now").out), "and tells the time")
t.equal(thoxctl("stop", "clock").code, 0, "until it is stopped")

untested = {path.stem for path in EXAMPLES.glob("*.lua")} - tested
t.equal(untested, set(), "every example is run here")

result = thoxctl("run", "demo", timeout=30)
t.equal(result.code, 0, "the demonstration ends well")
t.equal(result.err, "", "and has nothing to complain of")
t.done()
