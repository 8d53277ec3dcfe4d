"""Lines of a configuration file with their offsets, comments left out."""

from collections.abc import Iterator
from typing import NamedTuple

from assay.examine.secret_forms.masking import masked
from assay.model.observations.base import EXCERPT_LIMIT

LONGEST = 4096
MOST_BYTES = 4 << 20


def shown(text: str) -> str:
    """A line as evidence: secrets masked, and not too long."""
    return masked(text)[:EXCERPT_LIMIT]


class Line(NamedTuple):
    """One line without its end: `offset` is that of its first byte in the content."""

    offset: int
    text: str


def lines(data: memoryview) -> Iterator[Line]:
    """All lines, as text whatever their bytes are; the rest of an overlong line is cut."""
    raw = bytes(data[:MOST_BYTES])
    offset = 0
    for line in raw.split(b"\n"):
        yield Line(offset, line[:LONGEST].decode("utf-8", "backslashreplace").rstrip("\r"))
        offset += len(line) + 1


def active(data: memoryview, comments: str = "#") -> Iterator[Line]:
    """Lines that say something: neither empty nor a comment as a whole."""
    for line in lines(data):
        stripped = line.text.strip()
        if stripped and not stripped.startswith(tuple(comments)):
            indent = len(line.text) - len(line.text.lstrip())
            yield Line(line.offset + len(line.text[:indent].encode()), stripped)
