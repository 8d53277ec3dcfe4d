"""Looks up what stands in a binary among all components' features at once.

How it works: runs and names become hashes, a table of leading bits dismisses nearly all of them,
the rest is found by binary search in one sorted array. So the cost grows with the binary's
length and not with the number of components.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.signature import TABLE
from assay.knowledge.signatures.snapshot import PREFIX_BITS, Snapshot
from assay.knowledge.signatures.tables import TableFinder
from assay.knowledge.signatures.text import U64, Index, find_runs, hash_names

Ranges = Sequence[tuple[int, int]]
"""Parts of a file, each from its first byte to before its last."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Features of a snapshot that stand in a file, each once, sorted by feature.

    `offsets` and `lengths` say where in the file; a name has the offset -1 and its number in the
    list of names as length. `sharers` counts the components that have the feature. `texts` is how
    many runs the file holds in all, known or not.
    """

    features: Index
    offsets: Index
    lengths: Index
    sharers: Index
    texts: int = 0

    def of(self, snapshot: Snapshot, owner: int) -> "Hits":
        """The hits of one component."""
        return self.where(snapshot.owners[self.features] == owner)

    def where(self, kept: NDArray[np.bool_]) -> "Hits":
        """Some of the hits."""
        return Hits(
            self.features[kept],
            self.offsets[kept],
            self.lengths[kept],
            self.sharers[kept],
            self.texts,
        )


class Matcher:
    """A snapshot made ready for look-ups."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._present = snapshot.present

    @cached_property
    def _tables(self) -> TableFinder:
        kinds = self.snapshot.kinds >> 4
        return TableFinder(self.snapshot.hashes[kinds == TABLE])

    def hits(
        self,
        data: bytes | memoryview,
        text: Ranges,
        tables: Ranges = (),
        names: Iterable[bytes] = (),
    ) -> Hits:
        """What of the snapshot stands in a file: texts and tables in parts of it, names given."""
        hashes, offsets, lengths, texts = [], [], [], 0
        view = memoryview(data)
        for start, end in text:
            runs = find_runs(view[start:end])
            texts += len(runs.hashes)
            kept = self._may(runs.hashes)
            hashes.append(runs.hashes[kept])
            offsets.append(runs.starts[kept] + start)
            lengths.append(runs.lengths[kept])
        for start, end in tables:
            found, at = self._tables.find(view[start:end])
            hashes.append(found)
            offsets.append(at + start)
            lengths.append(np.zeros(len(at), np.int64))
        named = hash_names(names)
        hashes.append(named)
        offsets.append(np.full(len(named), -1, np.int64))
        lengths.append(np.arange(len(named)))
        return self._found(
            np.concatenate(hashes), np.concatenate(offsets), np.concatenate(lengths), texts
        )

    def _may(self, hashes: U64) -> NDArray[np.bool_]:
        may: NDArray[np.bool_] = self._present[hashes >> np.uint64(64 - PREFIX_BITS)]
        return may

    def _found(self, hashes: U64, offsets: Index, lengths: Index, texts: int) -> Hits:
        hashes, first = np.unique(hashes, return_index=True)
        offsets, lengths = offsets[first], lengths[first]
        low = np.searchsorted(self.snapshot.hashes, hashes, side="left")
        high = np.searchsorted(self.snapshot.hashes, hashes, side="right")
        counts = high - low
        total = int(counts.sum())
        firsts = np.repeat(np.cumsum(counts) - counts, counts)
        return Hits(
            features=np.repeat(low, counts) + np.arange(total) - firsts,
            offsets=np.repeat(offsets, counts),
            lengths=np.repeat(lengths, counts),
            sharers=np.repeat(counts, counts),
            texts=texts,
        )
