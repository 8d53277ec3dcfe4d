"""One pass over a file's bytes for all patterns at once.

How it works: Hyperscan says where a pattern may end; Python's `re` then reads that place, with the
left border and the groups that Hyperscan has none of.

Source: Hyperscan developer reference: a block scan is one pass, whatever the number of patterns.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyperscan import BlockDatabase, Flag, Pattern, Scan

_LONGEST = 320
_BEYOND = 96
_PLACES_KEPT = 64
_ALONE_KEPT = 4_000
_MOST_HITS = 200_000
_BORDER = rb"(?:(?<![A-Za-z0-9_])|(?=[^A-Za-z0-9_]))"

_ALONE = rb"\x00(?:v?[0-9]{1,4}\.[0-9][0-9A-Za-z.+~-]{0,40}|[0-9]{3})\x00"
"""A string that may be a version and stands by itself, with the zero bytes around it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pattern holds: the offset of its text, the text, and its groups."""

    offset: int
    text: bytes
    groups: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found: places by the pattern's number, and strings that stand alone.

    `complete` is false where there was so much that the pass was broken off.
    """

    places: Mapping[int, list[Place]]
    alone: list[Place]
    complete: bool


@dataclass(slots=True)
class _Hits:
    """Where each pattern ended, as Hyperscan tells them."""

    ends: dict[int, list[int]] = field(default_factory=dict)
    count: int = 0

    def note(self, number: int, end: int, *, apart: int, most: int) -> Scan:
        """Keep an end, unless an earlier one lies so near that reading there shows this one too."""
        self.count += 1
        ends = self.ends.setdefault(number, [])
        if not ends or (end - ends[-1] > apart and len(ends) < most):
            ends.append(end)
        return Scan.Continue if self.count < _MOST_HITS else Scan.Terminate


class Scanner:
    """A tuple of patterns, compiled once, to be looked for in any number of files.

    Patterns are regular expressions over bytes without look-around; none that begins with a
    letter, digit or underscore holds where it goes on from one at its left.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        listed = tuple(patterns)
        self._alone = len(listed)
        self._exact = tuple(re.compile(_BORDER + b"(?:" + pattern + b")") for pattern in listed)
        self._database = BlockDatabase(
            *(Pattern(pattern, Flag.DOTALL, tag=number) for number, pattern in enumerate(listed)),
            Pattern(_ALONE, tag=self._alone),
        )

    def scan(self, data: bytes | memoryview) -> Found:
        """Look through `data` once."""
        hits = _Hits()

        def told(_: None, number: int, _start: int, end: int) -> Scan:
            if number == self._alone:
                return hits.note(number, end, apart=0, most=_ALONE_KEPT)
            return hits.note(number, end, apart=_BEYOND // 2, most=_PLACES_KEPT)

        if len(data):
            self._database.build(None, told).scan(data)
        alone = [_string_before(data, end) for end in hits.ends.pop(self._alone, [])]
        places = {
            number: found
            for number, ends in sorted(hits.ends.items())
            if (found := _places(self._exact[number], data, ends))
        }
        return Found(places, alone, complete=hits.count < _MOST_HITS)


def _places(exact: re.Pattern[bytes], data: bytes | memoryview, ends: list[int]) -> list[Place]:
    """The texts at which the pattern really holds, each once."""
    found: dict[int, Place] = {}
    for end in ends:
        start, stop = max(0, end - _LONGEST), min(len(data), end + _BEYOND)
        for match in exact.finditer(bytes(data[start:stop])):
            # At the window's edges nothing says what stands before, and how it goes on.
            whole = start + match.end() < stop or stop == len(data)
            if whole and (match.start() or not start):
                groups = tuple(g.decode("latin-1") if g else None for g in match.groups())
                offset = start + match.start()
                found.setdefault(offset, Place(offset, match[0], groups))
    return [found[offset] for offset in sorted(found)]


def _string_before(data: bytes | memoryview, end: int) -> Place:
    text = bytes(data[max(0, end - 64) : end - 1])
    text = text[text.rfind(b"\x00") + 1 :]
    return Place(end - 1 - len(text), text)
