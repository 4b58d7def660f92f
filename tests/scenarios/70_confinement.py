#!/usr/bin/env python3
"""Workers are confined below Lua, everybody may see how, and a tree that must confine them does not start where the
kernel cannot. Row 2."""

import ctypes
import os
import pathlib
import struct

from harness import Tap, Tree, die_with_parent, libc

LANDLOCK_CREATE_RULESET = 444  # on every architecture
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ENOSYS = 38
SERVICE = b"print('up') os.pull()"

t = Tap()


def hide_landlock():
    """To be called between fork and exec: a kernel without Landlock, by a filter that knows nothing of it."""
    die_with_parent()
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in (
        (0x20, 0, 0, 0),                        # load the number of the call
        (0x15, 0, 1, LANDLOCK_CREATE_RULESET),  # is it this one?
        (0x06, 0, 0, 0x00050000 | ENOSYS),      # then refuse
        (0x06, 0, 0, 0x7FFF0000)))              # else allow
    kept = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", 4, ctypes.addressof(kept))
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program), 0, 0) != 0:
        raise OSError("no seccomp")


def layers(tree):
    return {layer["layer"]: layer for layer in tree.ctl("status", "--json").json()["tree"]["confinement"]}


def start_service(tree):
    running = tree.run_beside("--name", "service", source=SERVICE)
    assert running.line() == "up"
    return running


def kernel_says(linux_pid):
    """Of /proc/PID/status, what concerns confinement."""
    lines = pathlib.Path(f"/proc/{linux_pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    return dict(line.split(":\t") for line in lines if ":\t" in line)


def expect(of, layer, outcome, name):
    """A check where the layer is on, and the reason why it is not where it is off."""
    if of[layer]["state"] == "on":
        t.ok(outcome, name)
    else:
        t.ok(of[layer]["why"], f"{name} # SKIP {layer}: {of[layer]['why']}")


with Tree() as tree:
    service = start_service(tree)
    have = layers(tree)
    off = [layer["layer"] for layer in have.values() if layer["state"] == "off"]
    t.ok(all(layer["why"] for layer in have.values() if layer["state"] == "off"),
         "a layer that is off says why (row 2)")
    t.ok(have["no-new-privs"]["state"] == "on", "what every kernel has is on (row 2)")

    process = tree.ctl("info", "service", "--json").json()["processes"][0]
    t.equal(process["confinement"], "without " + ", ".join(off) if off else "full",
            "a process is confined as the tree says (row 2)")
    t.contains(tree.ctl("status").out, "CONFINEMENT", "people see it as well (row 2)")
    t.contains(tree.ctl("info", "service").out, "confinement", "for a process, too (row 2)")

    kernel = kernel_says(process["linux_pid"])
    expect(have, "no-new-privs", kernel["NoNewPrivs"] == "1", "no new privileges (row 2)")
    other = tree.run_beside("--name", "other", source=SERVICE)
    assert other.line() == "up"
    uids = {kernel_says(process["linux_pid"])["Uid"] for process in tree.processes().values()
            if process["name"] in ("service", "other")}
    expect(have, "user", "0" not in " ".join(uids).split(), "no worker is root (row 2)")
    expect(have, "user", os.geteuid() != 0 or len(uids) == 2, "each worker of root's tree is a user of its own (row 2)")
    tree.ctl("kill", "other")
    other.end()
    expect(have, "capabilities", {int(kernel[c], 16) for c in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0},
           "no capabilities (row 2)")
    expect(have, "seccomp", kernel["Seccomp"] == "2", "a filter (row 2)")
    if os.geteuid() == 0:
        fds = sorted(int(fd) for fd in os.listdir(f"/proc/{process['linux_pid']}/fd"))
        expect(have, "descriptors", fds == [2, 3], "stderr and one socket, no other descriptor (row 2)")
    else:
        t.ok(True, "stderr and one socket # SKIP the kernel shows them to nobody but root")
    tree.ctl("kill", "service")
    service.end()
    t.equal(tree.stop(), 0, "the tree ends well")

tree = Tree("--require-sandbox=full")
try:
    tree.start()
    t.ok(not off, "it starts where no layer is missing (row 2)")
    t.equal(tree.ctl("run", "-", stdin=b"os.exit(3)").code, 3, "and runs programs (row 2)")
except RuntimeError:
    t.ok(off, f"it does not start where a layer is missing # SKIP there is no {', '.join(off)}")
finally:
    tree.destroy()

with Tree(prepare=hide_landlock) as tree:
    have = layers(tree)
    t.equal(have["landlock"]["state"], "off", "without Landlock in the kernel the tree goes on (row 2)")
    t.contains(tree.log_text(), "workers run without landlock: " + have["landlock"]["why"], "and says so (row 2)")
    t.equal(tree.ctl("run", "-", stdin=b"os.exit(4)").code, 4, "it runs programs (row 2)")
    t.equal(tree.stop(), 0, "the tree ends well")

tree = Tree("--require-sandbox=full", prepare=hide_landlock)
try:
    tree.start()
    t.ok(False, "without Landlock, --require-sandbox=full refuses to start (row 2)")
except RuntimeError as error:
    t.contains(str(error), "workers run without landlock", "without Landlock, --require-sandbox=full does not start (row 2)")
    t.contains(str(error), "--require-sandbox=full", "and says what asked for it (row 2)")
    t.equal(tree.wait(), 1, "its status says so, too (row 2)")
finally:
    tree.destroy()
t.done()
