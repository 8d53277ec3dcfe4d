"""Measures of what is known against the components: vulnerabilities and support.

Finding nothing is a measurement only where the data covers what was looked up. So a count is zero
only if every component is covered and placed; if one is not, none found is *not measured*, and
what was found is told as the least that there is.
"""

from collections.abc import Callable

from assay.assess.facts import Facts
from assay.assess.known import unplaced
from assay.assess.measures.contract import Measure, Unknown, measure
from assay.model.finding import Severity
from assay.model.known import Known, KnownVulnerability
from assay.model.measure import Unit, Value

_NO_DATA = "no advisories were consulted"
_NAMED = 5


def not_covered(known: Known) -> tuple[str, ...]:
    """Components for which finding nothing says nothing."""
    return tuple(
        one.component for one in known.coverage if not one.is_measured or unplaced(one.releases)
    )


def _uncovered(names: tuple[str, ...]) -> Unknown:
    shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
    return Unknown(f"none found, but the data does not cover {len(names)} components: {shown}")


def _count(name: str, meaning: str, counts: Callable[[KnownVulnerability], bool]) -> Measure:
    def fold(facts: Facts) -> Value | Unknown:
        known = facts.known
        if known is None:
            return Unknown(_NO_DATA)
        found = {(one.component, one.id) for one in known.vulnerabilities if counts(one)}
        uncovered = not_covered(known)
        return _uncovered(uncovered) if uncovered and not found else len(found)

    return measure(f"vulnerabilities.{name}", Unit.COUNT, meaning)(fold)


def _affected(one: KnownVulnerability) -> bool:
    return one.state == "affected"


known_count = _count(
    "known", "vulnerabilities of the components' releases, each component's counted", _affected
)
possibly = _count(
    "possibly",
    "vulnerabilities that releases may have: an interval, a distribution's build, a kernel whose "
    "configuration is not known, or sources that disagree",
    lambda one: one.state == "possibly",
)
exploited = _count(
    "exploited",
    "known vulnerabilities that are exploited in the wild (KEV)",
    lambda one: _affected(one) and bool(one.exploited),
)
exploited_possibly = _count(
    "exploited_possibly",
    "vulnerabilities that releases may have and that are exploited in the wild (KEV)",
    lambda one: one.state == "possibly" and bool(one.exploited),
)
critical = _count(
    "critical",
    "known vulnerabilities of critical severity",
    lambda one: _affected(one) and one.severity is Severity.CRITICAL,
)


def _plain(name: str, unit: Unit, meaning: str, of: Callable[[Known], Value]) -> Measure:
    def fold(facts: Facts) -> Value | Unknown:
        return Unknown(_NO_DATA) if facts.known is None else of(facts.known)

    return measure(name, unit, meaning)(fold)


fixed = _plain(
    "vulnerabilities.fixed_by_distribution",
    Unit.COUNT,
    "vulnerabilities of an upstream release of which the distribution says that its build is free",
    lambda known: len({(o.component, o.id) for o in known.vulnerabilities if o.state == "fixed"}),
)
contradicted = _plain(
    "vulnerabilities.contradicted",
    Unit.COUNT,
    "vulnerabilities of which the vendor says (VEX) otherwise than was measured",
    lambda known: len(
        {
            (one.component, one.id)
            for one in known.vulnerabilities
            if any(claim.contradiction for claim in one.vendor)
        }
    ),
)
answered = _plain(
    "vulnerabilities.answered",
    Unit.COUNT,
    "known vulnerabilities that the vendor says (VEX) do not affect the product or are fixed",
    lambda known: len(
        {
            (one.component, one.id)
            for one in known.vulnerabilities
            if _affected(one) and any(c.status in ("not_affected", "fixed") for c in one.vendor)
        }
    ),
)
uncovered = _plain(
    "vulnerabilities.not_covered",
    Unit.SET,
    "components whose vulnerabilities are not measured: hardly covered, or of no known release",
    not_covered,
)


@measure("vulnerabilities.covered.share", Unit.SHARE, "components that the data covers")
def covered(facts: Facts) -> Value | Unknown:
    if facts.known is None or not facts.known.coverage:
        return Unknown(_NO_DATA if facts.known is None else "no component was found")
    whole = len(facts.known.coverage)
    return round((whole - len(not_covered(facts.known))) / whole, 6)


@measure(
    "lifecycle.unsupported",
    Unit.COUNT,
    "releases of components whose support has ended, of those that a source dates",
)
def unsupported(facts: Facts) -> Value | Unknown:
    if facts.known is None:
        return Unknown(_NO_DATA)
    told = [one for one in facts.known.support if one.supported is not None]
    if not told:
        return Unknown("no source dates the support of any component found")
    return sum(one.supported is False for one in told)


@measure("lifecycle.dated.share", Unit.SHARE, "releases of components whose support is dated")
def dated(facts: Facts) -> Value | Unknown:
    if facts.known is None or not facts.known.support:
        return Unknown(_NO_DATA if facts.known is None else "no component was found")
    told = [one.supported is not None for one in facts.known.support]
    return round(sum(told) / len(told), 6)


@measure(
    "lifecycle.age_months.max",
    Unit.MONTHS,
    "the furthest that a copy is behind the newest release of its series, where days are known",
)
def oldest(facts: Facts) -> Value | Unknown:
    if facts.known is None:
        return Unknown(_NO_DATA)
    ages = [one.behind_months for one in facts.known.support if one.behind_months is not None]
    return max(ages) if ages else Unknown("no copy's day of release is known")


MEASURES: tuple[Measure, ...] = (
    known_count,
    possibly,
    exploited,
    exploited_possibly,
    critical,
    fixed,
    contradicted,
    answered,
    uncovered,
    covered,
    unsupported,
    dated,
    oldest,
)
