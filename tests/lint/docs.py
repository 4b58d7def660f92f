#!/usr/bin/env python3
"""Documents against code: every verb, flag and code of thoxctl is in its man page and completion,
every setting of thox.conf in its man page and the sample, every endpoint of docs/PROTOCOL.md is in a
daemon's table and the other way round, and every endpoint is granted or denied to ordinary programs.

usage: docs.py SOURCE-DIR THOXCTL
"""

import json
import pathlib
import re
import subprocess
import sys

ENDPOINT_FILES = ["initd/native*.c", "storaged/endpoints.c", "runtimed/endpoints.c"]
GRANT_FILES = ["storaged/data_endpoints.c"]
# { "name", handler, ...   { .name = "name", .handler = handler, ...   { k ".name", handler, ...
ROW = re.compile(
    r'\{[\s\\]*(k )?(?:\.name = )?"(\.?[a-z_.]+)",[\s\\]*(?:\.handler = )?[a-z]\w*,\s'
)
STORE_KINDS = r"^(program|library|runtime|props)\.(get|set|list|versions|rollback)$"


def in_code(root, patterns):
    names = set()
    for pattern in patterns:
        for path in root.glob(pattern):
            text = path.read_text()
            for kind, name in ROW.findall(text):
                names.add("K" + name if kind else re.sub(STORE_KINDS, r"K.\2", name))
    return names


def of_init(root):
    return set(re.findall(r'^serve\["([a-z.]+)"\]', (root / "runtimed/programs/init.lua").read_text(), re.M))


def in_protocol(root, heading):
    text = (root / "docs/PROTOCOL.md").read_text()
    section = text.split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([A-Za-z_.]+)` \|", section, re.MULTILINE))


def compare_endpoints(root, patterns, heading):
    code, protocol = in_code(root, patterns), in_protocol(root, heading)
    if "runtimed/endpoints.c" in patterns:
        code |= of_init(root)
    for name in sorted(code - protocol):
        yield f"docs/PROTOCOL.md: endpoint '{name}' is served but not documented"
    for name in sorted(protocol - code):
        yield f"docs/PROTOCOL.md: endpoint '{name}' is documented but nobody serves it"


# What `thoxctl run` without --admin leaves open. A new endpoint must be put on one side or the other.
GRANTED = {
    "alarm", "data.own", "log", "process.run", "process.restart", "process.ready", "process.kill",
    "service.list", "service.describe", "call.list", "handle.list", "library.image",
    "program.get", "program.list", "program.versions", "library.get", "library.list",
    "library.versions", "runtime.get", "runtime.list", "runtime.versions",
}


def classify_endpoints(root):
    """Every endpoint is either granted above or denied in libipc/denied.c, and not both."""
    table = re.search(r"denied_names\[\] = \{(.*?)\};", (root / "libipc/denied.c").read_text(), re.S)[1]
    denied = re.findall(r'"([^"]+)"', table)
    for row in sorted(in_code(root, ENDPOINT_FILES) | of_init(root)):
        is_stores = row.startswith("K.")
        for name in [k + row[1:] for k in ("program", "library", "runtime", "props")] if is_stores else [row]:
            is_denied = any(name == d or d.endswith("*") and name.startswith(d[:-1]) for d in denied)
            if is_denied == (name in GRANTED):
                verdict = "both granted and denied" if is_denied else "neither granted nor denied"
                yield f"endpoint '{name}' is {verdict} to a program of 'thoxctl run'"


def man_items(root):
    """The words after each .It of the man page, without macros."""
    text = (root / "docs/man/thoxctl.1").read_text()
    return [line[4:].split() for line in text.splitlines() if line.startswith(".It ")]


def man_flags(items):
    """Fl n , -lines Ar n → {n, -lines}"""
    flags = set()
    for words in items:
        flags.update(b for a, b in zip(words, words[1:] + [""]) if a == "Fl")
        flags.update(w for w in words if w.startswith("-"))
    return flags


def compare_thoxctl(root, help_document):
    items = man_items(root)
    flags = man_flags(items)
    verbs = {words[1] for words in items if words[0] == "Cm" and len(words) > 1}
    man_text = (root / "docs/man/thoxctl.1").read_text()
    completion = (root / "packaging/completion/thoxctl.bash").read_text()
    completed = set(re.findall(r"[\w-]+", completion))

    for verb in help_document["verbs"]:
        if verb["name"] not in verbs:
            yield f"thoxctl.1: no entry for verb '{verb['name']}'"
        for word in [verb["name"], *verb["aliases"]]:
            if word not in completed:
                yield f"thoxctl.bash: verb '{word}' is missing"
            if not re.search(rf"\bCm {word}\b", man_text):
                yield f"thoxctl.1: verb '{word}' is missing"
        if len(verb["examples"]) != 2:
            yield f"thoxctl {verb['name']} --help: needs two examples"
    all_flags = help_document["flags"] + [f for v in help_document["verbs"] for f in v["flags"]]
    for flag in all_flags:
        if "-" + flag["name"] not in flags:
            yield f"thoxctl.1: flag '--{flag['name']}' is missing"
        if "letter" in flag and flag["letter"] not in flags:
            yield f"thoxctl.1: flag '-{flag['letter']}' is missing"
        if "--" + flag["name"] not in completed:
            yield f"thoxctl.bash: flag '--{flag['name']}' is missing"
    documented = {words[0] for words in items}
    for code in help_document["codes"]:
        if code not in documented:
            yield f"thoxctl.1: code '{code}' is missing"


def settings_of(root, path):
    return set(re.findall(r'\{ "([a-z_.]+)", CONF_\w+,', (root / path).read_text()))


def in_manual(root, path):
    return set(re.findall(r"^\.It Ic (\S+)", (root / path).read_text(), re.M))


def compare_settings(root):
    names = settings_of(root, "initd/config.c")
    if not names:
        yield "initd/config.c: no table of settings found"
    manual = in_manual(root, "docs/man/thox.conf.5")
    # '#name = value;' and '#group: { name = value; other = value; };'
    sample = (root / "packaging/thox.conf.in").read_text()
    shown = re.findall(r"^#([a-z_]+) = ", sample, re.M)
    for group, members in re.findall(r"^#([a-z_]+): \{(.*)\};$", sample, re.M):
        shown += [f"{group}.{name}" for name in re.findall(r"([a-z_]+) = ", members)]
    for file, there in (("thox.conf.5", set(manual)), ("thox.conf.in", set(shown))):
        for name in sorted(names - there):
            yield f"{file}: setting '{name}' is missing"
        for name in sorted(there - names):
            yield f"{file}: there is no setting '{name}'"
    props = settings_of(root, "runtimed/props.c") - {"services"}
    for name in sorted(props ^ in_manual(root, "docs/man/thox-props.5")):
        yield f"thox-props.5: setting '{name}' is missing, or there is none"


def main():
    root, thoxctl = pathlib.Path(sys.argv[1]), sys.argv[2]
    shown = subprocess.run([thoxctl, "help", "--json"], check=True, capture_output=True, timeout=20)
    problems = [*compare_endpoints(root, ENDPOINT_FILES, "Native endpoints"),
                *compare_endpoints(root, GRANT_FILES, "Data grants"), *classify_endpoints(root), *compare_settings(root)]
    problems += compare_thoxctl(root, json.loads(shown.stdout))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
