"""Constant tables: S-boxes, CRC and Huffman tables, which tell components of few words.

How it works: a table's hash has two parts. Its upper 24 bits come from the first eight bytes alone,
so that one look at each place of a binary where a table may stand (multiples of four) dismisses
nearly all of them; its lower 40 bits come from the whole table, which is hashed at the rest.

Source: FindCrypt and signsrch show that constants identify algorithms; the two-part hash is ours.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.text import U64, Index, hash_names

WIDTHS = (16, 32, 64, 128)
"""Bytes of a table's leading numbers: sixteen of one, two, four or eight bytes."""

_HEAD_BITS = 24
_LOW = np.uint64((1 << (64 - _HEAD_BITS)) - 1)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_FEWEST_OCTETS = 4
_MOST = 20_000


def hash_tables(tables: Sequence[bytes]) -> U64:
    """The hashes of tables' leading bytes, in their order; 0 where these are mostly zeros."""
    words = np.frombuffer(b"".join(table[:8] for table in tables), "<u8")
    hashes: U64 = np.where(
        ~_rich(words), np.uint64(0), _heads(words) | (hash_names(tables) & _LOW)
    ).astype(np.uint64)
    return hashes


class TableFinder:
    """Finds places of known tables. `known` are the hashes of all tables that are looked for."""

    def __init__(self, known: U64) -> None:
        self._known = np.unique(known)
        # A smaller table of the same bits stays in the processor's cache.
        self._may = np.zeros(1 << 20, np.bool_)
        self._may[known >> np.uint64(44)] = True
        self._likely = np.zeros(1 << _HEAD_BITS, np.bool_)
        self._likely[known >> np.uint64(64 - _HEAD_BITS)] = True

    def find(self, data: bytes | memoryview) -> tuple[U64, Index]:
        """Hashes of the tables in `data`, and their offsets."""
        raw = np.frombuffer(data, np.uint8)
        if not len(self._known):
            return np.empty(0, np.uint64), np.empty(0, np.int64)
        places = [self._places(raw, shift) for shift in (0, 4)]
        offsets = np.sort(np.concatenate(places))[:_MOST]
        view = memoryview(data)
        pieces = [
            (int(at), bytes(view[at : at + width]))
            for at in offsets
            for width in WIDTHS
            if at + width <= len(view)
        ]
        if not pieces:
            return np.empty(0, np.uint64), np.empty(0, np.int64)
        hashes = hash_tables([piece for _, piece in pieces])
        at = np.array([at for at, _ in pieces], np.int64)
        nearest = np.searchsorted(self._known, hashes).clip(max=len(self._known) - 1)
        kept = self._known[nearest] == hashes
        return hashes[kept], at[kept]

    def _places(self, raw: np.ndarray[tuple[int], np.dtype[np.uint8]], shift: int) -> Index:
        usable = (len(raw) - shift) // 8 * 8
        if usable <= 0:
            return np.empty(0, np.int64)
        words = np.frombuffer(raw[shift : shift + usable].tobytes(), "<u8")
        heads = words * _SPREAD
        may = np.flatnonzero(self._may[heads >> np.uint64(44)])
        likely = self._likely[heads[may] >> np.uint64(64 - _HEAD_BITS)] & _rich(words[may])
        places: Index = may[likely] * 8 + shift
        return places


def _rich(words: U64) -> NDArray[np.bool_]:
    """Whether a table's first eight bytes are such as code and zeros seldom hold."""
    octets = words.astype("<u8").view(np.uint8).reshape(-1, 8)
    rich: NDArray[np.bool_] = (octets != 0).sum(axis=1) >= _FEWEST_OCTETS
    return rich


def _heads(words: U64) -> U64:
    heads: U64 = (words * _SPREAD) & ~_LOW
    return heads
