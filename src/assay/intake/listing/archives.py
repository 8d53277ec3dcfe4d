"""Members of tar, cpio and zip archives."""

import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from assay.intake.listing.member import (
    CAPABILITY_ATTRIBUTE,
    NAME_LIMIT,
    Member,
    granted_by,
    member,
    normal,
    readable,
)

_TRAILER = b"TRAILER!!!"
_LOW_BYTE_FIRST = 0xC7
_PAX_ATTRIBUTE = f"SCHILY.xattr.{CAPABILITY_ATTRIBUTE}"
_TAR_TYPES = {
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def list_tar(path: Path) -> dict[str, Member]:
    """Members of an uncompressed tar archive; capabilities as GNU tar and star keep them in PAX."""
    members: dict[str, Member] = {}
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        for info in archive:
            archive.members = []  # type: ignore[attr-defined]  # else it keeps them, maybe millions
            name = normal(readable(_raw(info.name)))
            if info.islnk():  # a hard link is the file that it names
                known = members.get(normal(readable(_raw(info.linkname))))
                if known:
                    members[name] = known
                continue
            mode = stat.S_IMODE(info.mode) | _TAR_TYPES.get(info.type, stat.S_IFREG)
            attribute = info.pax_headers.get(_PAX_ATTRIBUTE)
            granted = granted_by(_raw(attribute)) if attribute else []
            members[name] = member(mode, info.uid, info.gid, _raw(info.linkname), granted)
    return members


def _raw(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class CpioMember:
    """One member of a cpio archive; `start` and `end` are offsets of its content in the file."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    inode: tuple[int, ...]
    links: int
    start: int
    end: int

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file; some writers leave the type out."""
        return stat.S_ISREG(self.mode) or not stat.S_IFMT(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)


@dataclass(frozen=True, slots=True)
class _CpioHeader:
    length: int
    align: int
    mode: int
    uid: int
    gid: int
    size: int
    name_size: int
    inode: tuple[int, ...]
    links: int


def cpio_members(archive: BinaryIO, *, whole: bool = False) -> Iterator[CpioMember]:
    """Walk an archive of any form from where the file stands to the end mark.

    `whole` gives the end mark as well. An archive that is cut off ends with its last whole
    member. Source: cpio(5); for the "new ASCII" form, which Linux reads as initramfs, also Linux,
    Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    origin = archive.tell()
    limit = archive.seek(0, 2) or archive.tell()
    at = origin
    while True:
        archive.seek(at)
        header = _cpio_header(archive)
        if header is None or header.name_size > NAME_LIMIT:
            return
        name = archive.read(header.name_size).rstrip(b"\0")
        start = at + header.length + header.name_size
        start += -(start - origin) % header.align
        end = start + header.size
        if end > limit:
            return
        at = end + -(end - origin) % header.align
        trailer = name == _TRAILER
        if whole or not trailer:
            yield CpioMember(
                name,
                header.mode,
                header.uid,
                header.gid,
                header.size,
                header.inode,
                header.links,
                start,
                at,
            )
        if trailer:
            return


def list_cpio(path: Path) -> dict[str, Member]:
    """Members of a cpio archive of any form."""
    members: dict[str, Member] = {}
    with path.open("rb") as archive:
        for one in cpio_members(archive):
            target = None
            if stat.S_ISLNK(one.mode):
                archive.seek(one.start)
                target = archive.read(min(one.size, NAME_LIMIT)).rstrip(b"\0")
            members[normal(readable(one.name))] = member(one.mode, one.uid, one.gid, target, [])
    return members


def _cpio_header(archive: BinaryIO) -> _CpioHeader | None:
    magic = archive.read(2)
    if magic in (b"\xc7\x71", b"\x71\xc7"):
        words = struct.unpack("<12H" if magic[0] == _LOW_BYTE_FIRST else ">12H", archive.read(24))
        size, inode = words[10] << 16 | words[11], (words[0], words[1])
        return _CpioHeader(26, 2, words[2], words[3], words[4], size, words[9], inode, words[5])
    magic += archive.read(4)
    if magic in (b"070701", b"070702"):
        text = archive.read(104)
        new = [int(text[at : at + 8], 16) for at in range(0, 104, 8)]
        return _CpioHeader(
            110, 4, new[1], new[2], new[3], new[6], new[11], (new[0], *new[7:9]), new[4]
        )
    if magic == b"070707":
        old = [int(field, 8) for field in _old_ascii(archive.read(70))]
        return _CpioHeader(76, 1, old[2], old[3], old[4], old[9], old[8], (old[0], old[1]), old[5])
    return None


def _old_ascii(text: bytes) -> Iterator[bytes]:
    at = 0
    for width in (6, 6, 6, 6, 6, 6, 6, 11, 6, 11):
        yield text[at : at + width]
        at += width


_UNIX_IDS = 0x7875  # Info-ZIP's "new Unix" extra field: ids of any width
_MADE_BY_UNIX = 3
_UTF8_NAME = 1 << 11


def list_zip(path: Path) -> dict[str, Member]:
    """Members of a zip archive that a Unix program made; others record no modes.

    Source: APPNOTE.TXT 6.3.10, "version made by", "external file attributes"; Info-ZIP,
    proginfo/extrafld.txt.
    """
    members: dict[str, Member] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.create_system != _MADE_BY_UNIX or not mode:
                continue
            if not stat.S_IFMT(mode):
                mode |= stat.S_IFDIR if info.is_dir() else stat.S_IFREG
            target = None
            if stat.S_ISLNK(mode) and info.file_size <= NAME_LIMIT:
                target = archive.read(info)
            uid, gid = _zip_owner(info.extra)
            members[normal(readable(_zip_name(info)))] = member(mode, uid, gid, target, [])
    return members


def _zip_name(info: zipfile.ZipInfo) -> bytes:
    """The name as it stands: the library takes what is not marked as UTF-8 for code page 437."""
    return info.filename.encode("utf-8" if info.flag_bits & _UTF8_NAME else "cp437")


def _zip_owner(extra: bytes) -> tuple[int | None, int | None]:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + size]
        if kind == _UNIX_IDS and len(field) > 1:
            width = field[1]
            second = 2 + width
            uid = int.from_bytes(field[2:second], "little")
            gid = int.from_bytes(field[second + 1 : second + 1 + field[second]], "little")
            return uid, gid
        at += 4 + size
    return None, None
