"""Decides from hits which components a file carries, how much of each, and of which releases.

How it works. Components are taken in the order of the weight that their hits have in the best
release; what one explains no longer counts for the next, so that forks and bundled copies are not
reported beside the component itself; of one family of forks, one is reported. A component is there
if enough weight stands in source files of which a good part is there: a caller, and a list of
texts, touch many files and cover none.

Releases are compared by clusters: the features of one source file with one release set. A cluster
that is there speaks against every release that lacks it; one that is missing, from a file that
else is there, against every release that has it. Both weigh little more for a big cluster than
for a small one, since the strings of one change come and go together (an option left out, a
patch that was ported back). All releases within `TOLERANCE` of the best make the interval.

The constants were fitted on Debian's binaries; see docs/accuracy.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.match import Hits
from assay.knowledge.signatures.profile import Profile, Profiles
from assay.knowledge.signatures.signature import EXPRESSION, KINDS, NAME, TABLE, TEXT
from assay.knowledge.signatures.text import Index

LEAST_WEIGHT = 3.0
"""Hits that weigh less are chance."""

FILE_THERE = 0.3
"""A source file is there if this share of its features' weight is."""

SENTENCES, NAMES = 2, 8
"""A copy shows so many sentences, or defines so many names, that no other component has."""

_OF_API = 0.1
"""Names alone tell only where so much of the component is there: others may offer its interface."""

_OWN, _AMONG_OTHERS = 0.15, 8.0
"""Where a file's texts are mostly others', hits must weigh this much: common texts occur."""

_MOST_AGAINST = 0.33
"""So many of the hits may be none of the best release's."""

IN_FILES = 0.4
"""So much of the hits' weight must stand in source files that are there."""

FULL, PARTIAL = 0.3, 0.08
"""A copy is full where so much of the component's code weight lies in files that are there;
partial above the second share or with three files; else a fragment."""

TOLERANCE = 4.0
_FEWEST, _FILES = 4, 3
_MOST_OF_FILE, _MUCH, _MUCH_SHARE = 0.6, 8.0, 0.1
_AGAINST, _MOST_ABSENT = 4.0, 3.0
_CERTAIN = 0.95
_USED = 0.5
"""Names, tables and assertions tell by being absent only where so much of a file's are there."""

_SOFT = 12.0
"""Costs in one source file above this grow slowly: one cause (a file that is generated, or replaced
by a distribution's) explains them all."""

Extent = Literal["full", "partial", "fragment"]
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Decision:
    """A component that a file carries: releases `low` to `high` (numbers of its own), `best` the
    likeliest, `scores` of all; how much of it, and the hits that say so."""

    owner: int
    low: int
    high: int
    best: int
    scores: Weights
    extent: Extent
    weight: float
    share: float
    files: int
    expected_files: int
    hits: Hits
    contradicted: int


def decide(profiles: Profiles, hits: Hits, *, strict: bool = False) -> list[Decision]:
    """All components that the hits show. `strict` asks for more where the file is no program."""
    owners = profiles.snapshot.owners[hits.features]
    candidates = _candidates(profiles, hits, owners)
    ranked = sorted(
        (
            (_best_weight(profiles.of(owner), hits.where(owners == owner)), owner)
            for owner in candidates
        ),
        key=lambda pair: (-pair[0], pair[1]),
    )
    explained: set[int] = set()
    families: set[str] = set()
    decisions = []
    for _, owner in ranked:
        family = profiles.snapshot.components[owner].family
        if family in families:
            continue
        mine = hits.where(owners == owner)
        keys = _keys(mine)
        free = np.fromiter((key not in explained for key in keys), np.bool_, len(keys))
        decision = _one(profiles.of(owner), mine, free, strict=strict)
        if decision is not None:
            decisions.append(decision)
            families.add(family)
            explained.update(keys)
    return decisions


def _keys(hits: Hits) -> list[int]:
    """What names a hit's place: an offset, or a name's number below zero."""
    return np.where(hits.offsets < 0, -1 - hits.lengths, hits.offsets).tolist()  # type: ignore[no-any-return]


def _candidates(profiles: Profiles, hits: Hits, owners: NDArray[np.uint16]) -> list[int]:
    """Components worth a closer look; of most, a file holds a few words that are others' too."""
    weights, kinds = profiles.weights[hits.features], profiles.snapshot.kinds[hits.features] >> 4
    alone, count = hits.sharers == 1, len(profiles.snapshot.components)
    weight = np.bincount(owners, weights / hits.sharers, count)
    sentences = np.bincount(owners, alone & (kinds == TEXT) & (weights == 1), count)
    names = np.bincount(owners, alone & (kinds == NAME), count)
    worth = (weight >= LEAST_WEIGHT / 2) & ((sentences >= 1) | (names >= NAMES))
    return [int(owner) for owner in np.flatnonzero(worth)]


