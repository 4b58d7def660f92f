"""client: a connection to a tree, written from docs/PROTOCOL.md alone.

One call at a time, each answered or ended by the loss of the connection, so that whoever records what
happened knows what is certain and what is not.
"""

import socket
import struct

FIXED64, BYTES, FIXED32 = 1, 2, 5  # protobuf's wire types
CALL, ANSWER, HELLO, REPLY, CAPS, MORE, VALUES = 4, 5, 16, 18, 100, 102, 2047
TAG_HANDLE = 0x74686F78
NATIVE = 1
FRAME_VALUES_BYTES = 128 << 10
END = object()
STATUSES = ["OK", "ERROR", "NOTBOUND", "BADCTX", "DENIED", "BADARGS", "BUSY", "CANCELLED", "DEAD", "TIMEOUT",
            "INCOMPAT", "NOTFOUND", "EXISTS", "LIMIT", "CONFLICT", "BADCID", "NOPROC", "BADCODE", "AGAIN",
            "UNAVAIL", "PROTO"]


class Lost(Exception):
    """The tree is gone, or was never there: what was asked may have been done."""


class Handle(int):
    """A context, as a value: this client's number for it."""


#
# Values: the CBOR that Lua's values travel in. Strings are bytes; here they are str, with surrogates
# for bytes that are no UTF-8.
#

def _head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for code, size in enumerate("BHIQ"):
        if n < 1 << 8 * struct.calcsize(size):
            return bytes([major << 5 | 24 + code]) + struct.pack(">" + size, n)
    raise ValueError(n)


def encode(value, handles):
    """One value; the handles in it are added to `handles`."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, Handle):
        handles.append(value)
        return _head(6, TAG_HANDLE) + _head(0, len(handles) - 1)
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        value = value.encode(errors="surrogateescape")
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, dict):
        items = [item for pair in value.items() for item in pair]
        return _head(5, len(value)) + b"".join(encode(item, handles) for item in items)
    return _head(4, len(value)) + b"".join(encode(item, handles) for item in value)


def _decode_items(data, at, n, handles):
    """`n` values, or those up to an end when n is None."""
    items = []
    while n is None or len(items) < n:
        value, at = decode(data, at, handles)
        if value is END:
            break
        items.append(value)
    return items, at


def decode(data, at, handles):
    """The value at `at`, and where the next one begins."""
    major, info, at = data[at] >> 5, data[at] & 31, at + 1
    if major == 7:
        if info == 27:
            return struct.unpack_from(">d", data, at)[0], at + 8
        return {20: False, 21: True, 22: None, 31: END}[info], at
    n = info
    if 24 <= info < 28:
        code = ">" + "BHIQ"[info - 24]
        n, at = struct.unpack_from(code, data, at)[0], at + struct.calcsize(code)
    if major in (0, 1):
        return (n if major == 0 else -1 - n), at
    if major in (2, 3):
        return data[at:at + n].decode(errors="surrogateescape"), at + n
    if major == 6:
        index, at = decode(data, at, handles)
        return Handle(handles[index]), at
    items, at = _decode_items(data, at, None if info == 31 else n * (major - 3), handles)
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), at


def decode_all(data, handles):
    values, at = [], 0
    while at < len(data):
        value, at = decode(data, at, handles)
        values.append(value)
    return values


#
# Frames: protobuf.
#

def _varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def _take_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 0x7f) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return n, at


def _field(number, content):
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _take_fields(data):
    """(number, content) of each field."""
    at = 0
    while at < len(data):
        tag, at = _take_varint(data, at)
        if tag & 7 == BYTES:
            n, at = _take_varint(data, at)
            content, at = data[at:at + n], at + n
        elif tag & 7 in (FIXED32, FIXED64):
            code = "<I" if tag & 7 == FIXED32 else "<Q"
            content, at = struct.unpack_from(code, data, at)[0], at + struct.calcsize(code)
        else:
            content, at = _take_varint(data, at)
        yield tag >> 3, content


def _frame(seq, body, content, caps=(), more=False, values=b""):
    frame = struct.pack("<BI", 1 << 3 | FIXED32, seq) + _field(body, content)
    for handle in caps:
        frame += _field(CAPS, struct.pack("<BI", 1 << 3 | FIXED32, handle))
    if more:
        frame += _varint(MORE << 3) + b"\1"
    if values:
        frame += _field(VALUES, values)
    return struct.pack("<II", len(frame), len(values)) + frame


class Client:
    """A client of the tree in a directory. With `timeout` seconds without a word it is Lost."""

    def __init__(self, directory, name="crash-test", timeout=20):
        self.seq, self.rest = 0, b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(f"{directory}/control")
            self._send(_frame(1, HELLO, b"\x08\1\x10\1" + _field(3, name.encode())))
            fields = dict(_take_fields(self._frame()))
        except OSError as error:
            self.close()
            raise Lost(str(error)) from None
        if REPLY in fields:
            self.close()
            raise Lost(f"not welcome: {fields[REPLY]}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def _send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Lost(str(error)) from None

    def _read(self, n):
        while len(self.rest) < n:
            try:
                data = self.socket.recv(1 << 20)
            except OSError as error:
                raise Lost(str(error)) from None
            if not data:
                raise Lost("the tree closed the connection")
            self.rest += data
        data, self.rest = self.rest[:n], self.rest[n:]
        return data

    def _frame(self):
        return self._read(struct.unpack("<II", self._read(8))[0])

    def _send_call(self, handle, name, args):
        caps = []
        values = b"".join(encode(arg, caps) for arg in args)
        parts = [values[i:i + FRAME_VALUES_BYTES] for i in range(0, len(values), FRAME_VALUES_BYTES)] or [b""]
        for i, part in enumerate(parts):
            flags = 2 if i > 0 else 0
            call = struct.pack("<BQBIBIBIBIBQBQ", 9, 0, 21, handle, 29, 0, 37, 0, 45, flags, 49, 0, 65, 0)
            is_last = i == len(parts) - 1
            self._send(_frame(self.seq, CALL, call + _field(7, name.encode()), caps if is_last else (),
                              not is_last, part))

    def call(self, name, *args, handle=NATIVE):
        """(status, values). Raises Lost: then the outcome is unknown."""
        self.seq += 1
        self._send_call(handle, name, args)
        values = b""
        while True:
            fields = list(_take_fields(self._frame()))
            found = dict(fields)
            if ANSWER not in found or found[1] != self.seq:
                continue
            values += found.get(VALUES, b"")
            if MORE in found:
                continue
            caps = [dict(_take_fields(content))[1] for number, content in fields if number == CAPS]
            status = dict(_take_fields(found[ANSWER]))[2]
            return STATUSES[status] if status < len(STATUSES) else status, decode_all(values, caps)
