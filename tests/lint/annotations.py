#!/usr/bin/env python3
"""The annotations for language servers (worker/lua/thox.d.lua) against the code and the manual: what a
program finds in `os` and in the objects it gets from there is annotated, what is annotated is there, and
parameters are as many as the code or thox-api(7) says.

What is there comes from tests/scenarios/golden/environment.txt, which the scenario 15_environment compares
with a real program, from the tables of methods in worker/api_*.c, and from the prelude.

usage: annotations.py SOURCE-DIR
"""

import pathlib
import re
import sys

FILE = "worker/lua/thox.d.lua"
STOCK = {"time", "clock", "date", "difftime"}  # language servers know these


class Annotations:
    """What thox.d.lua says: functions as path → parameters, and the fields of classes."""

    def __init__(self, text):
        self.functions, self.fields, self.problems = {}, {}, []
        params, class_name = [], None
        for line in text.splitlines():
            tag = re.match(r"---@(param|class|field) (\[?[\w.]+\]?|\.\.\.)", line)
            if tag and tag[1] == "param":
                params.append(tag[2])
            elif tag and tag[1] == "class":
                class_name = tag[2]
                self.fields[class_name] = {}
            elif tag:
                self.fields[class_name][tag[2]] = line
            elif line.startswith("function "):
                self.add_function(line, params)
                params = []
            elif line.startswith("os.") and " = " in line:
                names, values = line.split(" = ")
                for name, value in zip(names.split(", "), values.split(", ")):
                    self.functions[name] = self.functions[value]
            elif not line.startswith("--"):
                params = []

    def add_function(self, line, params):
        path, signature = re.match(r"function ([\w.:]+)\((.*)\) end", line).groups()
        signature = [p for p in signature.split(", ") if p]
        if signature != params:
            self.problems.append(f"{FILE}: {path}({', '.join(signature)}) has @param lines for "
                                 f"({', '.join(params)}): one for each parameter, in their order")
        self.functions[path] = signature

    def names_in(self, prefix):
        return {path[len(prefix):] for path in self.functions if path.startswith(prefix)}


def compare(there, annotated, prefix, source):
    """Names against names; problems as sentences."""
    how = "add a ---@field line" if " " in prefix else "add it with its @param and @return lines"
    for name in sorted(there - annotated):
        yield f"{FILE}: {prefix}{name} is missing ({source} has it): {how}"
    for name in sorted(annotated - there):
        yield f"{FILE}: {prefix}{name} is annotated and does not exist ({source} has none): remove it"


def compare_os(root, annotations):
    golden = "tests/scenarios/golden/environment.txt"
    lines = (root / golden).read_text(encoding="utf-8").splitlines()
    found = dict(re.match(r"os\.(\w+) (\w+)$", line).groups() for line in lines
                 if re.match(r"os\.\w+ \w+$", line))
    functions = {name for name, kind in found.items() if kind == "function"} - STOCK
    yield from compare(functions, annotations.names_in("os."), "os.", golden)
    values = {name for name, kind in found.items() if kind != "function"}
    yield from compare(values, set(annotations.fields["oslib"]), "field of oslib: ", golden)


def compare_methods(root, annotations):
    n_classes = 0
    for path in sorted((root / "worker").glob("api_*.c")):
        text = path.read_text(encoding="utf-8")
        for table, name in re.findall(r'api_new_class\(L, (?:\w+), "(\w+)", (\w+),', text):
            rows = re.search(rf"luaL_Reg {name}\[\] = \{{(.*?)\n\s*\}};", text, re.S)[1]
            methods = set(re.findall(r'\{ "(\w+)", ', rows))
            n_classes += 1
            yield from compare(methods, annotations.names_in(table + ":"), table + ":", f"worker/{path.name}")
    if n_classes == 0:
        yield "worker/api_*.c: no class found: how are they made now?"


