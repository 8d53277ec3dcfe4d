"""What a container itself records of its members: mode, owner, link target, device.

Extractors lose these where the user may not set them; the container's own record is read instead.
"""

import re
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Any

Member = dict[str, Any]

_SECONDS = 600
# unsquashfs -lln: `-rwsr-xr-x 0/0  1234 2026-01-31 10:00 squashfs-root/bin/su`, with
# `major, minor` for the size of a device and ` -> target` behind a link.
_SQUASHFS_LINE = re.compile(
    rb"^(?P<mode>[-dlcbps][-rwxsStT]{9}) (?P<uid>\d+)/(?P<gid>\d+) +(?:\d+, *)?\d+ "
    rb"\d{4}-\d\d-\d\d \d\d:\d\d squashfs-root/?(?P<rest>.*)$"
)
_TYPE_BITS = {
    "-": stat.S_IFREG,
    "d": stat.S_IFDIR,
    "l": stat.S_IFLNK,
    "c": stat.S_IFCHR,
    "b": stat.S_IFBLK,
    "p": stat.S_IFIFO,
    "s": stat.S_IFSOCK,
}
_CPIO_HEADER = 110
_CPIO_MAGICS = (b"070701", b"070702")
_NAME_LIMIT = 1 << 16


def list_members(form: str, path: Path) -> dict[str, Member]:
    """Members by path relative to the container's root; empty where the format has no reader.

    Never raises: a listing that can't be read leaves the facts unknown.
    """
    try:
        if form.startswith("squashfs"):
            return _squashfs(path)
        if form.startswith("tar"):
            return _tar(path)
        if form.startswith("cpio_portable_ascii"):
            return _cpio(path)
    except Exception:  # noqa: BLE001 (hostile input; the files themselves were unpacked)
        return {}
    return {}


def _member(mode: int, uid: int, gid: int, target: str | None) -> Member:
    return {"mode": mode, "uid": uid, "gid": gid, "target": target}


def _squashfs(path: Path) -> dict[str, Member]:
    done = subprocess.run(
        ["unsquashfs", "-lln", str(path)],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    members = {}
    for line in done.stdout.split(b"\n"):
        if match := _SQUASHFS_LINE.match(line):
            mode = _mode_of(match["mode"].decode())
            name, _, target = (
                match["rest"].partition(b" -> ")
                if stat.S_ISLNK(mode)
                else (match["rest"], b"", b"")
            )
            link = readable(target) if stat.S_ISLNK(mode) else None
            members[readable(name)] = _member(mode, int(match["uid"]), int(match["gid"]), link)
    return members


def _mode_of(text: str) -> int:
    bits = _TYPE_BITS[text[0]]
    for position, letter in enumerate(text[1:]):
        if letter in "rwxst":
            bits |= 0o400 >> position
    bits |= stat.S_ISUID if text[3] in "sS" else 0
    bits |= stat.S_ISGID if text[6] in "sS" else 0
    bits |= stat.S_ISVTX if text[9] in "tT" else 0
    return bits


def _tar(path: Path) -> dict[str, Member]:
    members = {}
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        for info in archive:
            link = readable(info.linkname.encode(errors="surrogateescape"))
            name = normal(readable(info.name.encode(errors="surrogateescape")))
            members[name] = _member(
                info.mode | _tar_type(info), info.uid, info.gid, link if info.issym() else None
            )
    return members


def _tar_type(info: tarfile.TarInfo) -> int:
    if info.isdir():
        return stat.S_IFDIR
    if info.issym():
        return stat.S_IFLNK
    if info.ischr():
        return stat.S_IFCHR
    if info.isblk():
        return stat.S_IFBLK
    return stat.S_IFIFO if info.isfifo() else stat.S_IFREG


def _cpio(path: Path) -> dict[str, Member]:
    """The "new ASCII" form (magic 070701 and 070702), which is what Linux reads as initramfs.

    Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    members: dict[str, Member] = {}
    with path.open("rb") as archive:
        while (header := archive.read(_CPIO_HEADER))[:6] in _CPIO_MAGICS:
            fields = [int(header[at : at + 8], 16) for at in range(6, _CPIO_HEADER, 8)]
            mode, uid, gid, size, name_size = fields[1], fields[2], fields[3], fields[6], fields[11]
            name = archive.read(min(name_size, _NAME_LIMIT)).rstrip(b"\0")
            archive.seek(-(_CPIO_HEADER + name_size) % 4, 1)
            link = readable(archive.read(min(size, _NAME_LIMIT))) if stat.S_ISLNK(mode) else None
            archive.seek((0 if link is not None else size) + -size % 4, 1)
            members[normal(readable(name))] = _member(mode, uid, gid, link)
    return members


def readable(raw: bytes) -> str:
    """A file name as text: UTF-8, other bytes as `\\xff`, so that it can stand in any document."""
    return raw.decode("utf-8", errors="backslashreplace")


def normal(path: str) -> str:
    """A member's path without leading slash and without `.` steps."""
    return "/".join(step for step in path.split("/") if step not in ("", "."))
