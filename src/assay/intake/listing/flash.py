"""Members of jffs2 and ubifs, read out of the logs of nodes that these file systems are.

Both keep old versions of a node until their block is erased: the one with the highest version
counts. Directory entries with inode number 0 say that a name was removed.
"""

import mmap
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assay.intake.listing.member import (
    CAPABILITY_ATTRIBUTE,
    MOST_MEMBERS,
    Member,
    granted_by,
    member,
    readable,
)

_ROOT = 1


@dataclass(slots=True)
class _Log:
    """The newest of each node: directory entries by parent and name, the rest by inode."""

    entries: dict[tuple[int, bytes], tuple[int, int]] = field(default_factory=dict)
    inodes: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    targets: dict[int, bytes] = field(default_factory=dict)
    attributes: dict[int, bytes] = field(default_factory=dict)

    def enter(self, parent: int, name: bytes, version: int, inode: int) -> None:
        known = self.entries.get((parent, name))
        if (known is None or version >= known[0]) and len(self.entries) < MOST_MEMBERS:
            self.entries[parent, name] = (version, inode)

    def describe(self, inode: int, version: int, mode: int, uid: int, gid: int) -> bool:
        known = self.inodes.get(inode)
        newest = known is None or version >= known[0]
        if newest:
            self.inodes[inode] = (version, mode, uid, gid)
        return newest

    def members(self) -> dict[str, Member]:
        """Paths from the root downwards; a directory is entered once."""
        below: dict[int, list[tuple[bytes, int]]] = {}
        for (parent, name), (_, inode) in self.entries.items():
            if inode:
                below.setdefault(parent, []).append((name, inode))
        found: dict[str, Member] = {}
        pending = [("", _ROOT)]
        while pending:
            prefix, folder = pending.pop()
            for name, inode in below.pop(folder, []):
                path = prefix + readable(name)
                if inode in self.inodes:
                    found[path] = self._member(inode)
                pending.append((f"{path}/", inode))
        return found

    def _member(self, inode: int) -> Member:
        _, mode, uid, gid = self.inodes[inode]
        attribute = self.attributes.get(inode)
        granted = granted_by(attribute) if attribute else []
        return member(mode, uid, gid, self.targets.get(inode), granted)


# Linux, include/uapi/linux/jffs2.h. Types without the feature bits.
_JFFS2_MAGIC = 0x1985
_JFFS2_ACCURATE = 0x2000  # cleared when the node is obsolete
_JFFS2_ENTRY, _JFFS2_INODE, _JFFS2_ATTRIBUTE, _JFFS2_REFERENCE = 1, 2, 8, 9
_JFFS2_SECURITY = 2  # prefix number of "security." (fs/jffs2/xattr.h)
_JFFS2_UNCOMPRESSED, _JFFS2_ZLIB = 0, 6
_JFFS2_NODE = 12


def list_jffs2(path: Path) -> dict[str, Member]:
    """Members of a jffs2 of either end."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = "<" if data[:2] == b"\x85\x19" else ">"
        log = _Log()
        values: dict[int, bytes] = {}
        references: list[tuple[int, int]] = []
        for kind, at, size in _jffs2_nodes(data, end):
            node = data[at : at + size]
            if kind == _JFFS2_ENTRY:
                parent, version, inode, _, length = struct.unpack_from(f"{end}4IB", node, 12)
                log.enter(parent, node[40 : 40 + length], version, inode)
            elif kind == _JFFS2_INODE:
                _jffs2_inode(log, node, end)
            elif kind == _JFFS2_ATTRIBUTE:
                number, _, prefix, name, value = struct.unpack_from(f"{end}IIBBH", node, 12)
                start = 32 + name + 1
                if prefix == _JFFS2_SECURITY and node[32 : 32 + name] == b"capability":
                    values[number] = node[start : start + value]
            elif kind == _JFFS2_REFERENCE:
                references.append(struct.unpack_from(f"{end}II", node, 12))
        log.attributes = {inode: values[number] for inode, number in references if number in values}
        return log.members()


def _jffs2_nodes(data: mmap.mmap, end: str) -> Iterator[tuple[int, int, int]]:
    """Kind, offset and size of each node whose header's checksum holds."""
    magic = struct.pack(f"{end}H", _JFFS2_MAGIC)
    at = data.find(magic)
    while 0 <= at <= len(data) - _JFFS2_NODE:
        _, kind, size, check = struct.unpack_from(f"{end}HHII", data, at)
        good = ~zlib.crc32(data[at : at + 8], 0xFFFFFFFF) & 0xFFFFFFFF == check
        if at % 4 or not good or size < _JFFS2_NODE or at + size > len(data):
            at = data.find(magic, at + 1)
            continue
        if kind & _JFFS2_ACCURATE:
            yield kind & 0xFF, at, size
        at = data.find(magic, at + size)


