"""Addresses that mean a named function, and the instructions that were seen to lead there."""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.examine.callsites.image import Ints, Truths

NOTHING: Ints = np.empty(0, np.int64)


def joined(parts: Iterable[Ints]) -> Ints:
    """Arrays one after the other; an empty array for none."""
    return np.concatenate([NOTHING, *parts])


class Hits(NamedTuple):
    """Instructions at the addresses `at`, each of which leads to the symbol `ref` beside it.

    `jump` tells branches that do not return here (tail calls) from calls.
    """

    at: Ints
    ref: Ints
    jump: Truths

    @classmethod
    def of(cls, at: Ints, ref: Ints, jump: bool = False) -> "Hits":
        """Instructions that are all calls or all jumps."""
        return cls(at, ref, np.full(len(at), jump))

    @classmethod
    def joined(cls, parts: Iterable["Hits"]) -> "Hits":
        """All hits together, in the order of the parts."""
        found = [part for part in parts if len(part.at)]
        jumps = np.concatenate([np.empty(0, np.bool_), *(part.jump for part in found)])
        return cls(joined(part.at for part in found), joined(part.ref for part in found), jumps)

    def only(self, kept: Truths) -> "Hits":
        """The hits that are marked."""
        return Hits(self.at[kept], self.ref[kept], self.jump[kept])


@dataclass(frozen=True, slots=True)
class Targets:
    """A map from addresses, sorted and each once, to symbol numbers."""

    addresses: Ints
    refs: Ints

    @classmethod
    def of(cls, addresses: Ints, refs: Ints) -> "Targets":
        """Build the map; of several symbols at one address the first given stays."""
        if len(addresses) < 2:
            return cls(addresses, refs)
        unique, first = np.unique(addresses, return_index=True)
        return cls(unique, refs[first])

    @classmethod
    def merged(cls, parts: Iterable["Targets"]) -> "Targets":
        """One map out of several; where they disagree, the earlier one wins."""
        parts = list(parts)
        return cls.of(
            joined(part.addresses for part in parts),
            joined(part.refs for part in parts),
        )

    def __len__(self) -> int:
        return len(self.addresses)

    def find(self, wanted: Ints) -> tuple[Ints, Ints]:
        """Which positions of `wanted` are in the map, and the symbols found there."""
        if not len(self.addresses) or not len(wanted):
            return NOTHING, NOTHING
        near = np.flatnonzero((wanted >= self.addresses[0]) & (wanted <= self.addresses[-1]))
        places = np.searchsorted(self.addresses, wanted[near])
        hit = self.addresses[places] == wanted[near]
        return near[hit], self.refs[places[hit]]

    def hits(self, at: Ints, wanted: Ints, jump: bool = False) -> Hits:
        """The instructions at `at` whose targets `wanted` are in the map."""
        found, refs = self.find(wanted)
        return Hits.of(at[found], refs, jump)
