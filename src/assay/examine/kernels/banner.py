"""The banner by which a running kernel names itself, and what makes it a kernel's.

How it works: a kernel holds the banner that it prints (`Linux version …`, ending in a line feed
and a zero byte) beside code that only a kernel has: the form of /proc/version with the same
builder, or the message for a system without init. A log, a copy of /proc/version or a program that
parses either holds the banner, or a part of it, without them.

Sources: the kernel's init/version.c and init/version-timestamp.c (`linux_banner`,
`linux_proc_banner`), init/main.c ("Try passing init=").
"""

import re
from dataclasses import dataclass

_PREFIX = re.compile(rb"Linux version (?=[2-9]\.)")
_BANNER = re.compile(
    rb"Linux version (?P<version>[2-9]\.[0-9][\w.+~-]*) (?P<builder>\([^)\n\x00]{1,200}\)) "
    rb"\([^\n\x00]{1,400} #(?P<build>[^\n\x00]{1,200})\n\x00"
)
_LONGEST = 900
_NO_INIT = re.compile(rb"Try passing init=")
_MOST_TRIED = 64


@dataclass(frozen=True, slots=True)
class Banner:
    """`offset` is where `text` begins, `version` the release as `uname -r` gives it."""

    offset: int
    version: str
    text: str


def find_banner(data: bytes | memoryview) -> Banner | None:
    """The banner of the kernel that the data is, None where it is no kernel."""
    best: re.Match[bytes] | None = None
    offset = 0
    for tried, prefix in enumerate(_PREFIX.finditer(data)):
        if tried == _MOST_TRIED:
            break
        match = _BANNER.match(bytes(data[prefix.start() : prefix.start() + _LONGEST]))
        # One without a number is replaced by a full one when the kernel is linked.
        if match and (best is None or not _is_numbered(best)):
            best, offset = match, prefix.start()
    if best is None or not _is_kernel(data, best):
        return None
    text = best[0].decode("utf-8", "backslashreplace").strip("\x00\n")
    return Banner(offset, best["version"].decode("utf-8", "backslashreplace"), text)


def _is_numbered(banner: re.Match[bytes]) -> bool:
    return banner["build"][:1].isdigit()


def _is_kernel(data: bytes | memoryview, banner: re.Match[bytes]) -> bool:
    proc_version = re.escape(b"%s version %s " + banner["builder"])
    return bool(re.search(proc_version, data) or _NO_INIT.search(data))
