"""Members of ext2, ext3 and ext4, told by debugfs.

A name that holds a newline stays unknown: debugfs writes one entry a line.
"""

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from assay.intake.listing.member import (
    CAPABILITY_ATTRIBUTE,
    MOST_MEMBERS,
    Member,
    granted_by,
    member,
    readable,
)

_SECONDS = 600
_ROOT = 2
_COMMAND = re.compile(rb"^debugfs: +(?:ls -p|ea_list) <(\d+)>$")
_ENTRY = re.compile(rb"^/(\d+)/([0-7]+)/(\d+)/(\d+)/(.+)/(\d*)/$")
_ATTRIBUTE = re.compile(
    rb"^ +" + re.escape(CAPABILITY_ATTRIBUTE.encode()) + rb" \(\d+\) = ((?:[0-9a-f]{2} )+)$"
)


def list_ext(path: Path) -> dict[str, Member]:
    """Members with capabilities; link targets are left to what was unpacked."""
    members: dict[str, Member] = {}
    inodes: dict[str, int] = {}
    level = {_ROOT: ""}
    seen = set(level)
    while level and len(members) < MOST_MEMBERS:
        below: dict[int, str] = {}
        for folder, line in _ask(path, "ls -p", list(level)):
            if not (entry := _ENTRY.match(line)) or entry[5] in (b".", b".."):
                continue
            inode, mode = int(entry[1]), int(entry[2], 8)
            name = level[folder] + readable(entry[5])
            members[name] = member(mode, int(entry[3]), int(entry[4]))
            inodes[name] = inode
            if stat.S_ISDIR(mode) and inode not in seen:
                seen.add(inode)
                below[inode] = f"{name}/"
        level = below
    _add_capabilities(path, members, inodes)
    return members


def _add_capabilities(path: Path, members: dict[str, Member], inodes: dict[str, int]) -> None:
    files = [inodes[name] for name, entry in members.items() if stat.S_ISREG(entry["mode"])]
    granted = {
        inode: granted_by(bytes.fromhex(found[1].decode()))
        for inode, line in _ask(path, "ea_list", sorted(set(files)))
        if (found := _ATTRIBUTE.match(line))
    }
    for name, entry in members.items():
        entry["capabilities"] = granted.get(inodes[name], [])


def _ask(path: Path, command: str, inodes: list[int]) -> Iterator[tuple[int, bytes]]:
    """The lines that debugfs answers with, each with the inode that was asked about."""
    if not inodes:
        return
    script = "".join(f"{command} <{inode}>\n" for inode in inodes)
    done = subprocess.run(
        ["debugfs", "-f", "-", str(path)],
        input=script.encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    asked = 0
    for line in done.stdout.split(b"\n"):
        if echo := _COMMAND.match(line):
            asked = int(echo[1])
        elif asked:
            yield asked, line
