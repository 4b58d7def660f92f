"""machine: what a crash of the machine may leave of files, worked out from a record of what was done
to them (record.h).

The model is what POSIX promises, on a disk that writes sectors whole: bytes are kept when their file was
synced after they were written (or was opened to be synced always), and else may be there or not, sector
by sector, whatever came later. Names are kept when their directory was synced after they changed, and
else changes are lost from some point on.
"""

import pathlib

SECTOR = 512


class Op:
    """One line of the record. `end` is where the record was when it had been done."""

    def __init__(self, words, data, end):
        self.verb, self.words, self.data, self.end = words[0], words[1:], data, end

    def inode(self):
        return int(self.words[0])

    def is_synced(self):
        return self.verb == "write" and self.words[3] == "1"


def read_record(path):
    text, at, ops = pathlib.Path(path).read_bytes(), 0, []
    while at < len(text):
        end = text.index(b"\n", at)
        words, at = text[at:end].decode().split(" "), end + 1
        size = int(words[3]) if words[0] == "write" else 0
        ops.append(Op(words, text[at:at + size], at + size))
        at += size
    return ops


class Files:
    """Contents by inode, and names."""

    def __init__(self):
        self.contents, self.names = {}, {}  # path -> inode; None: a directory

    def change_names(self, op):
        if op.verb == "create":
            self.names.setdefault(op.words[1], op.inode())
        elif op.verb == "mkdir":
            self.names[op.words[1]] = None
        elif op.verb in ("unlink", "rmdir"):
            self.names.pop(op.words[0], None)
        else:
            path, to = op.words
            for name in [name for name in self.names if f"{name}/".startswith(f"{path}/")]:
                self.names[to + name[len(path):]] = self.names.pop(name)

    def write(self, inode, offset, data):
        content = self.contents.setdefault(inode, bytearray())
        content.extend(bytes(max(0, offset + len(data) - len(content))))
        content[offset:offset + len(data)] = data

    def apply(self, op, keep=lambda: True):
        """`keep` is asked for each sector of a write."""
        if op.verb == "length":
            content = self.contents.setdefault(op.inode(), bytearray())
            size = int(op.words[1])
            del content[size:]
            content.extend(bytes(size - len(content)))
        elif op.verb == "write":
            start, at = int(op.words[1]), 0
            while at < len(op.data):
                n = SECTOR - (start + at) % SECTOR
                if keep():
                    self.write(op.inode(), start + at, op.data[at:at + n])
                at += n
        else:
            self.change_names(op)

    def put(self, root, to):
        """Writes those that can be reached below `root` to the directory `to`."""
        for path, inode in sorted(self.names.items()):
            target = pathlib.Path(to) / pathlib.Path(path).relative_to(root)
            if not target.parent.exists():
                continue
            if inode is None:
                target.mkdir()
            else:
                target.write_bytes(self.contents.get(inode, b""))


class Crash:
    """A crash of the machine when `ops` had been begun, the last of them perhaps not finished."""

    def __init__(self, ops, folders):
        self.ops = ops
        self.folders = dict(folders)  # path -> inode of directories
        self.synced = {}  # inode -> index of its last sync
        for i, op in enumerate(ops):
            if op.verb == "sync":
                self.synced[op.inode()] = i
            elif op.verb == "mkdir":
                self.folders[op.words[1]] = op.inode()
            elif op.verb == "rename" and op.words[0] in self.folders:
                self.folders[op.words[1]] = self.folders[op.words[0]]

    def is_certain(self, i):
        op = self.ops[i]
        if op.verb in ("write", "length"):
            inode = op.inode()
            return (op.is_synced() and i < len(self.ops) - 1) or self.synced.get(inode, -1) > i
        path = op.words[-1]
        return self.synced.get(self.folders.get(path.rpartition("/")[0]), -1) > i

    def files(self, choose):
        """What is left. `choose()` decides whatever is in doubt: True, it was kept."""
        files, names_go_on = Files(), True
        for i, op in enumerate(self.ops):
            if op.verb == "sync":
                continue
            if self.is_certain(i):
                files.apply(op)
            elif op.verb == "write":
                files.apply(op, choose)
            elif op.verb == "length":
                if choose():
                    files.apply(op)
            else:
                names_go_on = names_go_on and choose()
                if names_go_on:
                    files.apply(op)
        return files
