"""Values of a Berkeley DB hash file, as RPM kept its database in until 2021.

How it works: the meta page gives page size and byte order; hash pages hold pairs of key and
value, a long value stands in a chain of overflow pages. Keys are not needed and left aside.

Source: Berkeley DB's dbinc/db_page.h (page layout).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from assay.examine.package_databases.package import DatabaseError

_MAGIC = 0x061561
_META, _HASH_UNSORTED, _OVERFLOW, _HASH = 8, 2, 7, 13
_HEADER = 26
_KEY_DATA, _OFF_PAGE = 1, 3
_OFF_PAGE_BYTES = 12
_PAGE_SIZES = frozenset(512 << power for power in range(8))
_META_BYTES = 72


def is_hash(data: memoryview) -> bool:
    """Whether the data begins as such a file."""
    return _order(data) is not None


def values(data: memoryview, longest: int) -> Iterator[bytes]:
    """All values of at most `longest` bytes, in the order of the pages.

    Raises:
        DatabaseError: the meta page makes no sense, or pages refer to what is no page of theirs.
    """
    order = _order(data)
    size = int.from_bytes(data[20:24], order) if order else 0
    if order is None or size not in _PAGE_SIZES:
        raise DatabaseError("a Berkeley DB file whose meta page is broken")
    pages = _Pages(data, order, size, longest, set())
    for number in range(1, len(data) // size):
        yield from pages.values_on(number)


def _order(data: memoryview) -> Literal["little", "big"] | None:
    if len(data) >= _META_BYTES and data[25] == _META:
        if int.from_bytes(data[12:16], "little") == _MAGIC:
            return "little"
        if int.from_bytes(data[12:16], "big") == _MAGIC:
            return "big"
    return None


@dataclass(frozen=True, slots=True)
class _Pages:
    """`followed` are the overflow pages that were read: none twice, so that chains end."""

    data: memoryview
    order: Literal["little", "big"]
    size: int
    longest: int
    followed: set[int]

    def values_on(self, number: int) -> Iterator[bytes]:
        page = self._page(number)
        if page[25] not in (_HASH, _HASH_UNSORTED):
            return
        count = self._u16(page, 20)
        if _HEADER + 2 * count > self.size:
            raise DatabaseError(f"page {number} of a Berkeley DB file is broken")
        # Each item ends where the one before it begins; the first ends with the page.
        starts = [self.size, *(self._u16(page, _HEADER + 2 * item) for item in range(count))]
        for item in range(2, count + 1, 2):
            yield from self._value(page[starts[item] : starts[item - 1]])

    def _value(self, item: memoryview) -> Iterator[bytes]:
        if not len(item):
            return
        if item[0] == _KEY_DATA:
            yield bytes(item[1:])
        elif item[0] == _OFF_PAGE and len(item) >= _OFF_PAGE_BYTES:
            first, length = (int.from_bytes(item[at : at + 4], self.order) for at in (4, 8))
            if length <= self.longest:
                yield self._chained(first, length)

    def _chained(self, number: int, length: int) -> bytes:
        parts = bytearray()
        while number and len(parts) < length:
            page = self._page(number)
            if page[25] != _OVERFLOW or number in self.followed:
                raise DatabaseError(f"page {number} of a Berkeley DB file is broken")
            self.followed.add(number)
            parts += page[_HEADER : _HEADER + self._u16(page, 22)]
            number = int.from_bytes(page[16:20], self.order)
        return bytes(parts[:length])

    def _page(self, number: int) -> memoryview:
        page = self.data[number * self.size : (number + 1) * self.size]
        if len(page) < self.size:
            raise DatabaseError(f"page {number} of a Berkeley DB file is missing")
        return page

    def _u16(self, page: memoryview, offset: int) -> int:
        return int.from_bytes(page[offset : offset + 2], self.order)
