"""The normal form of text, and its hash: the same for source and for binaries.

How it works: a run is a maximal stretch of printable ASCII and tabs, at least `SHORTEST` bytes.
Lines are runs of their own: compilers turn `printf("x\\n")` into `puts("x")`, and usage texts are
put together line by line under preprocessor conditions. A run's hash is a polynomial over table
values modulo 2^64, finalised with the mixer of MurmurHash3. All runs of a file are hashed by one
cumulative sum: the difference at a run's two ends, times the inverse power of its start, is its
hash, so no object is made for any string.

Sources: Knuth, The Art of Computer Programming 6.4 (polynomial hashes); Appleby, MurmurHash3
(fmix64); Steele et al., Fast splittable pseudorandom number generators (the table's values).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST = 6
"""Bytes of the shortest run. Five adds half as many runs, of which most are machine code."""

LONGEST = 4096
"""Longer runs are data, not messages."""

_CHUNK = 1 << 17
_MASK = (1 << 64) - 1
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_LENGTH = 0xD6E8FEB86659FD93

U64 = NDArray[np.uint64]
Index = NDArray[np.int64]


def _splitmix(count: int, state: int) -> list[int]:
    values = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        value = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        values.append(value ^ (value >> 31))
    return values


def _powers(base: int) -> U64:
    powers = np.full(_CHUNK + 1, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


_VALUES = np.array(_splitmix(256, 0), np.uint64)
_POWERS = _powers(_BASE)
_INVERSES = _powers(_INVERSE)
_PRINTABLE = np.zeros(256, np.bool_)
_PRINTABLE[0x20:0x7F] = True
_PRINTABLE[0x09] = True


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs of some bytes, in their order: where each starts, its length, its hash."""

    starts: Index
    lengths: Index
    hashes: U64


def find_runs(data: bytes | memoryview, shortest: int = SHORTEST) -> Runs:
    """Every run of `data`."""
    raw = np.frombuffer(data, np.uint8)
    parts = [_in_chunk(raw[start:end], start, shortest) for start, end in _chunks(raw)]
    if not parts:
        return Runs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint64))
    return Runs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def hash_texts(texts: Sequence[bytes]) -> U64:
    """The hashes of texts that are runs, in their order.

    Raises:
        ValueError: one of them is no single run.
    """
    found = find_runs(b"\0".join(texts))
    if len(found.hashes) != len(texts):
        raise ValueError("a text is no run")
    return found.hashes


def hash_text(text: bytes) -> int:
    """The reference: one run's hash in plain arithmetic."""
    value, power = 0, 1
    for byte in text:
        value = (value + int(_VALUES[byte]) * power) & _MASK
        power = (power * _BASE) & _MASK
    value ^= (len(text) * _LENGTH) & _MASK
    value = ((value ^ (value >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    value = ((value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK
    return value ^ (value >> 33)


def hash_name(name: bytes) -> int:
    """The hash of a function's or object's name: never equal to that of a text."""
    return hash_text(b"\x01" + name)


def hash_names(names: Iterable[bytes]) -> U64:
    """The hashes of names, in their order."""
    listed = list(names)
    if not listed:
        return np.empty(0, np.uint64)
    joined = np.frombuffer(b"".join(b"\x01" + name for name in listed), np.uint8)
    lengths = np.array([len(name) + 1 for name in listed], np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.empty(len(listed), np.uint64)
    first = 0
    while first < len(listed):
        last = int(np.searchsorted(ends, starts[first] + _CHUNK, side="right"))
        if last == first:  # a name longer than a chunk is no name
            out[first] = 0
            first += 1
            continue
        base = int(starts[first])
        piece = joined[base : int(ends[last - 1])]
        out[first:last] = _hashes(piece, starts[first:last] - base, lengths[first:last])
        first = last
    return out


def _chunks(raw: NDArray[np.uint8]) -> Iterable[tuple[int, int]]:
    """Pieces that end where a run ends; a run longer than a piece is cut, being no message."""
    start, size = 0, len(raw)
    while start < size:
        end = min(start + _CHUNK, size)
        if end < size:
            tail = np.flatnonzero(~_PRINTABLE[raw[max(start, end - LONGEST) : end]])
            if len(tail):
                end = max(start, end - LONGEST) + int(tail[-1]) + 1
        yield start, end
        start = end


def _in_chunk(raw: NDArray[np.uint8], offset: int, shortest: int) -> tuple[Index, Index, U64]:
    padded = np.zeros(len(raw) + 2, np.bool_)
    np.take(_PRINTABLE, raw, out=padded[1:-1])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    starts, ends = edges[::2], edges[1::2]
    lengths = ends - starts
    kept = (lengths >= shortest) & (lengths <= LONGEST)
    starts, lengths = starts[kept], lengths[kept]
    if not len(starts):
        return starts, lengths, np.empty(0, np.uint64)
    return starts + offset, lengths, _hashes(raw, starts, lengths)


def _hashes(raw: NDArray[np.uint8], starts: Index, lengths: Index) -> U64:
    sums = np.zeros(len(raw) + 1, np.uint64)
    np.cumsum(_VALUES[raw] * _POWERS[: len(raw)], out=sums[1:])
    value = (sums[starts + lengths] - sums[starts]) * _INVERSES[starts]
    value ^= lengths.astype(np.uint64) * np.uint64(_LENGTH)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    mixed: U64 = value ^ (value >> np.uint64(33))
    return mixed
