#!/usr/bin/env python3
"""layers.py - the include rule of docs/STYLE.md, and one file per foreign thing.

usage: layers.py ROOT
"""
import pathlib
import re
import sys

# folder: what it may include of ours
LAYERS = {
    "libipc/base": {"libipc/base"},
    "libipc": {"libipc", "libipc/base", "proto"},
    "initd": {"initd", "libipc", "libipc/base", "proto"},
    "storaged": {"storaged", "libipc", "libipc/base", "proto"},
    "runtimed": {"runtimed", "libipc", "libipc/base", "proto"},
    "worker": {"worker", "libipc", "libipc/base", "proto"},
    "thoxctl": {"thoxctl", "libipc", "libipc/base", "proto"},
    "libthox": {"libthox", "libipc", "libipc/base", "proto"},
}

# what, a pattern over code without comments and strings' contents, who may
FOREIGN = [
    ("libevent", r"#\s*include\s*<(event2/|event\.h)", {"libipc/loop.c"}),
    ("protobuf-c's pack and unpack", r"\bthox__\w+__(pack|unpack|free_unpacked|get_packed_size)\w*\s*\(|"
     r"\bprotobuf_c_message_(pack|unpack|get_packed_size|free_unpacked)\w*\s*\(", {"libipc/wire.c"}),
    ("processes", r"(?<![\w.>])(fork|vfork|clone|clone3|kill|killpg|waitpid|waitid|wait4|execve|execv|execvp|"
     r"fexecve|posix_spawn|pidfd_send_signal)\s*\(|\bSYS_(clone3?|pidfd_send_signal|waitid)\b",
     # child.c, because LMDB aborts on what it does not understand: a store that may be damaged is read there first
     {"initd/spawn.c", "worker/zygote.c", "storaged/child.c",
      # without a tree, thox-storaged does what thoxctl was asked for, in its place
      "thoxctl/offline.c"}),
    ("libconfig", r"#\s*include\s*<libconfig", {"libipc/base/conf.c"}),
    ("lmdb", r"#\s*include\s*(<lmdb\.h>|\"storaged/env\.h\")",
     {"storaged/env.h", "storaged/env.c", "storaged/disk.c", "storaged/check.c", "storaged/copy.c"}),
    ("Lua", r"#\s*include\s*<(lua5\.4/)?(lua|lauxlib|lualib|luaconf)\.h>", {"worker/", "runtimed/compile.c"}),
    ("ncurses", r"#\s*include\s*<n?curses", {"thoxctl/screen.c"}),
    ("libedit", r"#\s*include\s*<(histedit|editline)", {"thoxctl/line.c"}),
    ("libseccomp", r"#\s*include\s*<seccomp\.h>", {"worker/filter.c"}),
    ("sd_notify", r"\bsd_notifyf?\s*\(|#\s*include\s*<systemd/", {"initd/notify.c"}),
]

# Conditional includes, which are indented behind their '#', keep to the layers and to no order.
INCLUDE = re.compile(r'^#(\s*)include\s*([<"])([^>"]+)[>"]', re.M)
CODE_LINES_MAX = 800


def strip(text):
    """The text without comments and without what strings hold; include lines stay."""
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    lines = []
    for line in text.split("\n"):
        lines.append(line if "#" in line and "include" in line
                     else re.sub(r'"(?:\\.|[^"\\])*"', '""', line))
    return "\n".join(lines)


def layer_of(path):
    """The folder of the rule that a path belongs to, or None."""
    folder = path.rsplit("/", 1)[0] if "/" in path else ""
    while folder and folder not in LAYERS and folder != "proto":
        folder = folder.rpartition("/")[0]
    return folder or None


def check_layer(path, name, problems):
    """One include of ours."""
    layer, target = layer_of(path), layer_of(name)
    if target is None:
        problems.append(f'{path}: "{name}": write includes of ours from the root')
    elif target not in LAYERS[layer]:
        problems.append(f'{path}: may not include "{name}": {layer} stands on '
                        f"{', '.join(sorted(LAYERS[layer]))} alone")


def check_includes(path, text, problems):
    """Directions of the include rule, and the order own, system, ours."""
    own = re.sub(r"\.c$", ".h", path)
    previous = {"<": "", '"': ""}
    for i, (indent, kind, name) in enumerate(INCLUDE.findall(text)):
        if kind == '"':
            check_layer(path, name, problems)
        if name == own:
            if i > 0:
                problems.append(f"{path}: its own header {name} must be included first")
            continue
        if indent:
            continue
        if kind == "<" and previous['"']:
            problems.append(f"{path}: <{name}> comes after headers of ours; system headers go first")
        if name < previous[kind]:
            problems.append(f"{path}: {name} should stand before {previous[kind]} (sorted)")
        previous[kind] = name


def check_foreign(path, text, problems):
    """Who uses what only one file may use."""
    for what, pattern, allowed in FOREIGN:
        if any(path == a or (a.endswith("/") and path.startswith(a)) for a in allowed):
            continue
        match = re.search(pattern, text)
        if match:
            line = text.count("\n", 0, match.start()) + 1
            problems.append(f"{path}:{line}: {what} ({match.group().strip()}) belongs to "
                            f"{' and '.join(sorted(allowed))} alone")


def check(root):
    """All problems below the root, as sentences, and the number of files."""
    problems, n_files = [], 0
    for folder in sorted({layer.split("/")[0] for layer in LAYERS}):
        for file in sorted((root / folder).rglob("*.[ch]")):
            path = file.relative_to(root).as_posix()
            text = file.read_text(encoding="utf-8")
            n_files += 1
            if text.count("\n") > CODE_LINES_MAX:
                problems.append(f"{path}: longer than {CODE_LINES_MAX} lines: it holds more than one noun")
            code = strip(text)
            check_includes(path, code, problems)
            check_foreign(path, code, problems)
    if n_files == 0:
        problems.append(f"{root}: no source found: is this the root of the project?")
    return problems


def main():
    """Prints the problems; 1 when there are any."""
    problems = check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
