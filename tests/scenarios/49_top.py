#!/usr/bin/env python3
"""top: who uses what, refreshed in place on a terminal, one table anywhere else. Rows 106, 147."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from harness import BUILD, SLOWNESS, Tap, Tree, wait_until

BUSY = b"print('up') while true do end"
ASKER = b"""
print("up")
os.spawn(function() os.pull("terminate") os.exit() end)
os.call(0, "alarm", 100)
while true do os.rpc.alarm(0.001) end
"""

t = Tap()


class Terminal:
    """A terminal with thoxctl in it: enough of a vt100 to know what is on the screen."""

    SEQUENCE = re.compile(r"\x1b(\[[?]?([0-9;]*)([A-Za-z])|[()].|[=>78M])")

    def __init__(self, tree, *args, lines=24, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            env = dict(os.environ, TERM="vt100", THOX_DIR=str(tree.directory))
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            command = str(BUILD / "thoxctl/thoxctl")
            os.execve(command, [command, *args], env)
        self.rest = ""
        self.resize(lines, columns)

    def resize(self, lines, columns):
        self.columns = columns
        self.rows = [[" "] * columns for _ in range(lines)]
        self.y = self.x = self.top = 0
        self.bottom = lines - 1
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def control(self, numbers, final):
        n = [int(x) if x else 0 for x in numbers.split(";")]
        if final == "H":
            self.y, self.x = max(n[0], 1) - 1, max(n[1] if len(n) > 1 else 1, 1) - 1
        elif final == "K":
            self.rows[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif final == "J":
            self.rows[self.y][self.x:] = [" "] * (self.columns - self.x)
            self.rows[self.y + 1:] = [[" "] * self.columns for _ in self.rows[self.y + 1:]]
        elif final == "r":
            self.top, self.bottom = max(n[0], 1) - 1, (n[1] if len(n) > 1 else len(self.rows)) - 1
            self.y = self.x = 0
        elif final in "ABCD":
            dy, dx = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[final]
            self.y, self.x = self.y + dy * max(n[0], 1), self.x + dx * max(n[0], 1)

    def scroll(self, from_row, to_row):
        """One row goes, an empty one comes."""
        del self.rows[from_row]
        self.rows.insert(to_row, [" "] * self.columns)

    def put(self, char):
        if char == "\r":
            self.x = 0
        elif char == "\n" and self.y == self.bottom:
            self.scroll(self.top, self.bottom)
        elif char == "\n":
            self.y = min(self.y + 1, len(self.rows) - 1)
        elif char == "\b":
            self.x -= 1
        elif char == "\t":
            self.x = (self.x // 8 + 1) * 8
        elif char >= " " and self.y < len(self.rows) and self.x < self.columns:
            self.rows[self.y][self.x] = char
            self.x += 1

    def feed(self, text):
        text = self.rest + text
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            match = self.SEQUENCE.match(text, at)
            if not match:
                break
            if match[3]:
                self.control(match[2], match[3])
            elif match[1] == "M" and self.y == self.top:
                self.scroll(self.bottom, self.top)
            elif match[1] == "M":
                self.y -= 1
            at = match.end()
        self.rest = text[at:]

    def read(self, seconds):
        """Takes what has been written; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.feed(data.decode(errors="replace"))
        return data != b""

    def screen(self):
        return ["".join(row).rstrip() for row in self.rows]

    def wait_for(self, condition, what, seconds=4):
        deadline = time.monotonic() + seconds * SLOWNESS
        while not condition(self.screen()):
            if time.monotonic() > deadline or not self.read(0.1):
                return t.ok(False, what, "\n".join(self.screen()))
        return t.ok(True, what)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        while self.read(5):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def start(tree, name, source):
    running = tree.run_beside("--name", name, "-")
    running.process.stdin.write(source)
    running.process.stdin.close()
    running.process.stdin = None
    assert running.line() == "up"
    return running


def names(screen):
    return [line.split()[1] for line in screen[4:] if line]


with Tree() as tree:
    running = [start(tree, "busy", BUSY), start(tree, "asker", ASKER)]

    # Not on a terminal.
    document = tree.ctl("top", "--json", "-d", "500ms").json()
    rows = {row["name"]: row for row in document["processes"]}
    t.equal(document["schema"], "thox.top/1", "top --json names its schema (row 147)")
    t.ok(rows["busy"]["cpu_percent"] > 15 > rows["init"]["cpu_percent"], "cpu is that of the time between two looks (row 106)",
         str(rows))
    t.ok(rows["asker"]["calls_per_second"] > 10 > rows["busy"]["calls_per_second"], "so are calls a second (row 106)",
         str(rows["asker"]))
    t.ok(rows["asker"]["calls_made"] in (1, 2), "unanswered calls are counted", str(rows["asker"]))
    t.ok(document["tree"]["calls_per_second"] > 10, "the tree has a sum")
    table = tree.ctl("top", "-d", "200ms").out.splitlines()
    t.ok(table[3].split()[:5] == ["PID", "NAME", "STATE", "CPU%", "MEMORY"] and table[4].split()[1] == "busy",
         "a pipe gets one table, sorted by cpu (row 106)", "\n".join(table))
    t.equal(tree.ctl("top", "-d", "1ms").code, 2, "looking without a pause is refused (row 147)")

    # On one.
    terminal = Terminal(tree, "top", "-d", "200ms")
    terminal.wait_for(lambda s: len(names(s)) == 6 and names(s)[0] == "busy", "the busiest comes first (row 106)")
    first = terminal.screen()
    t.ok(first[0].startswith("thox ") and "running" in first[0] and first[1].startswith("processes 3"),
         "above stands the state of the tree", "\n".join(first))
    t.ok(all(len(line) <= 80 for line in first), "nothing is wider than the terminal")
    terminal.type("p")
    terminal.wait_for(lambda s: names(s)[:3] == ["initd", "storaged", "runtimed"], "p sorts by pid (row 106)")
    terminal.type("r")
    terminal.wait_for(lambda s: set(names(s)[:2]) == {"asker", "initd"}, "r sorts by calls (row 106)")
    terminal.type("m")
    terminal.wait_for(lambda s: names(s)[0] == "initd", "m sorts by memory")
    tree.ctl("kill", "busy")
    terminal.wait_for(lambda s: "busy" not in names(s), "who ends disappears, in place (row 106)")
    terminal.resize(6, 40)
    os.kill(terminal.pid, signal.SIGWINCH)
    terminal.wait_for(lambda s: len(names(s)) == 2, "a smaller window shows less")
    terminal.type("p")
    terminal.wait_for(lambda s: names(s) == ["initd", "storaged"], "still in order")
    terminal.type("\x1bOB")
    terminal.wait_for(lambda s: names(s) == ["storaged", "runtimed"], "an arrow scrolls")
    terminal.type("q")
    t.equal(terminal.end(), 0, "q leaves (row 106)")

    # The tree goes away under it.
    terminal = Terminal(tree, "top", "-d", "200ms")
    terminal.wait_for(lambda s: "asker" in names(s), "another one")
    tree.ctl("kill", "asker")
    tree.stop()
    t.equal(terminal.end(), 69, "without a tree it ends (row 147)")
    t.ok(any("lost the tree" in line for line in terminal.screen()), "and says why (row 147)",
         "\n".join(terminal.screen()))
    for one in running:
        one.end()
t.done()
