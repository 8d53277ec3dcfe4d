"""What lies in an unpacked folder, read without following a link."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.intake.kinds import HEAD_BYTES, kind_of, may_contain_files
from assay.intake.listing import Member, readable
from assay.intake.listing.member import CAPABILITY_ATTRIBUTE, granted_by
from assay.model.tree import Kind

_BLOCK = 1 << 20
_SPECIAL = {
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFCHR: Kind.DEVICE,
    stat.S_IFBLK: Kind.DEVICE,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a folder: `path` is relative to it, `real` where its content lies."""

    path: str
    real: Path
    kind: Kind
    sha256: str
    size: int
    mode: int | None
    uid: int | None
    gid: int | None
    target: str | None
    opens: bool = False
    capabilities: tuple[str, ...] | None = None


Refused = Callable[[str, str], None]
"""Told the path of what could not be read, and why."""


def survey(
    folder: Path, listing: dict[str, Member], *, refused: Refused, own: bool = False
) -> Iterator[Entry]:
    """Every entry below `folder`, always in the same order.

    `listing` is what the container records of its members; it has precedence over the folder,
    and what it has but the folder lacks (devices that could not be made) is given too.
    `own` says that the folder is the user's, not an extractor's: its modes and owners mean
    something, and nothing in it may be changed.
    """
    seen = set()
    for path, real, status in _walk(folder, refused, own=own):
        seen.add(path)
        try:
            yield _entry(path, real, status, listing.get(path), own=own)
        except OSError as error:
            refused(path, error.strerror or str(error))
            mode, uid, gid = _facts(status) if own else (None, None, None)
            yield Entry(path, real, Kind.DATA, "", status.st_size, mode, uid, gid, None)
    for path, member in sorted(listing.items()):
        if not path or path in seen:
            continue
        kind = _SPECIAL.get(stat.S_IFMT(member["mode"]))
        if kind is None:
            refused(path, "its container records it, but it did not come out")
        elif kind is not Kind.DIRECTORY:
            yield _recorded(path, folder / path, kind, member)


def inspect(real: Path) -> tuple[Kind, str, int, bool]:
    """Kind, SHA-256, size of one file, and whether containers should be looked for in it."""
    sha256 = hashlib.sha256()
    with open(real, "rb", buffering=0, opener=_no_follow) as file:
        head = file.read(HEAD_BYTES)
        sha256.update(head)
        size = len(head)
        while block := file.read(_BLOCK):
            sha256.update(block)
            size += len(block)
    kind = kind_of(head)
    return kind, sha256.hexdigest(), size, may_contain_files(kind, head)


def usage(folder: Path, most_bytes: int, most_files: int) -> tuple[int, int]:
    """Bytes and entries below a folder; stops counting once either bound is passed."""
    total = count = 0
    pending = [folder]
    while pending and total <= most_bytes and count <= most_files:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue  # the extractor works on while we look
    return total, count


def _walk(
    folder: Path, refused: Refused, *, own: bool
) -> Iterator[tuple[str, Path, os.stat_result]]:
    pending = [(folder, "")]  # no recursion: hostile trees are deeper than Python's stack
    while pending:
        below, prefix = pending.pop()
        try:
            if not own:
                _make_readable(below, stat.S_IRWXU)
            names = sorted(os.listdir(os.fsencode(below)))
        except OSError as error:
            refused(prefix.rstrip("/"), error.strerror or str(error))
            continue
        for name in names:
            real = below / os.fsdecode(name)
            path = prefix + readable(name)
            status = real.lstat()
            yield path, real, status
            if stat.S_ISDIR(status.st_mode):
                pending.append((real, path + "/"))


def _make_readable(path: Path, bits: int) -> None:
    mode = path.lstat().st_mode
    if mode & bits != bits and os.geteuid() != 0:
        path.chmod(stat.S_IMODE(mode) | bits)


def _entry(
    path: str, real: Path, status: os.stat_result, member: Member | None, *, own: bool
) -> Entry:
    special = _SPECIAL.get(stat.S_IFMT(status.st_mode))
    recorded = _SPECIAL.get(stat.S_IFMT(member["mode"])) if member else None
    if member and recorded not in (None, Kind.DIRECTORY) and special is not recorded:
        return _recorded(path, real, recorded, member)  # an extractor that made no link, no device
    mode, uid, gid = _facts(status) if own else (None, None, None)
    granted = _capabilities(real) if own and special is None else None
    if member:
        mode, uid, gid = stat.S_IMODE(member["mode"]), member["uid"], member["gid"]
        granted = _names(member)
    if special is Kind.SYMLINK:
        target = member["target"] if member else None
        if target is None:
            target = readable(os.readlink(os.fsencode(real)))
        return Entry(path, real, special, "", 0, None, uid, gid, target)
    if special is not None:
        return Entry(path, real, special, "", 0, mode, uid, gid, None)
    if not own:
        _make_readable(real, stat.S_IRUSR)
    kind, sha256, size, opens = inspect(real)
    return Entry(path, real, kind, sha256, size, mode, uid, gid, None, opens, granted)


def _facts(status: os.stat_result) -> tuple[int, int, int]:
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def _names(member: Member) -> tuple[str, ...] | None:
    granted = member["capabilities"]
    return tuple(granted) if granted is not None and stat.S_ISREG(member["mode"]) else None


def _capabilities(real: Path) -> tuple[str, ...] | None:
    attribute = b""
    try:
        attribute = os.getxattr(real, CAPABILITY_ATTRIBUTE, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.ENOTSUP):
            return None
    granted = granted_by(attribute) if attribute else []
    return None if granted is None else tuple(granted)


def _recorded(path: str, real: Path, kind: Kind | None, member: Member) -> Entry:
    mode = None if kind is Kind.SYMLINK else stat.S_IMODE(member["mode"])
    return Entry(
        path, real, kind or Kind.DATA, "", 0, mode, member["uid"], member["gid"], member["target"]
    )


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
