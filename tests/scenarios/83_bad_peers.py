#!/usr/bin/env python3
"""Peers that speak badly on the control socket: cut off, huge, slow, repeated, mutated, with descriptors that nobody
asked for. initd lives, keeps nothing of theirs, and a program beside them notices nothing. Rows 30, 132, 139, 145."""

import array
import os
import pathlib
import random
import socket
import struct
import time

from harness import SLOWNESS, Tap, Tree, wait_until

t = Tap()
SEED = int(os.environ.get("THOX_SEED", "0")) or random.randrange(1 << 32)
N_MUTATIONS = 5000  # in each of two rounds
WORST_P99_S = 0.02
NEIGHBOUR = b"""
local times, wrong, done = {}, 0, false
os.bind("neighbour.echo", function(...) return ... end)
os.bind("neighbour.stop", function() done = true end)
print("ready")
while not done do
    local started = os.monotonic()
    wrong = wrong + (os.rpc.neighbour.echo(#times) == #times and 0 or 1)
    times[#times + 1] = os.monotonic() - started
    os.rpc.alarm(0.0005)
end
table.sort(times)
print(#times, wrong, times[math.ceil(#times * 0.99)])
os.exit(0)
"""


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def frame(seq, number, body, values_len=0):
    message = b"\x0d" + struct.pack("<I", seq) + field(number, body)
    return struct.pack("<II", len(message), values_len) + message


HELLO = frame(0, 16, b"\x08\x01\x10\x01" + field(3, b"bad"))


def call(seq, name=b"tree.status", handle=1, flags=0):
    body = (b"\x09" + struct.pack("<Q", 0) + b"\x15" + struct.pack("<I", handle) + b"\x1d" + struct.pack("<I", 0) +
            b"\x25" + struct.pack("<I", 0) + b"\x2d" + struct.pack("<I", flags) + b"\x31" + struct.pack("<Q", 0) +
            b"\x41" + struct.pack("<Q", 0) + field(7, name))
    return frame(seq, 4, body)


class Peer:
    def __init__(self, tree):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(tree.directory / "control"))
        self.socket.settimeout(5 * SLOWNESS)

    def send(self, data, fds=()):
        """What initd closes meanwhile is no concern of this test."""
        try:
            if fds:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
                self.socket.sendmsg([data], rights)
            else:
                self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def hears(self):
        """Everything until initd closes the connection."""
        data = b""
        try:
            while True:
                piece = self.socket.recv(65536)
                if not piece:
                    return data
                data += piece
        except ConnectionResetError:
            return data

    def leave(self):
        """Says no more, and listens to the end."""
        self.socket.shutdown(socket.SHUT_WR)
        self.hears()
        self.close()

    def close(self):
        self.socket.close()


def n_clients(tree):
    return tree.ctl("status", "--json").json()["tree"]["clients"]


def settle(tree):
    """Until initd has heard of every end: one client is left, which asks."""
    wait_until(lambda: n_clients(tree) == n_kept, 10, "they are gone")


def n_fds(tree):
    return len(os.listdir(f"/proc/{tree.initd.pid}/fd"))


def memory(tree):
    text = pathlib.Path(f"/proc/{tree.initd.pid}/smaps_rollup").read_text(encoding="ascii")
    return int(text.split("\nPss:")[1].split()[0]) * 1024


def cut_off(tree):
    data = HELLO + call(1)
    for n in range(len(data)):
        peer = Peer(tree).send(data[:n])
        if n % 2:
            peer.leave()
        else:
            peer.close()


def huge(tree):
    for prefix in ((0xFFFFFFFF, 0), (0, 0xFFFFFFFF), (0x7FFFFFFF, 0x7FFFFFFF), (1 << 16, 0), (0, 0), (1, 1 << 30)):
        for greeting in (b"", HELLO):
            peer = Peer(tree).send(greeting + struct.pack("<II", *prefix) + b"\0" * 64)
            peer.leave()


