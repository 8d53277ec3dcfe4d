"""Members of squashfs: its own tables for version 4, `unsquashfs -ll` for older ones.

Source of the layout: Linux, fs/squashfs/squashfs_fs.h and Documentation/filesystems/squashfs.rst.
What the tables do not tell (a vendor's own compressor) is left to `unsquashfs`, whose listing
lacks capabilities and confuses names that hold a newline.
"""

import lzma
import mmap
import re
import stat
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import lz4.block  # type: ignore[import-untyped]  # it has no stubs
import lzallright
import zstandard

from assay.intake.listing.member import (
    MOST_MEMBERS,
    NAME_LIMIT,
    Member,
    granted_by,
    member,
    readable,
)

_SUPERBLOCK = struct.Struct("<5I6H8Q")
_MAGIC = 0x73717368
_BLOCK = 8192
_UNCOMPRESSED = 1 << 15
_NONE = 0xFFFFFFFF
_NO_TABLE = (1 << 64) - 1
_SECURITY = 2
_OUT_OF_LINE = 1 << 8
_DIRECTORY, _SYMLINK = 1, 3
# type of inode → bytes of its own behind the common header, and where in them its xattr index is
_BASIC = {1: 16, 2: 16, 3: 8, 4: 8, 5: 8, 6: 4, 7: 4}
_EXTENDED = {
    8: (24, 20),
    9: (40, 36),
    10: (8, -1),
    11: (12, 8),
    12: (12, 8),
    13: (8, 4),
    14: (8, 4),
}
_TYPE_BITS = (
    0,
    stat.S_IFDIR,
    stat.S_IFREG,
    stat.S_IFLNK,
    stat.S_IFBLK,
    stat.S_IFCHR,
    stat.S_IFIFO,
    stat.S_IFSOCK,
)
_EXTENDED_BY = 7

_DECOMPRESS: dict[int, Callable[[bytes], bytes]] = {
    1: lambda raw: zlib.decompressobj().decompress(raw, _BLOCK),
    2: lambda raw: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(raw, _BLOCK),
    3: lambda raw: lzallright.LZOCompressor.decompress(raw, _BLOCK),
    4: lambda raw: lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(raw, _BLOCK),
    5: lambda raw: lz4.block.decompress(raw, uncompressed_size=_BLOCK),
    6: lambda raw: zstandard.ZstdDecompressor().decompress(raw, max_output_size=_BLOCK),
}