def _best_weight(profile: Profile, hits: Hits) -> float:
    within = profile.within(hits.features)
    best: float = (profile.weights[within] @ profile.member[profile.sets[within]]).max()
    return best


def _one(profile: Profile, hits: Hits, free: NDArray[np.bool_], *, strict: bool) -> Decision | None:
    within = profile.within(hits.features)
    hit = np.zeros(len(profile.weights), np.bool_)
    hit[within] = True
    weights = profile.weights[within] * free
    if weights.sum() < LEAST_WEIGHT:
        return None
    kinds, alone = profile.kinds[within], free & (hits.sharers == 1)
    if not _may_show(profile, within, kinds, alone):
        return None
    named = bool(np.any(kinds == NAME))
    best = int((profile.weights[within] @ profile.member[profile.sets[within]]).argmax())
    there = _there(profile, hit, best, named=named)
    scores = _scores(profile, hit, there, hits)
    if (likeliest := _likeliest(scores)) != best:
        best = likeliest
        there = _there(profile, hit, best, named=named)
        scores = _scores(profile, hit, there, hits)
        best = _likeliest(scores)
    in_best = profile.member[profile.sets[within], best]
    counted = weights * in_best * there.files[profile.files[within]]
    extent, share = _extent(profile, there, best)
    if not _is_copy(profile, hits, weights, counted, in_best, share, strict=strict):
        return None
    near = np.flatnonzero(scores >= scores[best] - TOLERANCE)
    return Decision(
        owner=profile.owner,
        low=int(near[0]),
        high=int(near[-1]),
        best=best,
        scores=scores,
        extent=extent,
        weight=float(counted.sum()),
        share=share,
        files=int((there.files & profile.code & (there.expected > 0)).sum()),
        expected_files=int((profile.code & (there.expected > 0)).sum()),
        hits=hits,
        contradicted=int((~in_best).sum()),
    )


def _may_show(
    profile: Profile, within: Index, kinds: NDArray[np.uint8], alone: NDArray[np.bool_]
) -> bool:
    """Whether there are words enough of its own; most that only share some end here."""
    sentences = int((alone & (kinds == TEXT) & (profile.weights[within] == 1)).sum())
    return sentences >= min(SENTENCES, 0.3 * profile.sentences) or (
        int((alone & (kinds == NAME)).sum()) >= NAMES
    )


def _is_copy(
    profile: Profile,
    hits: Hits,
    weights: Weights,
    counted: Weights,
    in_best: NDArray[np.bool_],
    share: float,
    *,
    strict: bool,
) -> bool:
    total, inside = float(weights.sum()), float(counted.sum())
    here = counted > 0
    alone = here & (hits.sharers == 1)
    kinds = profile.kinds_of(hits)
    sentences = int(
        (alone & (profile.weights[profile.within(hits.features)] == 1) & (kinds == TEXT)).sum()
    )
    names = int((alone & (kinds == NAME)).sum())
    least = LEAST_WEIGHT * (3 if strict else 1)
    # Little components have no more to show.
    least = min(least, max(1.5, 0.4 * profile.total))
    agreeing = float((weights * in_best).sum())
    if int((here & (kinds == TEXT)).sum()) < _OWN * hits.texts:
        # Within much else, a few texts are rather quoted or common than copied.
        least, least_sentences = max(least, _AMONG_OTHERS), 2 * SENTENCES
    else:
        least_sentences = SENTENCES
    return (
        inside >= least
        # Words and tables are those of standards and algorithms, which many implement.
        and (
            sentences >= min(least_sentences, 0.3 * profile.sentences)
            or (names >= NAMES and share >= _OF_API)
        )
        and bool(np.any(profile.code[profile.files[profile.within(hits.features)]] & here))
        and int((counted > 0).sum()) >= _FEWEST
        and inside >= IN_FILES * total
        and agreeing >= (0.85 if strict else 0.7) * total
        and int((~in_best).sum()) <= _MOST_AGAINST * len(in_best)
    )


@dataclass(frozen=True, slots=True)
class _There:
    """Which source files are there in a release, and what they should hold; `groups` are the
    shares of each file's features by kind (four a file)."""

    files: NDArray[np.bool_]
    expected: Weights
    groups: Weights


