"""history: what programs did to data and what they saw of it, and whether that can be right.

Nothing here knows of trees. Every operation that was acknowledged took effect at one moment between its
begin and its end; one whose outcome is unknown did so, or did not; one that was refused did not.
"""

ALWAYS, NEVER = float("-inf"), float("inf")
OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


class Op:
    """`writes` and `reads`: values by key; `adds`: amounts by key. What an operation that adds reads is the
    value after it, what one that writes reads the value before. Without an end its outcome is unknown."""

    def __init__(self, name, begin, writes=None, reads=None, adds=None):
        self.name, self.begin, self.end, self.outcome = name, begin, NEVER, UNKNOWN
        self.writes, self.reads, self.adds = writes or {}, reads or {}, adds or {}

    def finish(self, end, outcome, reads=None):
        self.end, self.outcome = end, outcome
        self.reads.update(reads or {})
        return self

    def touches(self, key):
        return key in self.writes or key in self.reads or key in self.adds

    def line(self, key):
        parts = [f"{word} {found[key]}" for word, found in
                 (("writes", self.writes), ("adds", self.adds), ("reads", self.reads)) if key in found]
        return f"{self.begin:.6f} {self.end:.6f} {self.name} {', '.join(parts)}: {self.outcome}"


def of_key(ops, key):
    """The history of one key, to be read."""
    return "\n".join(op.line(key) for op in sorted(ops, key=lambda op: op.begin) if op.touches(key))


class Zone:
    """The time in which a value must have been there: from the first end to the last begin of what wrote
    and read it. When all of them overlap, first_end is the later one, and one moment between was enough."""

    def __init__(self, value, begin, end, is_certain):
        self.value, self.begin, self.is_certain = value, begin, is_certain
        self.first_end, self.last_begin = end, begin

    def add_read(self, op):
        self.is_certain = True
        self.first_end = min(self.first_end, op.end)
        self.last_begin = max(self.last_begin, op.begin)

    def is_long(self):
        return self.first_end < self.last_begin

    def excludes(self, other):
        """Whether a long zone leaves no moment to the other."""
        low, high = sorted((other.first_end, other.last_begin))
        if other.is_long():
            return low < self.last_begin and self.first_end < high
        return self.first_end < low and high < self.last_begin


def check_register(key, ops, initial):
    """A value that is replaced, each written once: Gibbons and Korach, "Testing Shared Memories", 1997.
    Yields what is wrong."""
    zones, refused, replaced = {initial: Zone(initial, ALWAYS, ALWAYS, True)}, set(), set()
    for op in ops:
        if key in op.writes and op.outcome == REFUSED:
            refused.add(op.writes[key])
        elif key in op.writes:
            zones[op.writes[key]] = Zone(op.writes[key], op.begin, op.end, op.outcome == OK)
    for op in ops:
        if key not in op.reads or op.outcome != OK:
            continue
        value = op.reads[key]
        if value not in zones:
            yield f"{op.name} saw {value}, which was {'refused' if value in refused else 'never written'}"
            continue
        if op.end < zones[value].begin:
            yield f"{op.name} saw {value} before it was written"
        if key in op.writes and value in replaced:
            yield f"{op.name} replaced {value}, which had been replaced"
        if key in op.writes:
            replaced.add(value)
        zones[value].add_read(op)
    found = [zone for zone in zones.values() if zone.is_certain]
    for one in found:
        for other in found:
            if one is not other and one.is_long() and one.excludes(other):
                yield f"{one.value} was there before and after {other.value}"


def check_counter(key, ops, initial):
    """A number that is added to. Yields what is wrong."""
    adders = [op for op in ops if key in op.adds and op.outcome != REFUSED]
    results = {}
    for op in ops:
        if key not in op.reads or op.outcome != OK:
            continue
        low = high = initial
        for adder in adders:
            amount = adder.adds[key]
            if adder is op or adder.outcome == OK and adder.end < op.begin:
                low, high = low + amount, high + amount
            elif adder.begin <= op.end:
                low, high = low + min(amount, 0), high + max(amount, 0)
        if not low <= op.reads[key] <= high:
            yield f"{op.name} saw {op.reads[key]}, and it was {low} to {high}"
        if key in op.adds:
            other = results.setdefault(op.reads[key], op)
            if other is not op:
                yield f"{op.name} and {other.name} both counted to {op.reads[key]}"


def check_sum(keys, ops, total):
    """Amounts that move between keys. Yields what is wrong, for those that saw all of them at once."""
    for op in ops:
        if op.outcome == OK and all(key in op.reads for key in keys):
            seen = sum(op.reads[key] for key in keys)
            if seen != total:
                yield f"{op.name} saw {seen} in all, and it is {total}"
