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

    def write(self, connection, name, content):
        return connection.call("program.set", name, content)

    def read(self, connection, name):
        status, values = connection.call("program.get", name)
        if status == "NOTFOUND":
            return NOTHING
        if status != "OK":
            raise Wrong(f"reading {name}: {status} {values}")
        return values[0]


class Keys:
    """Keys of a data object, each with a double that is written in the same transaction."""

    def _call(self, connection, name, *args):
        """Through a handle, which ends with the storaged that gave it."""
        for _ in range(2):
            if not hasattr(connection, "data"):
                status, values = connection.call("data.open", "story")
                if status != "OK":
                    return status, values
                connection.data = values[0]
            status, values = connection.call(name, *args, handle=connection.data)
            if status != "BADCTX":
                break
            del connection.data
        return status, values

    def write(self, connection, key, value):
        op = {"op": "del"} if value is NOTHING else {"op": "set", "value": value}
        return self._call(connection, "txn", {"ops": [{**op, "key": key}, {**op, "key": key + " double"}]})

    def read(self, connection, key):
        found = []
        for name in (key, key + " double"):
            status, values = self._call(connection, "get", name)
            if status != "OK":
                raise Wrong(f"reading {name}: {status} {values}")
            found.append(values[0])
        if found[0] != found[1]:
            raise Wrong(f"{key}: half a transaction: {brief(found[0])}, {brief(found[1])}")
        return found[0]


class Releases:
    """Programs with their data, imported, and rolled back to what was imported before."""

    def __init__(self):
        self.versions = {}  # value → the version that has it, when that is known

    def write(self, connection, name, value):
        status = "NOTFOUND"
        if value in self.versions:
            status, values = connection.call("program.rollback", name, self.versions[value], {"data": True})
        if status == "NOTFOUND":  # also of a version that has not ended, because nothing came after it
            head = ["thox package", 1, name, 1, "-- " + value, "", 100, 1 << 26, value * 3]
            status, values = connection.call("program.import", None, *head, 1, "n", value)
        if status == "OK":
            self.versions[value] = values[0]
        return status, values

    def read(self, connection, name):
        status, values = connection.call("program.get", name)
        if status == "NOTFOUND":
            return NOTHING
        handle = connection.call("data.open", "program:" + name)[1][0]
        _, data = connection.call("get", "n", handle=handle)
        _, stream = connection.call("read", handle=handle)
        if status != "OK" or (values[0], stream[0]) != ("-- " + data[0], data[0] * 3):
            raise Wrong(f"half a release: {status} {brief(values)}, {brief(data)}, {brief(stream)}")
        return data[0]


class Everything:
    """All of them, in turn."""

    WRITES = [
        ("program a", "-- 1"), ("data a", "1"), ("program b", "-- " + "b" * 9000), ("program a", "-- 2"),
        ("data b", "b" * 9000), ("program b", NOTHING), ("data a", NOTHING), ("program c", "-- " + "c" * 200000),
        ("data c", "c" * 200000), ("program b", "-- 3"), ("release r", "1"), ("release r", "2" * 9000),
        ("data c", "4"), ("program c", "-- 4"), ("release r", "1"), ("release r", "2" * 9000), ("data a", "5"),
        ("program a", "-- " + "a" * 5000),
    ]

    def __init__(self):
        self.stores = {"program": Names(), "data": Keys(), "release": Releases()}

    def _find(self, key):
        kind, _, name = key.partition(" ")
        return self.stores[kind], name

    def write(self, connection, key, value):
        store, name = self._find(key)
        return store.write(connection, name, value)

    def read(self, connection, key):
        store, name = self._find(key)
        return store.read(connection, name)


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
