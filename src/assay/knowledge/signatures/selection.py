"""Which features go into a snapshot: those that say something.

How it works: a feature that several unrelated components share says little and goes, components
of one family counted as one; but a component of which a good part is found in others is one that
others bundle (zlib), and keeps what is its own. Tables go where there are sentences enough. Of
each component, so many of the heaviest stay; among equals, those that tell releases apart stay
before those that all releases have, and every source file keeps its first ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.signature import NAME, TABLE, TEXT, WEIGHTS, Signature, kind_of
from assay.knowledge.signatures.text import U64

_BUNDLED = 0.1
_WORDY = 250


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a snapshot keeps: families that may share a feature, features a component."""

    families: int = 3
    features: int = 30_000


def select(signatures: Sequence[Signature], bounds: Bounds = Bounds()) -> list[Signature]:
    """The signatures with what they keep."""
    ordered = sorted(signatures, key=lambda one: one.about.name)
    families = sorted({one.about.family for one in ordered})
    pairs = [
        np.unique(np.concatenate([one.hashes for one in ordered if one.about.family == family]))
        for family in families
    ]
    hashes, shared = np.unique(np.concatenate(pairs), return_counts=True)
    common = hashes[shared > bounds.families]
    return [_fewer(one, _telling(one, common), bounds.features) for one in ordered]


def _telling(one: Signature, common: U64) -> NDArray[np.bool_]:
    shared: NDArray[np.bool_] = np.isin(one.hashes, common)
    sentences = int((one.kinds == kind_of(TEXT, len(WEIGHTS) - 1)).sum())
    wordy = (one.kinds >> 4 == TABLE) & (sentences > _WORDY)
    dropped: NDArray[np.bool_] = wordy if shared.mean() >= _BUNDLED else shared | wordy
    kept: NDArray[np.bool_] = ~dropped
    return kept


def _fewer(one: Signature, kept: NDArray[np.bool_], most: int) -> Signature:
    if int(kept.sum()) > most:
        worth = np.array(WEIGHTS)[one.kinds & 0xF]
        worth[one.kinds >> 4 == NAME] = WEIGHTS[0]
        everywhere = _covered(one) == len(one.about.releases)
        worth = worth * np.where(everywhere, 0.5, 1.0)
        ranks = _rank_in_file(one, worth, kept)
        worth = np.where(ranks < _FIRST_OF_FILE, worth + 1, worth)
        order = np.lexsort((one.hashes, -np.where(kept, worth, -1)))
        chosen = np.zeros(len(kept), np.bool_)
        chosen[order[:most]] = True
        kept = kept & chosen
    return one.chosen(kept)


_FIRST_OF_FILE = 12


def _covered(one: Signature) -> NDArray[np.int64]:
    """In how many releases each feature stands."""
    lengths = (one.bounds[:, 1].astype(np.int64) - one.bounds[:, 0]).astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(lengths)])
    of_set = sums[one.starts[1:]] - sums[one.starts[:-1]]
    covered: NDArray[np.int64] = of_set[one.sets]
    return covered


def _rank_in_file(
    one: Signature, worth: NDArray[np.float64], kept: NDArray[np.bool_]
) -> NDArray[np.int64]:
    order = np.lexsort((one.hashes, -np.where(kept, worth, -1), one.files))
    files = one.files[order]
    first = np.r_[True, files[1:] != files[:-1]]
    position = np.arange(len(files))
    starts = np.maximum.accumulate(np.where(first, position, 0))
    ranks = np.empty(len(files), np.int64)
    ranks[order] = position - starts
    return ranks
