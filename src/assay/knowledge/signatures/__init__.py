"""Signatures of components, made from their source: build, keep, look up.

Takes: upstream repositories (once, by maintainers or users); a binary's bytes. Gives: which
components the binary carries, how much of each, and of which releases. Must not know: images,
files' names, what is done about a find.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from assay.knowledge.signatures.decision import Decision, decide
from assay.knowledge.signatures.match import Matcher, Ranges
from assay.knowledge.signatures.profile import Profile, Profiles
from assay.knowledge.signatures.snapshot import open_snapshot, snapshot_digest

SNAPSHOT = "signatures.bin"
"""The shipped snapshot's file name."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a binary is looked at: where text may stand, where tables, the names it defines.

    `strict` where the file is no program that a loader knows: more must speak for a copy then.
    """

    text: Ranges
    tables: Ranges = ()
    names: tuple[bytes, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A component that a binary carries, with the profile that tells what its numbers mean."""

    profile: Profile
    decision: Decision

    @property
    def versions(self) -> tuple[str, ...]:
        """The component's known releases, in their order."""
        return tuple(one.version for one in self.profile.about.releases)


class Signatures:
    """Several snapshots; what a later one says of a component replaces what an earlier one says."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        snapshots = [open_snapshot(file) for file in files]
        self._ready = [(Matcher(one), Profiles(one)) for one in snapshots]
        self._silent = [
            {
                number
                for number, about in enumerate(one.components)
                if any(later.number_of(about.name) is not None for later in snapshots[place + 1 :])
            }
            for place, one in enumerate(snapshots)
        ]

    def find(self, data: bytes | memoryview, part: Part) -> Iterator[Found]:
        """The components that a binary carries, those of the latest snapshot first."""
        for (matcher, profiles), silent in zip(
            reversed(self._ready), reversed(self._silent), strict=True
        ):
            hits = matcher.hits(data, part.text, part.tables, part.names)
            if silent:
                owners = matcher.snapshot.owners[hits.features]
                hits = hits.where(~np.isin(owners, sorted(silent)))
            for decision in decide(profiles, hits, strict=part.strict):
                yield Found(profiles.of(decision.owner), decision)

    def releases(self) -> dict[str, list[str]]:
        """Every component with the versions of its known releases, in their order."""
        return {
            about.name: [one.version for one in about.releases]
            for matcher, _ in self._ready
            for about in matcher.snapshot.components
        }


def shipped_snapshot() -> Path | None:
    """The snapshot that Assay ships, None where this copy of it has none."""
    path = Path(str(resources.files("assay.knowledge").joinpath("data", SNAPSHOT)))
    return path if path.exists() else None


@cache
def load_signatures(files: tuple[str, ...] = ()) -> Signatures:
    """The shipped snapshot with users' own over it, opened once a process.

    Raises:
        DataError: one of them is none.
    """
    shipped = shipped_snapshot()
    own = tuple(Path(file) for file in files)
    return Signatures((shipped, *own) if shipped else own)


def signatures_fingerprint(files: tuple[str, ...] = ()) -> str:
    """A name for what `load_signatures` knows: it changes with any of the snapshots."""
    shipped = shipped_snapshot()
    paths = [*([shipped] if shipped else []), *(Path(file) for file in files)]
    joined = " ".join(snapshot_digest(path) for path in paths)
    return hashlib.sha256(joined.encode()).hexdigest()[:16]


__all__ = [
    "SNAPSHOT",
    "Decision",
    "Found",
    "Part",
    "Profile",
    "Signatures",
    "load_signatures",
    "shipped_snapshot",
    "signatures_fingerprint",
    "snapshot_digest",
]
