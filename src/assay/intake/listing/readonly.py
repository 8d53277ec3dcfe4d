"""Members of romfs and cramfs, the two smallest read-only file systems."""

import mmap
import stat
import struct
import zlib
from pathlib import Path

from assay.intake.listing.member import MOST_MEMBERS, NAME_LIMIT, Member, member, readable

# Linux, include/uapi/linux/romfs_fs.h and Documentation/filesystems/romfs.rst. It has no modes
# but an "executable" bit: what follows is what Linux shows (fs/romfs/super.c, romfs_modemap).
_ROMFS_HEADER = 16
_ROMFS_TYPES = (
    0,  # a hard link, followed below
    stat.S_IFDIR | 0o644,
    stat.S_IFREG | 0o644,
    stat.S_IFLNK | 0o777,
    stat.S_IFBLK | 0o600,
    stat.S_IFCHR | 0o600,
    stat.S_IFSOCK | 0o644,
    stat.S_IFIFO | 0o644,
)
_ROMFS_EXECUTABLE = 8
_ROMFS_DIRECTORY, _ROMFS_FILE, _ROMFS_LINK = 1, 2, 3


def list_romfs(path: Path) -> dict[str, Member]:
    """Members of a romfs; all belong to root."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        members: dict[str, Member] = {}
        seen: set[int] = set()
        pending = [("", _after_name(data, _ROMFS_HEADER))]
        while pending:
            prefix, at = pending.pop()
            while at and at not in seen and len(members) < MOST_MEMBERS:
                seen.add(at)
                following, info, size = struct.unpack_from(">3I", data, at)
                raw = _text(data, at + _ROMFS_HEADER)
                if raw not in (b".", b".."):
                    name = prefix + readable(raw)
                    entry = _romfs_member(data, at, following, size)
                    if entry:
                        members[name] = entry
                    if following & 7 == _ROMFS_DIRECTORY:
                        pending.append((f"{name}/", info & ~15))
                at = following & ~15
    return members


def _romfs_member(data: mmap.mmap, at: int, following: int, size: int) -> Member | None:
    kind = following & 7
    if not kind:
        (at,) = struct.unpack_from(">I", data, at + 4)
        following, _, size = struct.unpack_from(">3I", data, at)
        kind = following & 7
    mode = _ROMFS_TYPES[kind]
    if following & _ROMFS_EXECUTABLE and kind in (_ROMFS_DIRECTORY, _ROMFS_FILE):
        mode |= 0o111
    start = _after_name(data, at + _ROMFS_HEADER)
    target = data[start : start + min(size, NAME_LIMIT)] if kind == _ROMFS_LINK else None
    return member(mode, 0, 0, target, []) if mode else None


def _text(data: mmap.mmap, at: int) -> bytes:
    return data[at : max(at, data.find(b"\0", at, at + NAME_LIMIT))]


def _after_name(data: mmap.mmap, at: int) -> int:
    return (data.find(b"\0", at) + 16) & ~15


# Linux, include/uapi/linux/cramfs_fs.h. An inode is 12 bytes of bit fields, laid out from the low
# end on little-endian machines and from the high end on big-endian ones.
_CRAMFS_MAGIC = 0x28CD3D45
_CRAMFS_ROOT = 64
_CRAMFS_INODE = 12


def list_cramfs(path: Path) -> dict[str, Member]:
    """Members of a cramfs; it keeps the low 8 bits of group ids alone."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = "<" if struct.unpack_from("<I", data)[0] == _CRAMFS_MAGIC else ">"
        members: dict[str, Member] = {}
        seen: set[int] = set()
        pending = [("", _CRAMFS_ROOT)]
        while pending:
            prefix, at = pending.pop()
            _, _, size, _, _, offset = _cramfs_inode(data, at, end)
            limit = min(offset + size, len(data))
            if offset in seen:
                continue
            seen.add(offset)
            while offset < limit and len(members) < MOST_MEMBERS:
                mode, uid, length, gid, name_size, start = _cramfs_inode(data, offset, end)
                first = offset + _CRAMFS_INODE
                name = prefix + readable(data[first : first + name_size].rstrip(b"\0"))
                target = _cramfs_target(data, start, length, end) if stat.S_ISLNK(mode) else None
                members[name] = member(mode, uid, gid, target, [])
                if stat.S_ISDIR(mode) and length:
                    pending.append((f"{name}/", offset))
                offset = first + name_size
    return members


def _cramfs_inode(data: mmap.mmap, at: int, end: str) -> tuple[int, int, int, int, int, int]:
    """Mode, uid, size, gid, length of the name, offset of the content."""
    mode, uid, second, third = struct.unpack_from(f"{end}HHII", data, at)
    if end == "<":
        size, gid = second & 0xFFFFFF, second >> 24
        name_words, offset_words = third & 0x3F, third >> 6
    else:
        size, gid = second >> 8, second & 0xFF
        name_words, offset_words = third >> 26, third & 0x3FFFFFF
    return mode, uid, size, gid, name_words * 4, offset_words * 4


def _cramfs_target(data: mmap.mmap, start: int, size: int, end: str) -> bytes:
    """A link's target: one compressed block behind the pointer to its end."""
    (stop,) = struct.unpack_from(f"{end}I", data, start)
    return zlib.decompressobj().decompress(data[start + 4 : stop], min(size, NAME_LIMIT))