def compare_lua_methods(root, annotations):
    """Methods that are written in Lua, with their parameters."""
    for path in sorted((root / "worker/lua").glob("*.lua")):
        if path.name == "thox.d.lua":
            continue
        methods = {}
        for table, name, params in re.findall(r"^function (\w+):(\w+)\((.*)\)$", path.read_text(encoding="utf-8"), re.M):
            methods.setdefault(table, {})[name] = [p for p in params.split(", ") if p]
        for table, found in methods.items():
            prefix = table + ":"
            yield from compare(set(found), annotations.names_in(prefix), prefix, f"worker/lua/{path.name}")
            for name, params in found.items():
                have = annotations.functions.get(prefix + name, params)
                if have != params:
                    yield f"{FILE}: {prefix}{name}({', '.join(have)}) is ({', '.join(params)}) in worker/lua/{path.name}"


def lua_functions(root):
    """Functions of the prelude as name → parameters."""
    functions = {}
    for path in sorted((root / "worker/lua").glob("*.lua")):
        if path.name != "thox.d.lua":
            for name, params in re.findall(r"^local function (\w+)\((.*)\)$", path.read_text(encoding="utf-8"), re.M):
                functions[name] = [p for p in params.split(", ") if p]
    return functions


def exported(root):
    """os.NAME → the prelude's name of that function: `os.kill, os.ready = kill, ready`."""
    for path in sorted((root / "worker/lua").glob("*.lua")):
        for names, values in re.findall(r"^ +(os\.\w+(?:, os\.\w+)*) = ([\w, ]+)$", path.read_text(encoding="utf-8"), re.M):
            yield from zip(names.split(", "), values.split(", "))


def compare_lua_parameters(root, annotations):
    functions = lua_functions(root)
    for name, value in exported(root):
        want, have = functions.get(value), annotations.functions.get(name)
        if want is not None and have is not None and want != have:
            yield f"{FILE}: {name}({', '.join(have)}) is {value}({', '.join(want)}) in the prelude"


def manual_counts(root):
    """Function → how many parameters each of its forms in thox-api(7) has; a table is one."""
    counts = {}
    for line in (root / "docs/man/thox-api.7").read_text(encoding="utf-8").splitlines():
        form = re.match(r'\.It (?:Ic "([\w.:]+)\((.*)\)"|Fn ([a-z_]+[.:][a-z_]+)(?: (.*))?)$', line)
        if not form:
            continue
        name, params = form[1] or form[3], form[2] if form[1] else form[4] or ""
        params = re.sub(r"\{.*?\}", "table", params.replace('"', ""))
        counts.setdefault(name, set()).add(len(re.findall(r"[\w.]+", params)))
    return counts


def compare_manual(root, annotations):
    counts = manual_counts(root)
    if not counts:
        yield "docs/man/thox-api.7: no function found"
    for name, forms in sorted(counts.items()):
        have = annotations.functions.get(name)
        if have is not None and len(have) not in forms:
            wanted = " or ".join(str(n) for n in sorted(forms))
            yield f"{FILE}: {name} has {len(have)} parameters, in docs/man/thox-api.7 it has {wanted}"


def compare_keys(root, annotations):
    """Options of os.run, and types of events."""
    prelude = "".join(p.read_text(encoding="utf-8") for p in sorted((root / "worker/lua").glob("*.lua")))
    options = re.search(r"local run_options = \{(.*?)\}", prelude, re.S)[1]
    yield from compare(set(re.findall(r"(\w+) = true", options)), set(annotations.fields["thox.RunOptions"]),
                       "field of thox.RunOptions: ", "run_options of the prelude")
    names = re.search(r"event_type_names\[\] = \{(.*?)\};", (root / "worker/event.c").read_text(encoding="utf-8"), re.S)[1]
    types = set(re.findall(r'"(\w+)"', names)) - {"reply"}
    annotated = set(re.findall(r'"(\w+)"', annotations.fields["thox.Event"]["type"]))
    yield from compare(types, annotated, "field type of thox.Event: ", "worker/event.c")


def main():
    root = pathlib.Path(sys.argv[1])
    annotations = Annotations((root / FILE).read_text(encoding="utf-8"))
    problems = annotations.problems
    for check in (compare_os, compare_methods, compare_lua_methods, compare_lua_parameters, compare_manual, compare_keys):
        problems += check(root, annotations)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
