#!/usr/bin/env python3
"""Adds up test logs of meson and prints one line, "N passed, N failed". Exits with 1 when a test failed,
a log is missing, or there was no test at all.

usage: totals.py TESTLOG.json...
"""

import json
import re
import sys

# A program that speaks TAP counts as many times as it has results.
TAP_RESULT = re.compile(r"^(not )?ok\b(?!.*#\s*skip)", re.MULTILINE | re.IGNORECASE)


def count(test):
    """(passed, failed) of one program; a skipped one is neither."""
    if test["result"] == "SKIP":
        return 0, 0
    results = TAP_RESULT.findall(test.get("stdout", ""))
    failed = sum(1 for negation in results if negation)
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        # It may have crashed, leaked or hung with all its results good.
        return len(results) - failed, max(failed, 1)
    return max(len(results), 1), 0


def main():
    passed = failed = 0
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8", errors="replace") as log:
                counts = [count(json.loads(line)) for line in log]
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            counts = [(0, 1)]
        passed += sum(c[0] for c in counts)
        failed += sum(c[1] for c in counts)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
