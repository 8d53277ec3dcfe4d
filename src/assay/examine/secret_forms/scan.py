"""Finding many fixed byte strings in large content in one pass, without a copy of it.

Source: Hyperscan developer reference: a block scan is one pass, whatever the number of patterns.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyperscan import BlockDatabase, Flag, Pattern, Scan

MASK = "••••"
_WINDOW = 64 << 20
_MOST_CALLS = 500_000
_LAST_ASCII = 0x7F


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Offset and needle's number of each occurrence, by offset.

    `complete` is false where there were more than the limit of one needle.
    """

    hits: tuple[tuple[int, int], ...]
    complete: bool


class Needles:
    """Fixed strings, compiled once, to be looked for in any number of files.

    Args:
        exact: strings that must stand as they are.
        folded: strings whose case does not matter; numbered after the exact ones.
        limit: how many occurrences of each are kept.
    """

    def __init__(
        self, exact: Iterable[bytes], folded: Iterable[bytes] = (), *, limit: int = 5000
    ) -> None:
        strict = tuple(exact)
        self.all = (*strict, *folded)
        self._limit = limit
        self._database = BlockDatabase(
            *(
                Pattern(
                    _escaped(needle),
                    *((Flag.DOTALL,) if number < len(strict) else (Flag.DOTALL, Flag.CASELESS)),
                    tag=number,
                )
                for number, needle in enumerate(self.all)
            )
        )

    def find(self, data: memoryview) -> Occurrences:
        """Look through `data` once."""
        hits: list[tuple[int, int]] = []
        kept = [0] * len(self.all)
        complete = True
        calls = base = 0

        def told(_: None, number: int, _start: int, end: int) -> Scan:
            nonlocal complete, calls
            calls += 1
            start = end - len(self.all[number])
            if start < _WINDOW and kept[number] < self._limit:
                kept[number] += 1
                hits.append((base + start, number))
            else:
                complete = complete and start >= _WINDOW
            return Scan.Continue if calls < _MOST_CALLS else Scan.Terminate

        scanner = self._database.build(None, told)
        overlap = max(map(len, self.all)) - 1
        for base in range(0, len(data), _WINDOW):
            scanner.scan(data[base : base + _WINDOW + overlap])
        return Occurrences(tuple(sorted(hits)), complete and calls < _MOST_CALLS)


def _escaped(needle: bytes) -> bytes:
    """Hyperscan's syntax for the very bytes."""
    return b"".join(
        b"\\x%02x" % byte if byte > _LAST_ASCII or not chr(byte).isalnum() else bytes((byte,))
        for byte in needle
    )


def printable(raw: bytes, limit: int = 100) -> str:
    """Text that can be shown: blanks become spaces, what is not ASCII and printable a dot."""
    blank = re.sub(rb"\s", b" ", raw[:limit])
    return "".join(chr(byte) if 32 <= byte < _LAST_ASCII else "." for byte in blank)  # noqa: PLR2004


def is_text(data: memoryview) -> bool:
    """Whether the content's first 8 KiB have no NUL, as POSIX asks of a text file."""
    return 0 not in data[:8192].tobytes()


def is_elf(data: memoryview) -> bool:
    """Whether the content starts as ELF does."""
    return bytes(data[:4]) == b"\x7fELF"