def _jffs2_inode(log: _Log, node: bytes, end: str) -> None:
    inode, version, mode, uid, gid, size = struct.unpack_from(f"{end}IIIHHI", node, 12)
    if log.describe(inode, version, mode, uid, gid) and stat.S_ISLNK(mode):
        stored = node[56]
        if stored == _JFFS2_UNCOMPRESSED:
            log.targets[inode] = node[68 : 68 + size]
        elif stored == _JFFS2_ZLIB:
            log.targets[inode] = zlib.decompress(node[68:], bufsize=size)


# Linux, fs/ubifs/ubifs-media.h; always little-endian.
_UBIFS_MAGIC = b"\x31\x18\x10\x06"
_UBIFS_NODE = 24
_UBIFS_INODE, _UBIFS_ENTRY, _UBIFS_ATTRIBUTE = 0, 2, 3
_UBIFS_INODE_DATA = 160
_UBIFS_ENTRY_NAME = 56
_UBIFS_LEAST = {
    _UBIFS_INODE: _UBIFS_INODE_DATA,
    _UBIFS_ENTRY: _UBIFS_ENTRY_NAME,
    _UBIFS_ATTRIBUTE: _UBIFS_ENTRY_NAME,
}


def list_ubifs(path: Path) -> dict[str, Member]:
    """Members of an ubifs."""
    log = _Log()
    attributes: dict[int, int] = {}
    values: dict[int, bytes] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for kind, version, node in _ubifs_nodes(data):
            (parent,) = struct.unpack_from("<I", node, 24)
            if kind == _UBIFS_INODE:
                uid, gid, mode = struct.unpack_from("<3I", node, 96)
                (length,) = struct.unpack_from("<I", node, 112)
                if log.describe(parent, version, mode, uid, gid):
                    values[parent] = node[_UBIFS_INODE_DATA : _UBIFS_INODE_DATA + length]
                continue
            (inode,) = struct.unpack_from("<Q", node, 40)
            (length,) = struct.unpack_from("<H", node, 50)
            name = node[_UBIFS_ENTRY_NAME : _UBIFS_ENTRY_NAME + length]
            if kind == _UBIFS_ENTRY:
                log.enter(parent, name, version, inode)
            elif name == CAPABILITY_ATTRIBUTE.encode():
                attributes[parent] = inode
    log.targets = values
    log.attributes = {
        inode: values[holder] for inode, holder in attributes.items() if holder in values
    }
    return log.members()


def _ubifs_nodes(data: mmap.mmap) -> Iterator[tuple[int, int, bytes]]:
    """Kind, sequence number and bytes of the nodes that describe files."""
    at = data.find(_UBIFS_MAGIC)
    while 0 <= at <= len(data) - _UBIFS_NODE:
        check, version, size, kind = struct.unpack_from("<IQIB", data, at + 4)
        node = data[at : at + size]
        whole = _UBIFS_NODE <= size == len(node)
        if at % 8 or not whole or ~zlib.crc32(node[8:]) & 0xFFFFFFFF != check:
            at = data.find(_UBIFS_MAGIC, at + 1)
            continue
        if size >= _UBIFS_LEAST.get(kind, size + 1):
            yield kind, version, node
        at = data.find(_UBIFS_MAGIC, at + size)