def _there(profile: Profile, hit: NDArray[np.bool_], release: int, *, named: bool) -> _There:
    live = profile.member[profile.sets, release]
    count = len(profile.code)
    weights = profile.weights * live
    group = profile.files * KINDS + profile.kinds
    expected = np.bincount(group, weights, count * KINDS)
    found = np.bincount(group, weights * hit, count * KINDS)
    groups = np.divide(found, expected, out=np.zeros(count * KINDS), where=expected > 0)
    # What many builds leave out is expected only where some of it is there.
    optional = np.tile(np.isin(np.arange(KINDS), (NAME, TABLE, EXPRESSION)), count)
    counted = np.where(optional & (groups < _USED), found, expected)
    expected, found = (one.reshape(-1, KINDS).sum(axis=1) for one in (counted, found))
    number = np.bincount(profile.files, live & hit, count)
    shares = np.divide(found, expected, out=np.zeros(count), where=expected > 0)
    files = (shares >= FILE_THERE) & (number > 1) | (shares >= _MOST_OF_FILE) & (number > 0)
    # A big file of which a good deal is there is there, whatever options left out.
    files |= (found >= _MUCH) & (shares >= _MUCH_SHARE)
    return _There(files, expected, groups)


def _scores(profile: Profile, hit: NDArray[np.bool_], there: _There, hits: Hits) -> Weights:
    """How well each release explains what is there and what is not; the best has the most."""
    clusters = len(profile.cluster_sets)
    there_in = np.bincount(profile.clusters, hit, clusters)
    strongest = np.zeros(clusters)
    within = profile.within(hits.features)
    alone = profile.weights[within] / np.sqrt(hits.sharers)
    np.maximum.at(strongest, profile.clusters[within], alone)
    against = _AGAINST * strongest * (1 + 0.5 * np.log2(np.maximum(there_in, 1)))
    group = profile.cluster_files * KINDS + profile.cluster_kinds
    share = np.clip(there.groups[group], 0, _CERTAIN)
    usable = there.files[profile.cluster_files] & profile.code[profile.cluster_files]
    usable &= (profile.cluster_kinds == TEXT) | (share >= _USED)
    each = -np.log1p(-share) * profile.cluster_weights
    absent = np.where(usable & (there_in == 0), np.minimum(each, _MOST_ABSENT), 0)
    some = (there_in > 0) & usable
    absent = np.where(some, np.minimum(0.2 * (profile.cluster_sizes - there_in), 1), absent)
    rows = np.flatnonzero((absent > 0) | (against > 0))
    if not len(rows):
        return np.zeros(profile.member.shape[1])
    member = profile.member[profile.cluster_sets[rows]]
    costs = absent[rows, None] * member + against[rows, None] * ~member
    files = profile.cluster_files[rows]
    of_file = np.add.reduceat(costs, np.flatnonzero(np.r_[True, files[1:] != files[:-1]]), axis=0)
    of_file -= of_file.min(axis=1, keepdims=True)
    scores: Weights = -(_SOFT * np.log1p(of_file / _SOFT)).sum(axis=0)
    return scores


def _likeliest(scores: Weights) -> int:
    """The best release; of equals the middle one."""
    equal = np.flatnonzero(scores >= scores.max() - 1e-9)
    return int(equal[len(equal) // 2])


def _extent(profile: Profile, there: _There, release: int) -> tuple[Extent, float]:
    core = profile.core & profile.code & (there.expected > 0)
    weight = there.expected * core
    whole = float(np.sqrt(weight).sum())
    share = float(np.sqrt(weight[there.files]).sum()) / whole if whole else 0.0
    if share >= FULL:
        return "full", share
    number = int((there.files & profile.code).sum())
    return ("partial" if share >= PARTIAL or number >= _FILES else "fragment"), share


def shown_hits(profile: Profile, decision: Decision, count: int) -> Iterator[tuple[int, int, str]]:
    """The hits that say most: offset, length, and the source file they are from."""
    within = profile.within(decision.hits.features)
    member = profile.member[profile.sets[within]]
    rare = 1 - member.mean(axis=1)
    value = profile.weights[within] * member[:, decision.best] * (0.2 + rare)
    value[decision.hits.offsets < 0] = 0
    for one in np.argsort(-value, kind="stable")[:count].tolist():
        if value[one] > 0:
            path = profile.paths[profile.files[within[one]]]
            yield int(decision.hits.offsets[one]), int(decision.hits.lengths[one]), path
