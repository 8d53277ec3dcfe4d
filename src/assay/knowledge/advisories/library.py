"""All that is known beforehand, from the shipped snapshots and from what users brought in.

Snapshots are laid over each other in the order of their days. Of one advisory, what each source
claims stays apart; of one source, the newer claim replaces the older one. What was withdrawn is
left out, unless a newer snapshot has it again.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from assay.knowledge.advisories import cvss
from assay.knowledge.advisories.coverage import coverage_table
from assay.knowledge.advisories.distribution import built_by, same_files, system_of, with_packages
from assay.knowledge.advisories.matching import Matcher, Release, Verdict, groups, unmatched
from assay.knowledge.advisories.snapshot import Snapshot
from assay.knowledge.advisories.support import lifecycles, support_of
from assay.knowledge.versions import key
from assay.model.advisory import Advisory, Claim, Exploited, Judgement, Series, Source
from assay.model.finding import Severity
from assay.model.known import Coverage, Dates, Known, KnownVulnerability, Place, Sightings, Support

_WORDS = {one.value for one in Severity}
_C_LIBRARIES = ("glibc", "musl", "uclibc")
_WHY = {
    Judgement.NONE: "no source in the data speaks of it",
    Judgement.THIN: "the data holds a few of its advisories alone",
}
_ORDER = {"affected": 0, "possibly": 1, "fixed": 2}


def _no_dates(component: str) -> Sequence[tuple[str, str]]:
    return ()


class Library:
    """Snapshots, laid over each other. `dates` knows the days of components' releases."""

    def __init__(self, snapshots: Sequence[Snapshot], dates: Dates = _no_dates) -> None:
        self._snapshots = tuple(sorted(snapshots, key=lambda one: (one.index.as_of, one.name)))
        self._dates = dates
        self._merged: dict[str, tuple[Advisory, ...]] = {}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Everything that was consulted, by name; the newest day of each."""
        newest: dict[str, Source] = {}
        for snapshot in self._snapshots:
            for source in snapshot.index.sources:
                newest[source.name] = source
        return tuple(newest[name] for name in sorted(newest))

    @cached_property
    def exploited(self) -> Mapping[str, Exploited]:
        """What is known to be exploited, by id."""
        return {name: one for each in self._snapshots for name, one in each.exploited.items()}

    @cached_property
    def _likelihoods(self) -> Mapping[str, tuple[float, float]]:
        return {name: one for each in self._snapshots for name, one in each.likelihoods.items()}

    def advisories(self, component: str) -> tuple[Advisory, ...]:
        """What stands against a component, from all snapshots together."""
        if component not in self._merged:
            self._merged[component] = self._merge(component)
        return self._merged[component]

    def components_of(self, advisories: Collection[str]) -> set[str]:
        """The components that some of these advisories speak of."""
        if not advisories:
            return set()
        names = {name for one in self._snapshots for name in one.index.components}
        wanted = set(advisories)
        return {name for name in names if any(one.id in wanted for one in self.advisories(name))}

    def series(self, component: str) -> tuple[Series, ...]:
        """The component's series, the newest data of each source."""
        found: dict[tuple[str, str], Series] = {}
        for snapshot in self._snapshots:
            for one in snapshot.series.get(component, ()):
                found[one.series, one.source] = one
        return tuple(found[name] for name in sorted(found))

    def against(self, sightings: Sightings, as_of: str) -> Known:
        """What is known against these copies on a day (ISO date)."""
        vulnerabilities: list[KnownVulnerability] = []
        support: list[Support] = []
        coverage: list[Coverage] = []
        libraries = (place for name in _C_LIBRARIES for place in sightings.places.get(name, ()))
        system = system_of(sightings.markers, libraries)
        for component, listed in sorted(sightings.places.items()):
            places = same_files(_marked(place, system) for place in with_packages(listed))
            by_release = groups(places)
            vulnerabilities += self._against(component, by_release, sightings)
            support += self._support(component, places, as_of)
            coverage.append(self.coverage(component, places))
        vulnerabilities.sort(key=_first_things_first)
        return Known(
            vulnerabilities=tuple(vulnerabilities),
            support=tuple(support),
            coverage=tuple(coverage),
            sources=self.sources,
        )

    def coverage(self, component: str, places: Sequence[Place] = ()) -> Coverage:
        """How far the data speaks of a component."""
        advisories = self.advisories(component)
        judged = coverage_table().components.get(component)
        sources = sorted({claim.source for one in advisories for claim in one.claims})
        judgement, why = Judgement.NONE, _WHY[Judgement.NONE]
        up_to = ""
        if judged:
            judgement, up_to = judged.judgement, judged.up_to
            why = judged.why or _WHY.get(judgement, "")
        elif advisories:
            judgement, why = Judgement.THIN, "how well the data covers it was not judged"
        for snapshot in self._snapshots:
            if component in snapshot.index.covers:
                judgement, up_to = Judgement.FAIR, snapshot.index.as_of
                why = "covered, as whoever brought the data in says"
        return Coverage(
            component=component,
            judgement=judgement,
            why=why,
            up_to=up_to,
            sources=tuple(sources),
            advisories=len(advisories),
            unmatched=unmatched(advisories),
            releases=_ordered(component, places),
        )

    def _merge(self, component: str) -> tuple[Advisory, ...]:
        merged: dict[str, Advisory] = {}
        for snapshot in self._snapshots:
            for advisory in snapshot.advisories(component):
                before = merged.get(advisory.id)
                merged[advisory.id] = _over(before, advisory) if before else advisory
            for name in snapshot.index.withdrawn:
                merged.pop(name, None)
        return tuple(merged[name] for name in sorted(merged))

    def _against(
        self,
        component: str,
        by_release: Mapping[Release, Sequence[Place]],
        sightings: Sightings,
    ) -> list[KnownVulnerability]:
        logs = sightings.logs.get(component, ())
        matcher = Matcher(component, self.advisories(component), logs)
        built = sightings.built.get(component)
        found: dict[tuple[str, Verdict], list[Place]] = {}
        advisories: dict[str, Advisory] = {}
        for release, places in by_release.items():
            if not (release.version or release.low or release.high):
                continue  # told as not measured: every advisory would be possible
            for advisory, verdict in matcher.against(release, built):
                advisories[advisory.id] = advisory
                found.setdefault((advisory.id, verdict), []).extend(places)
        return [
            self._known(component, advisories[name], verdict, places)
            for (name, verdict), places in found.items()
        ]

    def _known(
        self, component: str, advisory: Advisory, verdict: Verdict, places: Sequence[Place]
    ) -> KnownVulnerability:
        rating, score = cvss.best(advisory.ratings)
        exploited = self.exploited.get(advisory.id)
        likelihood = self._likelihoods.get(advisory.id)
        return KnownVulnerability(
            id=advisory.id,
            component=component,
            state=verdict.state if verdict.state != "not affected" else "fixed",
            why=verdict.why,
            aliases=advisory.aliases,
            summary=advisory.summary,
            releases=_ordered(component, places),
            paths=tuple(sorted({place.path for place in places})),
            severity=_severity(advisory.severity, score),
            score=score,
            rating=rating,
            exploited=exploited.added if exploited else "",
            due=exploited.due if exploited else "",
            epss=likelihood[0] if likelihood else None,
            percentile=likelihood[1] if likelihood else None,
            fixed_in=verdict.fixed_in,
            files=tuple(sorted({file for claim in advisory.claims for file in claim.files})),
            claims=verdict.claims,
            disagreement=verdict.disagreement,
        )

    def _support(self, component: str, places: Sequence[Place], as_of: str) -> list[Support]:
        known = lifecycles(self.series(component))
        by_release: dict[str, list[Place]] = {}
        for place in places:
            by_release.setdefault(place.release, []).append(place)
        return [
            support_of(component, listed, known, as_of, self._dates)
            for _, listed in sorted(by_release.items())
        ]


