#!/usr/bin/env python3
"""A program and its terminal: everything it prints arrives, in order, as fast as the reader reads; lines
that are typed reach it. Row 147."""

import subprocess

from harness import BUILD, Tap, die_with_parent, thoxctl

t = Tap()

N_LINES = 100_000
result = thoxctl("run", "-", stdin=b"for i = 1, 100000 do print(i) end")
t.equal(result.code, 0, "a program that prints 100,000 lines ends well")
t.ok(result.out == "".join(f"{i}\n" for i in range(1, N_LINES + 1)), "all of them arrive, in order",
     f"{result.out.count(chr(10))} lines, {len(result.out)} bytes")

result = thoxctl("run", "-", stdin=b"for i = 1, 1000 do print(i) end error('at the end')")
t.ok(result.out.endswith("\n1000\n") and result.code == 1 and "at the end" in result.err,
     "what is printed before an error arrives before it", result.err)
result = thoxctl("run", "-", stdin=b"print('last words') os.exit(5)")
t.equal((result.out, result.code), ("last words\n", 5), "what is printed before os.exit arrives")
result = thoxctl("run", "-", stdin=b"os.bind('never') for i = 1, 256 do os.call(0, 'never') end "
                                   b"for i = 1, 300 do print(i) end os.exit(0)")
t.equal(result.out, "".join(f"{i}\n" for i in range(1, 301)), "print has room beside 256 unanswered calls")
result = thoxctl("run", "-", stdin=b"string.gsub('abc', '.', print) table.sort({3, 1, 2}, "
                                   b"function(a, b) print('compare') return a < b end)")
t.ok(result.out.startswith("a\nb\nc\ncompare\n"), "print works where nothing can wait", result.err)
result = thoxctl("run", "-", stdin=b"print(1, 'two', nil, true, 2.0) print() print('a\\0b\\xff')")
t.equal(result.bytes, b"1\ttwo\tnil\ttrue\t2.0\n\na\0b\xff\n", "values are separated by tabs, bytes kept")
result = thoxctl("run", "-", stdin=b"print(('x'):rep(5000000))")
t.equal(len(result.bytes), 5_000_001, "a line of 5 MB is one line")

program = "for i = 1, 1e9 do print(i) end"
script = f'"{BUILD}/thoxctl/thoxctl" run - <<< "{program}" | head -1; echo "${{PIPESTATUS[0]}}"'
done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=20, preexec_fn=die_with_parent,
                      check=False)
t.equal(done.stdout, b"1\n0\n", "a reader that has enough ends the program, which is no failure")
t.equal(done.stderr, b"", "and nothing is said about it")

# Lines: the program comes from the store, so that standard input is its own.
echo = b"""
local console = os.rpc[os.contexts.console]
local n = 0
while true do
    local line = console.read_line()
    if not line then break end
    n = n + 1
    print(n, line)
end
print("end after " .. n)
"""
t.equal(thoxctl("set", "program", "echo-lines", "-", stdin=echo).code, 0, "the program that reads lines is stored")
result = thoxctl("run", "echo-lines", stdin=b"one\ntwo\n\nno newline")
t.equal(result.out, "1\tone\n2\ttwo\n3\t\n4\tno newline\nend after 4\n", "each line is read once, then nil")
result = thoxctl("run", "echo-lines", stdin=b"")
t.equal(result.out, "end after 0\n", "an empty input is an end at once")
many = "".join(f"line {i}\n" for i in range(5000))
result = thoxctl("run", "echo-lines", stdin=many.encode())
t.ok(result.out.endswith("5000\tline 4999\nend after 5000\n"), "5,000 lines are read", result.out[-200:])
thoxctl("rm", "program", "echo-lines")

result = thoxctl("run", "-", stdin=b"print(os.rpc[os.contexts.console].size())")
columns, rows = map(int, result.out.split())
t.ok(columns > 0 and rows > 0, "the console has a size", result.out)

t.done()
