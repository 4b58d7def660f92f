#!/usr/bin/env python3
"""The programs of examples/ do what their heads say, and so do those that come in the boot store. Row 69."""

import pathlib
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

untested = {path.stem for path in EXAMPLES.glob("*.lua")} - tested
t.equal(untested, set(), "every example is run here")

result = thoxctl("run", "demo", timeout=30)
t.equal(result.code, 0, "the demonstration ends well")
t.equal(result.err, "", "and has nothing to complain of")
t.done()
