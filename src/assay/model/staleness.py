"""How old the data is on the day that somebody reads what was made of it.

An evaluation holds the days of its sources and no clock, so that the same image gives the same
bytes. Whoever shows it asks here, with the day on which it is shown.
"""

from collections.abc import Iterable
from datetime import date

from assay.model.advisory import Source

STALE_AFTER_DAYS = 30
"""CVE ids are published at more than a hundred a day: a month is a long time."""


def stale(
    sources: Iterable[Source], today: date, after_days: int = STALE_AFTER_DAYS
) -> tuple[tuple[Source, int], ...]:
    """Sources that are older than that many days, with their age; the oldest first."""
    aged = [(one, (today - date.fromisoformat(one.as_of)).days) for one in sources if one.as_of]
    found = [(source, age) for source, age in aged if age > after_days]
    return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0].name)))


def stale_in_short(
    sources: Iterable[Source], today: date, after_days: int = STALE_AFTER_DAYS
) -> str:
    """The same for one line; empty where everything is fresh enough."""
    listed = tuple(sources)
    old = stale(listed, today, after_days)
    newest = max((one.as_of for one in listed), default="")
    return f"{len(old)} of {len(listed)} sources are old; the newest ends {newest}" if old else ""


def staleness(sources: Iterable[Source], today: date, after_days: int = STALE_AFTER_DAYS) -> str:
    """One sentence for a reader; empty where everything is fresh enough."""
    listed = tuple(sources)
    old = stale(listed, today, after_days)
    if not listed:
        return "No advisories were consulted: vulnerabilities are not measured."
    if not old:
        return ""
    newest = max(one.as_of for one in listed)
    first, age = old[0]
    return (
        f"The data on vulnerabilities is old: {len(old)} of {len(listed)} sources end more than "
        f"{after_days} days ago, the newest on {newest}, the oldest ({first.name}) {age:,} days "
        "ago. What was published since is missing. `assay knowledge update` brings in newer files."
    )
