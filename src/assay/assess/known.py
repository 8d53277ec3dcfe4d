"""What is known against the components, as facts that rules look at, and as gaps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from assay.assess.facts import Facts, Sighting
from assay.assess.statements import with_statements
from assay.model.advisory import Statement
from assay.model.evaluation import NotMeasured
from assay.model.known import (
    NO_RELEASE,
    Background,
    Known,
    KnownVulnerability,
    Place,
    Sightings,
    Support,
    SupportedCopy,
    VulnerableCopy,
)
from assay.model.observations import EXCERPT_LIMIT, Evidence
from assay.model.tree import File

PREFIX = "vulnerabilities"


def with_known(
    facts: Facts,
    sightings: Sightings,
    background: Background,
    statements: Iterable[Statement] = (),
    supported_until: str = "",
) -> Facts:
    """The facts, with what is known against the copies and what the vendor says to that."""
    known = with_statements(background.against(sightings, facts.as_of), statements)
    files = {file.path: file for file in facts.tree.files}
    more: dict[type, tuple[Sighting[Any], ...]] = {
        VulnerableCopy: tuple(_vulnerable(known, sightings, files)),
        SupportedCopy: tuple(_supported(known, sightings, files, facts.as_of, supported_until)),
    }
    return replace(facts, known=known, sightings={**facts.sightings, **more})


def gaps_of(known: Known) -> Iterator[NotMeasured]:
    """Components whose vulnerabilities are not measured, and why."""
    for one in known.coverage:
        if not one.is_measured:
            why = (
                f"coverage is {one.judgement.value}: {one.why}"
                if one.why
                else (f"coverage is {one.judgement.value}")
            )
            yield NotMeasured(what=f"{PREFIX} of {one.component}", why=why)
        elif unplaced(one.releases):
            yield NotMeasured(what=f"{PREFIX} of {one.component}", why="no release of it is known")


def unplaced(releases: Iterable[str]) -> bool:
    """Whether there is a copy of which no release is known."""
    return NO_RELEASE in releases


def _vulnerable(
    known: Known, sightings: Sightings, files: Mapping[str, File]
) -> Iterator[Sighting[VulnerableCopy]]:
    """Copies that are affected, that may be affected by what is exploited, or that are disputed."""
    for one in known.vulnerabilities:
        contradiction = next((c.contradiction for c in one.vendor if c.contradiction), "")
        matters = one.state == "affected" or one.exploited or contradiction
        if not matters or one.state == "fixed":
            continue
        for place in _places(one, sightings):
            if place.path in files:
                yield Sighting(files[place.path], _copy_of(one, place, contradiction))


def _places(one: KnownVulnerability | Support, sightings: Sightings) -> Iterator[Place]:
    releases = one.releases if isinstance(one, KnownVulnerability) else (one.release,)
    seen = set()
    for place in sightings.places.get(one.component, ()):
        if place.path in one.paths and place.release in releases and place.path not in seen:
            seen.add(place.path)
            yield place


def _copy_of(one: KnownVulnerability, place: Place, contradiction: str) -> VulnerableCopy:
    fix = f", fixed in {one.fixed_in[0]}" if one.fixed_in else ""
    return VulnerableCopy(
        id=one.id,
        component=one.component,
        state=one.state,
        severity=one.severity.value if one.severity else "",
        exploited=one.exploited,
        epss=one.epss or 0.0,
        fixed_in=one.fixed_in[0] if one.fixed_in else "",
        release=place.release,
        contradiction=contradiction,
        evidence=_evidence(place, f"{one.id}: {one.component} {place.release}{fix}"),
    )


def _evidence(place: Place, said: str) -> tuple[Evidence, ...]:
    first = place.evidence[0] if place.evidence else Evidence()
    shown = f" (“{first.excerpt}”)" if first.excerpt else ""
    return (Evidence(offset=first.offset, excerpt=f"{said}{shown}"[:EXCERPT_LIMIT]),)


def _supported(
    known: Known,
    sightings: Sightings,
    files: Mapping[str, File],
    as_of: str,
    supported_until: str,
) -> Iterator[Sighting[SupportedCopy]]:
    for one in known.support:
        if one.supported is None and not one.ends and one.behind_months is None:
            continue
        ended = _days(one.ends, as_of) if one.supported is False and one.ends else 0
        early = bool(one.supported and supported_until and one.ends and one.ends < supported_until)
        ends = f", support ends {one.ends}" if one.ends else ""
        for place in _places(one, sightings):
            if place.path in files:
                fact = SupportedCopy(
                    component=one.component,
                    series=one.series,
                    release=one.release,
                    supported=one.supported,
                    ends=one.ends,
                    ended_days=ended,
                    before_product=early,
                    behind_months=one.behind_months,
                    evidence=_evidence(place, f"{one.component} {one.release}{ends}"),
                )
                yield Sighting(files[place.path], fact)


def _days(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
