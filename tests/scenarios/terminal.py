"""terminal: thoxctl as a person sees it, for scenarios written in Python."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from harness import BUILD, SLOWNESS


class Terminal:
    """A terminal with thoxctl in it: enough of a vt100 to know what is on the screen."""

    SEQUENCE = re.compile(r"\x1b(\[[?]?([0-9;]*)([A-Za-z])|[()].|[=>78M])")

    def __init__(self, directory, *args, lines=24, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            env = dict(os.environ, TERM="vt100", THOX_DIR=str(directory))
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

    def wait_for(self, condition, seconds=4):
        """Whether the screen comes to be as wanted."""
        deadline = time.monotonic() + seconds * SLOWNESS
        while not condition(self.screen()):
            if time.monotonic() > deadline or not self.read(0.1):
                return False
        return True

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self, seconds=8):
        """Waits for the end of thoxctl; its exit status, or None when it does not come."""
        deadline = time.monotonic() + seconds * SLOWNESS
        while self.read(0.1):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
