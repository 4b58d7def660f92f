#!/usr/bin/env python3
"""Promises against tests: every feature row that docs/TESTING.md says is held has a test that names it.

Tests name rows in a comment or in a result's name: "row 42", "rows 1, 2". TESTING.md lists the rows held
under the heading "Rows held", one row per line of a table, beginning with its number.

usage: rows.py SOURCE-DIR
"""

import pathlib
import re
import sys

NAMED = re.compile(r"\b[Rr]ows? (\d+(?:(?:, | and )\d+)*)")
SUFFIXES = {".c", ".lua", ".py"}


def rows_held(text):
    section = text.split("\n## Rows held\n")[1].split("\n## ")[0]
    return [int(row) for row in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]


def rows_tested(root):
    tested = {}
    for path in sorted((root / "tests").rglob("*")):
        if path.suffix not in SUFFIXES or "lint" in path.parts:
            continue
        for match in NAMED.finditer(path.read_text(encoding="utf-8")):
            for row in re.findall(r"\d+", match[1]):
                tested.setdefault(int(row), set()).add(path.stem)
    return tested


def main():
    root = pathlib.Path(sys.argv[1])
    held = rows_held((root / "docs/TESTING.md").read_text(encoding="utf-8"))
    tested = rows_tested(root)
    problems = [f"row {row} is said to be held, and no test names it" for row in held if row not in tested]
    if not held:
        problems.append("docs/TESTING.md lists no row")
    if held != sorted(set(held)):
        problems.append("the rows of docs/TESTING.md are not in order, or one is there twice")
    for problem in problems:
        print(problem)
    print(f"{len(held)} rows held, {len(tested)} named by tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
