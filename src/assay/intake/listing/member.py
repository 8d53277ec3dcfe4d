"""A member of a container, and how its name and its capabilities are written."""

import stat
import struct
from typing import TypedDict

MOST_MEMBERS = 2_000_000
NAME_LIMIT = 1 << 16
CAPABILITY_ATTRIBUTE = "security.capability"

# Linux, include/uapi/linux/capability.h: `struct vfs_cap_data`, little-endian.
_REVISIONS = {0x01: 1, 0x02: 2, 0x03: 2}  # revision → number of 32-bit words a set has
_CAPABILITIES = tuple(
    """
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
    net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
    sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
    sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
    """.split()
)


class Member(TypedDict):
    """`mode` with the type's bits, as in `stat(2)`; `capabilities` is None where not read."""

    mode: int
    uid: int | None
    gid: int | None
    target: str | None
    capabilities: list[str] | None


def member(
    mode: int,
    uid: int | None,
    gid: int | None,
    target: bytes | None = None,
    capabilities: list[str] | None = None,
) -> Member:
    """A member; `target` counts for symbolic links alone."""
    link = readable(target) if target is not None and stat.S_ISLNK(mode) else None
    return {"mode": mode, "uid": uid, "gid": gid, "target": link, "capabilities": capabilities}


def capabilities_of(attribute: bytes) -> list[str]:
    """The permitted set of a `security.capability` attribute, by the names of capabilities(7).

    Raises:
        ValueError: the attribute is none.
    """
    if len(attribute) < struct.calcsize("<I"):
        raise ValueError("capability attribute is cut off")
    words = _REVISIONS.get(attribute[3])
    if words is None or len(attribute) < 4 + 8 * words:
        raise ValueError("capability attribute of an unknown revision")
    permitted = 0
    for word in range(words):
        (low,) = struct.unpack_from("<I", attribute, 4 + 8 * word)
        permitted |= low << (32 * word)
    return [_name(bit) for bit in range(32 * words) if permitted >> bit & 1]


def granted_by(attribute: bytes) -> list[str] | None:
    """What a member's attribute grants; None, not known, where it is malformed."""
    try:
        return capabilities_of(attribute)
    except ValueError:
        return None


def _name(bit: int) -> str:
    return f"cap_{_CAPABILITIES[bit]}" if bit < len(_CAPABILITIES) else f"cap_{bit}"


def readable(raw: bytes) -> str:
    """A file name as text: UTF-8, other bytes as `\\xff`, so that it can stand in any document."""
    return raw.decode("utf-8", errors="backslashreplace")


def normal(path: str) -> str:
    """A member's path as extractors place it: no leading slash, no `.` steps, `..` stays inside."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)
