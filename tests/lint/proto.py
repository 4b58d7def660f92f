#!/usr/bin/env python3
"""proto.py - what protobuf-c and the protocol cannot bear in proto/*.proto.

protobuf-c recurses once per nested message without a limit, so no message may contain itself, directly or
through others. Further: no required, map or group; no number or name used twice; `values` is the last field
of Frame.

usage: proto.py FILE...
"""
import re
import sys

FIELD = re.compile(r"^(?:(repeated|required|optional)\s+)?([\w.<>, ]+?)\s+(\w+)\s*=\s*(\d+)\s*(?:\[.*\])?$")
SCALARS = {"bool", "bytes", "string", "double", "float", "int32", "int64", "uint32", "uint64", "sint32",
           "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64"}


class Message:
    """One message: its fields as (number, name, type), and what is wrong with it."""

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.fields = []
        self.reserved = set()


def reserved_numbers(text):
    """The numbers of "reserved 2, 9 to 11;"."""
    numbers = set()
    for first, last in re.findall(r"(\d+)(?:\s+to\s+(\d+))?", text):
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def statements(path):
    """The file as (kind, text): "open" and "close" of blocks, and statements."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", file.read(), flags=re.S)
    for part in re.findall(r"[^{};]*[{};]", text):
        kind = {"{": "open", "}": "close", ";": "statement"}[part[-1]]
        yield kind, " ".join(part[:-1].split())


def read_field(message, text, problems):
    """One statement inside a message."""
    where = f"{message.path}: {message.name}"
    if text.startswith("reserved"):
        message.reserved |= reserved_numbers(text)
        return
    if text.startswith("map"):
        problems.append(f"{where}: '{text}': maps have no canonical order; use a repeated message")
        return
    match = FIELD.match(text)
    if not match:
        if not text.startswith("option"):
            problems.append(f"{where}: cannot read '{text}'")
        return
    label, kind, name, number = match.groups()
    if label == "required":
        problems.append(f"{where}.{name}: required can never be removed again; drop the word")
    message.fields.append((int(number), name, kind))


def read(path, problems):
    """All messages of one file. Oneofs belong to the message around them."""
    messages, stack = [], []
    for kind, text in statements(path):
        if kind == "open":
            word, _, name = text.partition(" ")
            if re.search(r"\bgroup\b", text):
                problems.append(f"{path}: '{text}': groups are not read by the scan; use a message")
            if word == "message" and stack:
                problems.append(f"{path}: {name} lies inside another message; move it to the top level")
            stack.append(Message(name, path) if word == "message" else None)
            if word == "message":
                messages.append(stack[-1])
        elif kind == "close":
            stack.pop()
        elif any(stack) and not (stack[-1] is None and text.startswith("option")):
            read_field(next(m for m in reversed(stack) if m), text, problems)
    return messages


def check_numbers(message, problems):
    """Numbers and names are unique and not reserved."""
    where = f"{message.path}: {message.name}"
    numbers, names = set(), set()
    for number, name, _ in message.fields:
        if number in numbers or number in message.reserved:
            problems.append(f"{where}.{name}: number {number} is taken; numbers are never reused")
        if name in names:
            problems.append(f"{where}.{name}: this name is taken")
        numbers.add(number)
        names.add(name)


def find_cycle(name, messages, path=()):
    """The names of a chain of messages that comes back to its start, or None."""
    if name in path:
        return path[path.index(name):] + (name,)
    for _, _, kind in messages[name].fields:
        kind = kind.split(".")[-1]
        if kind in messages:
            cycle = find_cycle(kind, messages, path + (name,))
            if cycle:
                return cycle
    return None


def check(paths):
    """All problems of the files, as sentences."""
    problems, messages = [], {}
    for path in paths:
        for message in read(path, problems):
            if message.name in messages:
                problems.append(f"{path}: message {message.name} exists twice")
            messages[message.name] = message
    for message in messages.values():
        check_numbers(message, problems)
        for _, name, kind in message.fields:
            if kind not in SCALARS and kind.split(".")[-1] not in messages:
                problems.append(f"{message.path}: {message.name}.{name}: unknown type {kind}")
        cycle = find_cycle(message.name, messages)
        if cycle:
            problems.append(f"{message.path}: {' > '.join(cycle)}: contains itself; a peer could nest it "
                            "until the reader's stack is full")
    frame = messages.get("Frame")
    if frame and max(frame.fields)[1] != "values":
        problems.append(f"{frame.path}: Frame.values must have the highest number: it is last on the wire")
    if not messages:
        problems.append("no message found: are these .proto files?")
    return problems


def main():
    """Prints the problems; 1 when there are any."""
    problems = check(sys.argv[1:])
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
