"""What is read of others' files, and no more: sizes, depth, counts; and what was refused."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from assay.model.errors import InputError

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read. Beyond it, the file is refused or cut, and that is said."""

    file_bytes: int = 2 << 30
    document_bytes: int = 768 << 20
    record_bytes: int = 24 << 20
    records: int = 3_000_000
    depth: int = 60
    text: int = 600
    items: int = 50_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that could not be used: the file, which record of it, and why."""

    file: str
    record: str
    why: str


class RecordError(Exception):
    """A record is malformed; the message says where in it and why."""


_REFUSED_KEPT = 1_000


@dataclass(slots=True)
class Refusals:
    """Refused records: all are counted, the first thousand are kept."""

    file: str
    count: int = 0
    kept: list[Refused] = field(default_factory=list)

    def add(self, record: str, why: str) -> None:
        """Note one."""
        self.count += 1
        if len(self.kept) < _REFUSED_KEPT:
            self.kept.append(Refused(self.file, record[:120], why[:300]))


def parse_json(text: bytes, limits: Limits = LIMITS) -> Any:
    """JSON of bounded size and depth.

    Raises:
        RecordError: it is too large, too deep, or no JSON.
    """
    if len(text) > limits.document_bytes:
        raise RecordError(f"larger than {limits.document_bytes:,} bytes")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"no JSON: {error}") from error
    return value


def check_depth(value: Any, limits: Limits = LIMITS) -> None:
    """Refuse what is nested more deeply than any record is.

    Raises:
        RecordError: it is.
    """
    level = [value]
    for _ in range(limits.depth):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise RecordError(f"nested more than {limits.depth} levels deep")


def _inside(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in inner if isinstance(one, dict | list)]


def gunzip(packed: bytes, where: str, limits: Limits = LIMITS) -> bytes:
    """Bounded decompression of a gzip file, however many members it has.

    Raises:
        InputError: it is damaged or unpacks to more than a document may have.
    """
    found, size = [], 0
    while packed:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(packed, limits.document_bytes - size + 1)
        except zlib.error as error:
            raise InputError(where, f"damaged gzip: {error}") from error
        size += len(part)
        if size > limits.document_bytes:
            raise InputError(where, f"unpacks to more than {limits.document_bytes:,} bytes")
        if not unpacker.eof:
            raise InputError(where, "gzip file is cut short")
        found.append(part)
        packed = unpacker.unused_data.lstrip(b"\0")
    return b"".join(found)


def text_of(value: Any, limit: int = LIMITS.text) -> str:
    """A text of bounded length; what is no text is none. Unpaired surrogates are spelt out."""
    if not isinstance(value, str):
        return ""
    kept = value if len(value) <= limit else value[: limit - 1] + "…"
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")


def mapping(value: Any, where: str) -> JSON:
    """An object, or a refusal that says where one was expected."""
    if not isinstance(value, dict):
        raise RecordError(f"{where}: an object is expected")
    return value


def objects(value: Any, where: str, limits: Limits = LIMITS) -> Iterator[JSON]:
    """The objects of a list; a missing list is empty.

    Raises:
        RecordError: it is no list, or holds too much or something else.
    """
    if value is None:
        return
    if not isinstance(value, list):
        raise RecordError(f"{where}: a list is expected")
    if len(value) > limits.items:
        raise RecordError(f"{where}: more than {limits.items:,} entries")
    for number, one in enumerate(value):
        yield mapping(one, f"{where}[{number}]")


def texts(value: Any, most: int = 200) -> tuple[str, ...]:
    """The texts of a list, as many as are kept."""
    listed = value if isinstance(value, list) else []
    return tuple(text_of(one) for one in listed[:most] if isinstance(one, str) and one)


def day(value: Any) -> str:
    """The day of a date or a moment in ISO form; empty where it is neither."""
    text = value[:10] if isinstance(value, str) else ""
    parts = text.split("-")
    sizes = [len(part) for part in parts]
    return text if sizes == [4, 2, 2] and all(part.isdigit() for part in parts) else ""
