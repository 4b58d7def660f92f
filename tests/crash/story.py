"""story: a program of writes, what they answered, and whether the store may hold what it holds.

A write that is answered OK has happened. One that is refused has not. One whose answer never came, or
is DEAD, may have: then either is right, until a reading says which.
"""

import client

# Says that storaged was not there to be asked.
ABSENT = "UNAVAIL"
UNKNOWN = ("DEAD", "lost")
NOTHING = None


class Wrong(Exception):
    """The store did what it must not."""


class Names:
    """Programs, by name; what is stored must be source."""

    WRITES = [
        ("a", "-- 1"), ("b", "-- " + "b" * 9000), ("a", "-- 2"), ("b", NOTHING), ("c", "-- " + "c" * 200000),
        ("b", "-- 3"), ("c", "-- 4"), ("a", "-- " + "a" * 5000),
    ]

    def write(self, connection, name, content):
        return connection.call("program.set", name, content)

    def read(self, connection, name):
        status, values = connection.call("program.get", name)
        if status == "NOTFOUND":
            return NOTHING
        if status != "OK":
            raise Wrong(f"reading {name}: {status} {values}")
        return values[0]


class Story:
    """Writes through one connection after the other, as trees come and go."""

    def __init__(self, store, refusals=()):
        self.store = store
        self.refusals = refusals  # statuses that a write may get because of what was done to the disk
        self.allowed = {key: [NOTHING] for key, _ in store.WRITES}
        self.rest = list(store.WRITES)
        self.outcomes = []

    def write_next(self, connection):
        """One write; raises client.Lost when the connection ends with it."""
        key, value = self.rest.pop(0)
        try:
            status, values = self.store.write(connection, key, value)
        except client.Lost:
            self.settle(key, value, "lost")
            raise
        if status == ABSENT:
            self.rest.insert(0, (key, value))
            return False
        self.settle(key, value, status, values)
        return True

    def settle(self, key, value, status, values=()):
        self.outcomes.append(status)
        was_none = status == "NOTFOUND" and value is NOTHING and NOTHING in self.allowed[key]
        if status == "OK" or was_none:
            self.allowed[key] = [value]
        elif status in UNKNOWN:
            self.allowed[key] = [*self.allowed[key], value]
        elif status not in self.refusals:
            raise Wrong(f"writing {key}: {status} {values}")

    def check(self, connection):
        """Reads everything; what is there is all that is right from now on."""
        for key, allowed in self.allowed.items():
            value = self.store.read(connection, key)
            if value not in allowed:
                raise Wrong(f"{key} is {brief(value)}, and may be {', '.join(map(brief, allowed))}")
            self.allowed[key] = [value]


def brief(value):
    text = repr(value)
    return text if len(text) < 40 else f"{text[:20]}... ({len(text)})"
