"""How a release stands in the lifecycle of its series.

A release belongs to the series with the longest name that its version begins with (1.1.1k to
1.1.1, 3.0.14 to 3.0). Of several sources that date the end of support, the project itself goes
before endoflife.date; all of them are told. An interval of releases is out of support only if
every series that it may be of is.

How far a copy is behind the newest release of its series is told where the day of its own release
is known: from the release dates that are handed in, the series' own first and newest release, or
the date that OpenSSL writes into its version text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from assay.knowledge.advisories.ranges import Span, span
from assay.knowledge.versions import compare, key
from assay.model.advisory import GENERIC, Series
from assay.model.known import Dates, Place, Support

_DATED = re.compile(r"OpenSSL (\S+) {1,3}([0-9]{1,2}) (\w{3}) ([0-9]{4})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SECONDARY = "endoflife.date"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One series by all sources: what the first of them says, and every source's day."""

    name: str
    released: str
    ends: str
    ended: bool | None
    latest: str
    latest_released: str
    claims: tuple[tuple[str, str], ...]

    def supported(self, as_of: str) -> bool | None:
        """Whether it is supported on a day; None where no source says."""
        if self.ends:
            return as_of <= self.ends
        return None if self.ended is None else not self.ended


def lifecycles(listed: Iterable[Series]) -> dict[str, Lifecycle]:
    """The series of one component by name."""
    by_name: dict[str, list[Series]] = {}
    for one in listed:
        by_name.setdefault(one.series, []).append(one)
    return {name: _joined(name, same) for name, same in by_name.items()}


def support_of(
    component: str,
    places: Sequence[Place],
    known: Mapping[str, Lifecycle],
    as_of: str,
    dates: Dates,
) -> Support:
    """How one release (all the places have it) stands."""
    first = places[0]
    base = Support(
        component=component,
        release=first.release,
        paths=tuple(sorted({place.path for place in places})),
    )
    if not known:
        return _aged(base, first, None, dates, "no source dates the support of its series")
    fitting = _fitting(component, first, known)
    if not fitting:
        return _aged(base, first, None, dates, "its series is not among those that are dated")
    answers = {one.supported(as_of) for one in fitting}
    supported = answers.pop() if len(answers) == 1 else None
    newest = fitting[-1]
    told = base.model_copy(
        update={
            "series": newest.name if len(fitting) == 1 else f"{fitting[0].name} to {newest.name}",
            "supported": supported,
            "ends": newest.ends,
            "newest": newest.latest,
            "newest_released": newest.latest_released,
            "claims": newest.claims,
        }
    )
    why = "" if len(fitting) == 1 else "the release may be of several series"
    return _aged(told, first, newest if len(fitting) == 1 else None, dates, why)


def _joined(name: str, same: Sequence[Series]) -> Lifecycle:
    ordered = sorted(same, key=lambda one: (one.source == _SECONDARY, one.source))
    ends = next((one.ends for one in ordered if one.ends), "")
    ended = next((one.ended for one in ordered if one.ended is not None), None)
    latest = max(
        (one for one in ordered if one.latest), key=lambda one: one.latest_released, default=None
    )
    return Lifecycle(
        name=name,
        released=next((one.released for one in ordered if one.released), ""),
        ends=ends,
        ended=ended,
        latest=latest.latest if latest else "",
        latest_released=latest.latest_released if latest else "",
        claims=tuple((one.source, one.ends) for one in ordered if one.ends),
    )


def _fitting(component: str, place: Place, known: Mapping[str, Lifecycle]) -> list[Lifecycle]:
    """The series that the release may be of, oldest first."""
    if place.version:
        name = max((one for one in known if _begins(place.version, one)), key=len, default="")
        return [known[name]] if name else []
    between = span(component, "", place.low, place.high, GENERIC)
    if between is None or between.low is None or between.high is None:
        return []
    keyed = [(start, name) for name in known if (start := key(component, name))]
    ordered = [name for _, name in sorted(keyed, key=lambda one: one[0])]
    return [known[name] for name in ordered if _touches(component, name, ordered, between)]


def _touches(component: str, name: str, ordered: Sequence[str], between: Span) -> bool:
    """Whether an interval and a series, which goes on to where the next one starts, overlap."""
    start = key(component, name)
    later = ordered[ordered.index(name) + 1 :]
    end = key(component, later[0]) if later else None
    if start is None or between.low is None or between.high is None:
        return False
    return not between.high < start and (end is None or between.low < end)


def _begins(version: str, series: str) -> bool:
    version = version.removeprefix("v")
    return version.startswith(series) and not version[len(series) : len(series) + 1].isdigit()


def _aged(told: Support, place: Place, series: Lifecycle | None, dates: Dates, why: str) -> Support:
    """With how far the copy is behind the newest release of its series."""
    listed = [(version, day) for version, day in dates(told.component) if day]
    released = _released(told.component, place, series, listed)
    newest, newest_day = told.newest, told.newest_released
    if not newest and series is None and place.version:
        newest, newest_day = _newest(told.component, place.version, listed)
    same = compare(told.component, place.version, newest) if newest and place.version else None
    months: int | None = None
    if same is not None and same >= 0:
        months = 0
    elif released and newest_day:
        months = max(0, months_between(released, newest_day))
    return told.model_copy(
        update={
            "released": released,
            "newest": newest,
            "newest_released": newest_day,
            "behind_months": months,
            "behind_releases": _releases_behind(told, place, listed, newest, series),
            "why": why,
        }
    )


def _released(
    component: str,
    place: Place,
    series: Lifecycle | None,
    listed: Sequence[tuple[str, str]],
) -> str:
    """The day of the copy's own release, empty where it is not known."""
    if not place.version:
        return ""
    for version, day in listed:
        if compare(component, version, place.version) == 0:
            return day
    if series and series.latest and compare(component, series.latest, place.version) == 0:
        return series.latest_released
    if series and compare(component, series.name, place.version) == 0:
        return series.released
    return _in_text(component, place)


def _in_text(component: str, place: Place) -> str:
    """The day that OpenSSL's version text ends with."""
    for proof in place.evidence if component == "openssl" else ():
        match = _DATED.search(proof.excerpt)
        if match and match[1].removesuffix("-fips") == place.version and match[3] in _MONTHS:
            return f"{match[4]}-{_MONTHS.index(match[3]) + 1:02}-{int(match[2]):02}"
    return ""


def _newest(component: str, version: str, listed: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The newest release that is dated, where no series is known."""
    keyed = [(place, name, day) for name, day in listed if (place := key(component, name))]
    if not keyed or key(component, version) is None:
        return "", ""
    _, name, day = max(keyed, key=lambda one: one[0])
    return name, day


def _releases_behind(
    told: Support,
    place: Place,
    listed: Sequence[tuple[str, str]],
    newest: str,
    series: Lifecycle | None,
) -> int | None:
    """How many dated releases of the series are newer than the copy."""
    own = key(told.component, place.version) if place.version else None
    if own is None or not listed or not newest:
        return None
    names = [name for name, _ in listed if series is None or _begins(name, series.name)]
    keys = [one for name in names if (one := key(told.component, name))]
    return sum(own < one for one in keys) if keys else None


def months_between(earlier: str, later: str) -> int:
    """Whole months from one day to another."""
    first, last = date.fromisoformat(earlier), date.fromisoformat(later)
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
