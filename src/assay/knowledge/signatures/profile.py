"""One component's features made ready for deciding, and kept as long as the process lives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.match import Hits
from assay.knowledge.signatures.recipes import is_code
from assay.knowledge.signatures.signature import KINDS, TEXT, WEIGHTS, About
from assay.knowledge.signatures.snapshot import Snapshot
from assay.knowledge.signatures.text import Index

_UNIT_WEIGHTS = np.zeros(256)
for _kind in range(KINDS):
    _UNIT_WEIGHTS[_kind << 4 : (_kind << 4) + len(WEIGHTS)] = WEIGHTS


@dataclass(frozen=True, slots=True)
class Profile:
    """A component's features, and clusters of them: those of one file, kind and release set.

    `numbers` are the features' numbers in the snapshot; `member[s, r]` says whether release r is
    in set s; `code` and `core` are truths of source files.
    """

    owner: int
    about: About
    paths: tuple[str, ...]
    numbers: Index
    weights: NDArray[np.float64]
    kinds: NDArray[np.uint8]
    files: Index
    sets: Index
    member: NDArray[np.bool_]
    code: NDArray[np.bool_]
    core: NDArray[np.bool_]
    clusters: Index
    cluster_files: Index
    cluster_kinds: NDArray[np.uint8]
    cluster_sets: Index
    cluster_sizes: NDArray[np.float64]
    cluster_weights: NDArray[np.float64]
    total: float
    sentences: int

    def within(self, features: Index) -> Index:
        """Numbers in the snapshot → numbers here."""
        return np.searchsorted(self.numbers, features)

    def kinds_of(self, hits: Hits) -> NDArray[np.uint8]:
        """The hits' kinds."""
        return self.kinds[self.within(hits.features)]


class Profiles:
    """The profiles of a snapshot's components, each made when it is first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.weights = _UNIT_WEIGHTS[snapshot.kinds]
        self._made: dict[int, Profile] = {}

    def of(self, owner: int) -> Profile:
        """A component's profile."""
        if owner not in self._made:
            self._made[owner] = _profile(self.snapshot, owner)
        return self._made[owner]


def _profile(snapshot: Snapshot, owner: int) -> Profile:
    about, paths = snapshot.components[owner], snapshot.paths[owner]
    numbers = np.flatnonzero(snapshot.owners == owner)
    kinds = (snapshot.kinds[numbers] >> 4).astype(np.uint8)
    files = snapshot.files[numbers].astype(np.int64)
    used, sets = np.unique(snapshot.sets[numbers], return_inverse=True)
    weights = _UNIT_WEIGHTS[snapshot.kinds[numbers]]
    key = (files << 34) | (kinds.astype(np.int64) << 32) | sets
    unique, clusters = np.unique(key, return_inverse=True)
    code = np.fromiter((is_code(path) for path in paths), np.bool_, len(paths))
    core = np.fromiter((path.startswith(about.core) for path in paths), np.bool_, len(paths))
    return Profile(
        owner=owner,
        about=about,
        paths=paths,
        numbers=numbers,
        weights=weights,
        kinds=kinds,
        files=files,
        sets=sets.astype(np.int64),
        member=_member(snapshot, used, len(about.releases)),
        code=code,
        core=core if about.core else np.ones(len(paths), np.bool_),
        clusters=clusters,
        cluster_files=unique >> 34,
        cluster_kinds=((unique >> 32) & 3).astype(np.uint8),
        cluster_sets=unique & 0xFFFF_FFFF,
        cluster_sizes=np.bincount(clusters).astype(np.float64),
        cluster_weights=np.bincount(clusters, weights).astype(np.float64),
        total=float(weights.sum()),
        sentences=int(((weights == 1) & (kinds == TEXT)).sum()),
    )


def _member(snapshot: Snapshot, sets: NDArray[np.uint32], releases: int) -> NDArray[np.bool_]:
    """Which releases are in which set."""
    steps = np.zeros((len(sets), releases + 1), np.int16)
    starts = snapshot.starts.astype(np.int64)
    counts = starts[sets + 1] - starts[sets]
    rows = np.repeat(np.arange(len(sets)), counts)
    firsts = np.repeat(starts[sets] - (np.cumsum(counts) - counts), counts)
    bounds = snapshot.bounds[firsts + np.arange(len(rows))].astype(np.int64)
    np.add.at(steps, (rows, bounds[:, 0]), 1)
    np.add.at(steps, (rows, bounds[:, 1]), -1)
    member: NDArray[np.bool_] = np.cumsum(steps, axis=1)[:, :releases] > 0
    return member
