"""What a signature is: features of a component with the releases and source files they stand in.

A feature is a 64-bit hash of a text, a name or a table, with its kind and weight, the source file
that it mostly stands in, and the set of releases that have it. Sets are kept as intervals over
the component's ordered releases. Nothing of the upstream's text can be got back.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.origins import Release

TEXT, NAME, TABLE, EXPRESSION = 0, 1, 2, 3
KINDS = 4
"""Kinds of features: bits 4 and up of `kinds`; the low bits are the weight's class."""

WEIGHTS = (0.1, 0.3, 0.6, 1.0)
"""How much a feature says, by class: a short word occurs anywhere, a sentence does not."""

_SHORT, _LONG, _SENTENCE = 9, 16, 12


def text_class(text: bytes) -> int:
    """The weight's class of a text."""
    words = text.strip()
    if b" " in words:
        return 3 if len(words) >= _SENTENCE else 2
    if len(words) < _SHORT:
        return 0
    return 2 if len(words) >= _LONG or not words.replace(b"_", b"").isalnum() else 1


NAME_CLASS = 1
TABLE_CLASS = 3


def kind_of(what: int, weight: int) -> int:
    """A feature's byte in `kinds`."""
    return what << 4 | weight


class About(NamedTuple):
    """What a signature says of its component besides its features."""

    name: str
    purl: str
    repository: str
    family: str
    core: tuple[str, ...]
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """A component's features, sorted by hash.

    `files[n]` and `sets[n]` are feature n's source file and release set; set m holds the intervals
    `bounds[starts[m]:starts[m + 1]]`, each from its first release to before its second.
    """

    about: About
    paths: tuple[str, ...]
    hashes: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    files: NDArray[np.uint16]
    sets: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    bounds: NDArray[np.uint16]

    def chosen(self, kept: NDArray[np.bool_]) -> "Signature":
        """The same with only the features that are `kept`, and the sets and paths they use."""
        sets, set_of = np.unique(self.sets[kept], return_inverse=True)
        files, file_of = np.unique(self.files[kept], return_inverse=True)
        counts = (self.starts[1:] - self.starts[:-1])[sets]
        starts = np.zeros(len(sets) + 1, np.uint32)
        np.cumsum(counts, out=starts[1:])
        rows = np.concatenate(
            [np.arange(self.starts[one], self.starts[one + 1]) for one in sets]
            or [np.empty(0, int)]
        ).astype(np.int64)
        return Signature(
            about=self.about,
            paths=tuple(self.paths[one] for one in files),
            hashes=self.hashes[kept],
            kinds=self.kinds[kept],
            files=file_of.astype(np.uint16),
            sets=set_of.astype(np.uint32),
            starts=starts,
            bounds=self.bounds[rows],
        )


def intervals(releases: int) -> list[tuple[int, int]]:
    """The runs of ones in a number, from the lowest bit."""
    found = []
    while releases:
        low = (releases & -releases).bit_length() - 1
        shifted = releases >> low
        high = low + ((shifted + 1) & ~shifted).bit_length() - 1
        found.append((low, high))
        releases &= ~((1 << high) - 1)
    return found