def _marked(place: Place, system: str) -> Place:
    """With what shows that a distribution built it."""
    return place.model_copy(update={"distribution": built_by(place, system)})


def _over(before: Advisory, after: Advisory) -> Advisory:
    """A newer account of an advisory over an older one: claims by source, texts where given."""
    claims: dict[tuple[str, str], Claim] = {
        (claim.source, claim.ecosystem): claim for claim in (*before.claims, *after.claims)
    }
    given = {
        name: value
        for name in ("summary", "published", "modified", "ratings", "severity", "rated_by", "cwes")
        if (value := getattr(after, name))
    }
    return before.model_copy(
        update={
            **given,
            "claims": tuple(claims.values()),
            "aliases": tuple(dict.fromkeys((*before.aliases, *after.aliases))),
            "references": tuple(dict.fromkeys((*before.references, *after.references))),
        }
    )


def _severity(word: str, score: float | None) -> Severity | None:
    if word in _WORDS:
        return Severity(word)
    return cvss.severity_of(score) if score is not None else None


def _ordered(component: str, places: Sequence[Place]) -> tuple[str, ...]:
    """The releases that occur, oldest first; what can't be placed, last."""
    named = {place.release: place for place in places}

    def place_of(name: str) -> tuple[bool, object, str]:
        found = key(component, named[name].version or named[name].low or named[name].high)
        return (found is None, found if found is not None else 0, name)

    return tuple(sorted(named, key=place_of))


def _first_things_first(one: KnownVulnerability) -> tuple[object, ...]:
    """Exploited ones first, then what is sure, likely, severe."""
    rank = one.severity.rank if one.severity else len(_WORDS)
    return (
        not one.exploited,
        _ORDER[one.state],
        -(one.epss or 0.0),
        -(one.score or 0.0),
        rank,
        one.component,
        one.id,
        one.releases,
    )
