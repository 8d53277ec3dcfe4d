"""The files in a gzipped cpio archive (newc), as an initial RAM disk is."""

import gzip
from collections.abc import Iterator
from pathlib import Path

_HEADER = 110


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents, in their order."""
    data, at = gzip.decompress(archive.read_bytes()), 0
    while data[at : at + 6] == b"070701":
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        size, length = fields[6], fields[11]
        name = data[at + _HEADER : at + _HEADER + length - 1].decode()
        if name == "TRAILER!!!":
            return
        start = at + (_HEADER + length + 3 & ~3)
        yield name, data[start : start + size]
        at = start + (size + 3 & ~3)
