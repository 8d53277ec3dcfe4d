"""Copies of components: out of what was seen, and ready to be held against what is known."""

import re
from collections.abc import Iterable, Iterator, Mapping

from assay.assess.facts import Facts, Sighting
from assay.model.evaluation import ComponentCopy, CopyEvidence, Seen, VersionRange
from assay.model.known import Place, Sightings, identity
from assay.model.observations import ChangeLog, ComponentSighting, Evidence, KernelImage
from assay.model.tree import Tree

_MARKERS = re.compile(r"(^|/)(etc/[^/]*(release|version)|var/lib/dpkg/status)$")
_KERNEL = "linux"
_SURE_ENOUGH = 0.7
_DEBIAN_KERNEL = re.compile(r"\bDebian ([0-9]+\.[0-9.]+[0-9])-")
_RELEASE = re.compile(r"v?([0-9]+\.[0-9.]*[0-9](?:-rc[0-9]+)?)")


def copies_of(facts: Facts) -> tuple[ComponentCopy, ...]:
    """Every sighting of a component as a copy."""
    return tuple(_copy(seen) for seen in facts.of(ComponentSighting))


def kernels_of(facts: Facts) -> tuple[Seen[KernelImage], ...]:
    """Every kernel with the file that it was seen in."""
    return tuple(
        Seen[KernelImage](path=seen.file.path, fact=seen.fact) for seen in facts.of(KernelImage)
    )


def sightings_of(
    copies: Iterable[ComponentCopy],
    kernels: Iterable[Seen[KernelImage]],
    tree: Tree,
    built: Mapping[str, Iterable[str]] | None = None,
    logs: Iterable[Seen[ChangeLog]] = (),
) -> Sightings:
    """What the data is held against. A kernel that only its own examiner saw is a copy too."""
    places: dict[str, list[Place]] = {}
    for copy in copies:
        places.setdefault(identity(copy.name, copy.purl), []).append(_place(copy))
    seen = {place.path for place in places.get(_KERNEL, ())}
    for kernel in kernels:
        place = _kernel(kernel)
        if place.path not in seen and place.version:
            places.setdefault(_KERNEL, []).append(place)
    return Sightings(
        places={name: tuple(listed) for name, listed in sorted(places.items())},
        built={name: frozenset(_ends(files)) for name, files in (built or {}).items()},
        logs=_by_component(logs),
        markers=tuple(file.path for file in tree.files if _MARKERS.search(file.path)),
    )


def logs_of(facts: Facts) -> tuple[Seen[ChangeLog], ...]:
    """Every change log with the file that it was read from."""
    return tuple(
        Seen[ChangeLog](path=seen.file.path, fact=seen.fact) for seen in facts.of(ChangeLog)
    )


def _by_component(logs: Iterable[Seen[ChangeLog]]) -> dict[str, tuple[ChangeLog, ...]]:
    """Each once: packages of one source ship the same log."""
    found: dict[str, dict[ChangeLog, None]] = {}
    for seen in logs:
        plain = seen.fact.model_copy(update={"evidence": Evidence()})
        found.setdefault(seen.fact.component, {})[plain] = None
    return {name: tuple(listed) for name, listed in sorted(found.items())}


def _ends(files: Iterable[str]) -> Iterator[str]:
    """Every path by all its ends: where the sources lay when they were built does not matter."""
    for file in files:
        parts = file.split("/")
        yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _place(copy: ComponentCopy) -> Place:
    """Of an unsure fragment no release is told: some functions that may have come from elsewhere
    must not bring a component's whole history with them. Its vulnerabilities are not measured."""
    unsure = copy.extent == "fragment" and copy.confidence < _SURE_ENOUGH
    between = None if unsure else copy.versions
    return Place(
        path=copy.path,
        sha256=copy.sha256,
        version="" if unsure else copy.version or "",
        low=between.low if between else "",
        high=between.high if between else "",
        purl=copy.purl,
        evidence=tuple(
            Evidence(offset=one.offset, excerpt=one.excerpt, symbol=one.symbol)
            for one in copy.evidence
        ),
    )


def _kernel(seen: Seen[KernelImage]) -> Place:
    """A kernel by its banner. Debian's name the first release of a series in their version and the
    one that they were made from at the banner's end."""
    fact = seen.fact
    match = _DEBIAN_KERNEL.search(fact.banner) or _RELEASE.match(fact.version)
    return Place(
        path=seen.path,
        version=match[1] if match else "",
        evidence=(
            Evidence(offset=fact.evidence.offset, excerpt=(fact.banner or fact.version)[:160]),
        ),
    )


def _copy(seen: Sighting[ComponentSighting]) -> ComponentCopy:
    fact = seen.fact
    between = VersionRange(low=fact.low, high=fact.high) if fact.low or fact.high else None
    return ComponentCopy(
        name=fact.name,
        purl=fact.purl,
        version=fact.version or None,
        versions=between,
        copy=fact.copy_extent,
        path=seen.file.path,
        sha256=seen.file.sha256,
        method=fact.method,
        confidence=fact.confidence,
        supplier=fact.supplier,
        evidence=tuple(
            CopyEvidence(offset=one.offset, excerpt=one.excerpt, symbol=one.symbol)
            for one in fact.evidence
        ),
    )
