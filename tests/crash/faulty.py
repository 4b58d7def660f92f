"""faulty: a tree whose storaged has its system calls counted, broken or recorded (fault.h)."""

from harness import BUILD, Tree

SHIM = BUILD / "tests/crash/crash-shim.so"
WRAPPER = """#!/bin/sh
export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"
export THOX_FAULT={0}/fault THOX_RECORD={1} LD_PRELOAD={2}
exec {3}/storaged/thox-storaged "$@"
"""


class FaultyTree(Tree):
    """As Tree, but to be started by hand, once the fault is set; and its directory outlives a failed start."""

    def __init__(self):
        super().__init__()
        self.is_own_directory = False
        self.libexec = self.directory / "libexec"
        self.fault = self.directory / "fault"
        self.record = self.directory / "record"
        self.options = ("--libexec", self.libexec)
        self.libexec.mkdir()
        for name in ("runtimed", "worker"):
            (self.libexec / f"thox-{name}").symlink_to(BUILD / name / f"thox-{name}")
        (self.libexec / "thox-logger").symlink_to(BUILD / "initd/thox-logger")
        self.wrap()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.is_own_directory = True
        self.destroy()

    def wrap(self, record=""):
        """Has storaged started with the shim; `record`: THOX_RECORD."""
        wrapper = self.libexec / "thox-storaged"
        wrapper.write_text(WRAPPER.format(self.directory, record, SHIM, BUILD))
        wrapper.chmod(0o755)

    def break_at(self, action, n):
        self.fault.write_text(f"{action} {n}")

    def has_broken(self):
        """Whether the call that was to fail was reached."""
        return not self.fault.exists()
