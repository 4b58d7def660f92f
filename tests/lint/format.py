#!/usr/bin/env python3
"""format.py - every C file as .clang-format has it.

usage: format.py ROOT

Exits with 77, which skips the test, where clang-format is not installed.
"""
import pathlib
import shutil
import subprocess
import sys

FOLDERS = ["bench", "initd", "libipc", "libthox", "runtimed", "storaged", "tests", "thoxctl", "worker"]


def main():
    root = pathlib.Path(sys.argv[1])
    program = shutil.which("clang-format")
    if not program:
        print("clang-format is not installed")
        return 77
    files = sorted(str(path.relative_to(root)) for folder in FOLDERS
                   for path in (root / folder).rglob("*.[ch]"))
    result = subprocess.run([program, "--dry-run", "-Werror", *files], cwd=root)
    if result.returncode != 0:
        print("format them: clang-format -i FILE", file=sys.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