def list_squashfs(path: Path) -> dict[str, Member]:
    """Members by path."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Tables(data).members()
    except (ValueError, IndexError, KeyError, struct.error, zlib.error, lzma.LZMAError):
        return _told_by_unsquashfs(path)
    except (RuntimeError, zstandard.ZstdError, lzallright.LZOError):
        return _told_by_unsquashfs(path)


@dataclass(slots=True)
class _Inode:
    type: int
    mode: int
    uid: int
    gid: int
    own: bytes
    target: bytes | None = None
    attributes: int = _NONE
    listing: tuple[int, int, int] = (0, 0, 0)  # block, offset, size of a directory's entries


@dataclass(slots=True)
class _Metadata:
    """Blocks of metadata, decompressed on demand."""

    data: mmap.mmap
    decompress: Callable[[bytes], bytes]
    blocks: dict[int, tuple[bytes, int]] = field(default_factory=dict)

    def read(self, block: int, offset: int, size: int) -> tuple[bytes, int, int]:
        """So many bytes from a place on, and the place behind them."""
        parts = b""
        while True:
            content, following = self._block(block)
            part = content[offset : offset + size - len(parts)]
            parts += part
            offset += len(part)
            if len(parts) == size:
                return parts, block, offset
            if not content or offset < len(content):
                raise ValueError("metadata is cut off")
            block, offset = following, 0

    def _block(self, at: int) -> tuple[bytes, int]:
        if at not in self.blocks:
            (header,) = struct.unpack_from("<H", self.data, at)
            size = header & ~_UNCOMPRESSED
            raw = self.data[at + 2 : at + 2 + size]
            content = raw if header & _UNCOMPRESSED else self.decompress(raw)
            self.blocks[at] = (content[:_BLOCK], at + 2 + size)
        return self.blocks[at]


class _Tables:
    def __init__(self, data: mmap.mmap) -> None:
        fields = _SUPERBLOCK.unpack_from(data)
        if fields[0] != _MAGIC or fields[9] != 4:  # noqa: PLR2004 (the version that this reads)
            raise ValueError("not a little-endian squashfs of version 4")
        self._metadata = _Metadata(data, _DECOMPRESS[fields[5]])
        self._root = fields[11]
        id_table, self._inodes, self._entries = fields[13], fields[15], fields[16]
        self._owners = self._table(id_table, fields[8], "<I")
        self._values, self._attributes = 0, []
        if fields[14] != _NO_TABLE:
            self._values, count, _ = struct.unpack_from("<QII", data, fields[14])
            self._attributes = self._table(fields[14] + 16, count, "<QII")

    def _table(self, start: int, count: int, form: str) -> list[tuple[int, ...]]:
        """A table of records behind a list of the blocks that hold them."""
        width = struct.calcsize(form)
        blocks = -(-count * width // _BLOCK)
        rows = b""
        for number in range(blocks):
            (block,) = struct.unpack_from("<Q", self._metadata.data, start + 8 * number)
            rows += self._metadata.read(block, 0, min(_BLOCK, count * width - len(rows)))[0]
        return list(struct.iter_unpack(form, rows))

    def members(self) -> dict[str, Member]:
        """All that can be reached from the root; a directory is entered once."""
        found: dict[str, Member] = {}
        seen: set[int] = set()
        pending = [("", self._root)]
        while pending and len(found) < MOST_MEMBERS:
            prefix, reference = pending.pop()
            if reference in seen:
                continue
            seen.add(reference)
            for name, place in self._below(self._inode(reference)):
                inode = self._inode(place)
                path = prefix + readable(name)
                found[path] = member(
                    inode.mode, inode.uid, inode.gid, inode.target, self._granted(inode)
                )
                if inode.type == _DIRECTORY:
                    pending.append((f"{path}/", place))
        return found

    def _inode(self, reference: int) -> _Inode:
        block, offset = self._inodes + (reference >> 16), reference & 0xFFFF
        raw, block, offset = self._metadata.read(block, offset, 16)
        kind, mode, uid, gid, _, _ = struct.unpack("<4H2I", raw)
        extended = kind not in _BASIC
        length, index = _EXTENDED[kind] if extended else (_BASIC[kind], -1)
        own, block, offset = self._metadata.read(block, offset, length)
        basic = kind - _EXTENDED_BY if extended else kind
        inode = _Inode(
            basic, mode | _TYPE_BITS[basic], self._owners[uid][0], self._owners[gid][0], own
        )
        if basic == _SYMLINK:
            (size,) = struct.unpack_from("<I", own, 4)
            inode.target, block, offset = self._metadata.read(block, offset, min(size, NAME_LIMIT))
            if extended:
                own, index = self._metadata.read(block, offset, 4)[0], 0
        if index >= 0:
            (inode.attributes,) = struct.unpack_from("<I", own, index)
        if basic == _DIRECTORY:
            inode.listing = _listing(own, extended=extended)
        return inode

    def _below(self, folder: _Inode) -> Iterator[tuple[bytes, int]]:
        """Names in a directory, each with the reference of its inode."""
        start, offset, left = folder.listing
        block = self._entries + start
        while left > 0:
            raw, block, offset = self._metadata.read(block, offset, 12)
            count, base, _ = struct.unpack("<3I", raw)
            left -= 12
            for _ in range(min(count + 1, 256)):
                raw, block, offset = self._metadata.read(block, offset, 8)
                place, _, _, size = struct.unpack("<HhHH", raw)
                name, block, offset = self._metadata.read(block, offset, size + 1)
                left -= 8 + size + 1
                yield name, base << 16 | place

    def _granted(self, inode: _Inode) -> list[str] | None:
        if inode.attributes == _NONE or inode.attributes >= len(self._attributes):
            return []
        reference, count, _ = self._attributes[inode.attributes]
        block, offset = self._values + (reference >> 16), reference & 0xFFFF
        for _ in range(min(count, 256)):
            raw, block, offset = self._metadata.read(block, offset, 4)
            kind, size = struct.unpack("<HH", raw)
            name, block, offset = self._metadata.read(block, offset, size)
            raw, block, offset = self._metadata.read(block, offset, 4)
            value, block, offset = self._metadata.read(block, offset, *struct.unpack("<I", raw))
            if kind & 0xFF == _SECURITY and name == b"capability":
                return granted_by(self._elsewhere(value) if kind & _OUT_OF_LINE else value)
        return []

    def _elsewhere(self, value: bytes) -> bytes:
        """A value that several files share stands once, and the others refer to it."""
        (reference,) = struct.unpack("<Q", value)
        block, offset = self._values + (reference >> 16), reference & 0xFFFF
        raw, block, offset = self._metadata.read(block, offset, 4)
        return self._metadata.read(block, offset, *struct.unpack("<I", raw))[0]


def _listing(own: bytes, *, extended: bool) -> tuple[int, int, int]:
    if extended:
        _, size, start, _, _, offset = struct.unpack_from("<4I2H", own)
    else:
        start, _, size, offset = struct.unpack_from("<2I2H", own)
    return start, offset, size - 3  # the size counts `.` and `..`, which are not stored


_SECONDS = 600
# unsquashfs -lln: `-rwsr-xr-x 0/0  1234 2026-01-31 10:00 squashfs-root/bin/su`, with
# `major, minor` for the size of a device and ` -> target` behind a link.
_LINE = re.compile(
    rb"^(?P<mode>[-dlcbps][-rwxsStT]{9}) (?P<uid>\d+)/(?P<gid>\d+) +(?:\d+, *)?\d+ "
    rb"\d{4}-\d\d-\d\d \d\d:\d\d squashfs-root/?(?P<rest>.*)$"
)
_LETTERS = {
    "-": stat.S_IFREG,
    "d": stat.S_IFDIR,
    "l": stat.S_IFLNK,
    "c": stat.S_IFCHR,
    "b": stat.S_IFBLK,
    "p": stat.S_IFIFO,
    "s": stat.S_IFSOCK,
}


def _told_by_unsquashfs(path: Path) -> dict[str, Member]:
    done = subprocess.run(
        ["unsquashfs", "-lln", str(path)], capture_output=True, timeout=_SECONDS, check=False
    )
    members = {}
    for line in done.stdout.split(b"\n"):
        if match := _LINE.match(line):
            mode = _mode_of(match["mode"].decode())
            name, target = match["rest"], None
            if stat.S_ISLNK(mode):
                name, _, target = name.partition(b" -> ")
            members[readable(name)] = member(mode, int(match["uid"]), int(match["gid"]), target)
    return members


def _mode_of(text: str) -> int:
    bits = _LETTERS[text[0]]
    for position, letter in enumerate(text[1:]):
        if letter in "rwxst":
            bits |= 0o400 >> position
    bits |= stat.S_ISUID if text[3] in "sS" else 0
    bits |= stat.S_ISGID if text[6] in "sS" else 0
    bits |= stat.S_ISVTX if text[9] in "tT" else 0
    return bits