def slow(tree):
    """Many that claim much, and send little of it."""
    peers = [Peer(tree).send(HELLO + struct.pack("<II", 60000, 0) + b"\x0d") for _ in range(50)]
    for _ in range(20):
        for peer in peers:
            peer.send(b"\0")
    t.equal(tree.ctl("ps").code, 0, "who is slow makes nobody wait (row 30)")
    for peer in peers:
        peer.close()


def repeated(tree):
    for data in (HELLO + HELLO, call(1), HELLO + call(7, b"alarm") + call(7, b"alarm"), HELLO + call(0)):
        peer = Peer(tree).send(data)
        peer.leave()


def with_descriptors(tree):
    """Ours, pipes, sockets to initd itself, in the first byte or in the middle of a frame."""
    for n in (1, 8, 9, 200):
        for data in (HELLO, HELLO + call(1), call(1), b"\0"):
            peer, stolen = Peer(tree), Peer(tree)
            fds = [stolen.socket.fileno()] * n
            peer.send(data, fds)
            peer.send(call(2), fds)
            peer.leave()
            stolen.close()


def mutated(tree):
    rng = random.Random(SEED)
    valid = [HELLO, call(1), call(2, b"log"), call(3, b"alarm", flags=1), frame(4, 22, field(1, b"x")),
             frame(5, 40, field(2, b"q")), frame(6, 20, b""), frame(7, 34, b"\x08\x01"), frame(8, 37, b"\x08\x01")]
    for _ in range(N_MUTATIONS):
        data = bytearray(HELLO if rng.random() < 0.8 else b"")
        for piece in rng.choices(valid, k=rng.randint(1, 4)):
            piece = bytearray(piece)
            for _ in range(rng.randint(0, 3)):
                at = rng.randrange(len(piece))
                piece[at] = rng.choice((0, 255, 127, 128, piece[at] ^ 1 << rng.randrange(8), rng.randrange(256)))
            data += piece
        peer = Peer(tree).send(bytes(data))
        peer.leave()


def crowd(tree):
    """More than there may be: they are refused, and those who were there go on."""
    peers = [Peer(tree).send(HELLO) for _ in range(300)]
    refused = tree.ctl("ps")
    t.equal(refused.error_code(), "unreachable", "more than 64 at once are refused (LIMIT_CONTROL_CLIENTS)")
    t.contains(refused.err, "many clients", "as they are told")
    for peer in peers:
        peer.close()
    settle(tree)


def attack_all(tree):
    for attack in (cut_off, huge, slow, repeated, with_descriptors, mutated, crowd):
        started = time.monotonic()
        attack(tree)
        t.equal(tree.ctl("ps").code, 0, f"initd lives: {attack.__name__} (row 30)")
        t.note(f"{attack.__name__}: {time.monotonic() - started:.2f} s")
    settle(tree)


# It fills what is allocated, and so makes memory resident that nobody uses.
os.environ.pop("MALLOC_PERTURB_", None)
with Tree() as tree:
    neighbour = tree.run_beside("--admin", source=NEIGHBOUR)
    neighbour.line()
    n_kept = n_clients(tree)
    attack_all(tree)
    n_fds_before, memory_before = n_fds(tree), memory(tree)
    attack_all(tree)  # what is left by one round is left by the next as well
    t.ok(wait_until(lambda: n_fds(tree) <= n_fds_before, 5, "they are closed"), "no descriptor of theirs is left")
    if SLOWNESS == 1:  # a sanitizer keeps freed memory for a while, and finds what leaks itself
        grown = memory(tree) - memory_before
        t.ok(grown < 1 << 20, f"nor memory (row 132): {grown >> 10} KiB more")
    t.equal(tree.ctl("call", "neighbour.stop").code, 0, "the neighbour")
    n, wrong, p99 = neighbour.line().split()
    t.ok(int(n) > 100, f"has called {n} times")
    t.equal(wrong, "0", "lost no answer")
    t.ok(float(p99) < WORST_P99_S * SLOWNESS, f"and waited no longer (row 139): p99 {float(p99) * 1e6:.0f} us")
    neighbour.end()
    t.note(f"seed {SEED}")
    t.equal(tree.stop(), 0, "the tree ends as any")
t.done()
