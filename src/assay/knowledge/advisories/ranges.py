"""Whether a release, or an interval of releases, is among those that a claim names.

An exact release is inside, outside, or (where a bound can't be read as a version) it can't be
told. An interval is inside only if all of it lies in ranges that touch, outside only if no part of
it lies in any; everything else can't be told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from assay.knowledge.versions import Key, key
from assay.model.advisory import Claim, Range

Answer = Literal["inside", "outside", "unknown"]


@dataclass(frozen=True, slots=True)
class Span:
    """A release (both ends the same) or an interval, by keys; an open end is None."""

    low: Key | None
    high: Key | None

    @property
    def is_exact(self) -> bool:
        """Whether it is one release."""
        return self.low is not None and self.low == self.high


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range by keys. `sound` is false where a bound stands there that can't be read."""

    low: Key | None
    after: bool
    high: Key | None
    including: bool
    sound: bool
    fixed: str = ""


def span(component: str, version: str, low: str, high: str, ecosystem: str) -> Span | None:
    """What is known of a copy's release; None where it can't be placed among releases."""
    if version:
        exact = key(component, version, ecosystem)
        return Span(exact, exact) if exact else None
    first, last = key(component, low, ecosystem), key(component, high, ecosystem)
    if (low and first is None) or (high and last is None) or not (low or high):
        return None
    return Span(first, last)


def bounds(claim: Claim) -> tuple[Bounds, ...]:
    """A claim's ranges by keys."""
    return tuple(_bounds(claim, one) for one in claim.ranges)


def answer(claim: Claim, ranges: Iterable[Bounds], release: Span) -> Answer:
    """Whether the release is among those that the claim names."""
    listed = list(ranges)
    answers = [_within(one, release) for one in listed]
    named = _named(claim, release)
    if named == "inside" or "inside" in answers or _covered(listed, release):
        return "inside"
    if "unknown" in answers or named == "unknown":
        return "unknown"
    return "outside"


def fix_of(ranges: Iterable[Bounds], release: Span) -> str:
    """The release that is free of it, of the ranges that the copy lies in or touches.

    An exact release that lies in several ranges is free of it only after the last of them; of an
    interval, the first fix is told, for the later ones are of later series.
    """
    fixes = [
        (one.high, one.fixed)
        for one in ranges
        if one.fixed and one.high is not None and _within(one, release) != "outside"
    ]
    choose = max if release.is_exact else min
    return choose(fixes, key=lambda pair: pair[0])[1] if fixes else ""


def say(claim: Claim) -> str:
    """The claim's releases in words."""
    parts = [_say(one) for one in claim.ranges[:20]]
    if claim.versions:
        more = "" if len(claim.versions) <= 8 else f" and {len(claim.versions) - 8} more"  # noqa: PLR2004
        parts.append(", ".join(claim.versions[:8]) + more)
    return "; ".join(parts)


def _say(one: Range) -> str:
    start = f"after {one.introduced}" if one.after else f"from {one.introduced}"
    start = "" if one.introduced == "0" and not one.after else start
    end = f"before {one.fixed}" if one.fixed else ""
    end = end or (f"up to {one.last_affected}" if one.last_affected else "")
    return f"{start} {end}".strip() or "all releases"


def _bounds(claim: Claim, one: Range) -> Bounds:
    low = key(claim.component, one.introduced, claim.ecosystem)
    high = key(claim.component, one.fixed or one.last_affected, claim.ecosystem)
    opens = one.introduced in ("0", "")
    readable = (opens or low is not None) and (
        high is not None or not (one.fixed or one.last_affected)
    )
    return Bounds(
        None if opens else low, one.after, high, not one.fixed, sound=readable, fixed=one.fixed
    )


def _within(one: Bounds, release: Span) -> Answer:
    if _above(one, release) or _below(one, release):
        return "outside"
    return "inside" if one.sound and _holds(one, release) else "unknown"


def _above(one: Bounds, release: Span) -> bool:
    """Whether all of the release lies above the range."""
    if release.low is None or one.high is None:
        return False
    return one.high < release.low or (not one.including and one.high == release.low)


def _below(one: Bounds, release: Span) -> bool:
    """Whether all of the release lies below the range."""
    if release.high is None or one.low is None:
        return False
    return release.high < one.low or (one.after and release.high == one.low)


def _holds(one: Bounds, release: Span) -> bool:
    """Whether all of the release lies in the range."""
    starts = one.low is None or (
        release.low is not None
        and (one.low < release.low or (one.low == release.low and not one.after))
    )
    ends = one.high is None or (
        release.high is not None
        and (release.high < one.high or (one.including and release.high == one.high))
    )
    return starts and ends


def _named(claim: Claim, release: Span) -> Answer:
    """The same for the releases that the claim names one by one."""
    found = False
    for version in claim.versions:
        named = key(claim.component, version, claim.ecosystem)
        if named is None:
            continue
        if release.is_exact and named == release.low:
            return "inside"
        after = release.low is None or not named < release.low
        before = release.high is None or not release.high < named
        found = found or (not release.is_exact and after and before)
    return "unknown" if found else "outside"


def _covered(ranges: Iterable[Bounds], release: Span) -> bool:
    """Whether ranges that touch each other hold all of the interval together."""
    if release.is_exact or release.low is None or release.high is None:
        return False
    reached = release.low
    sound = [one for one in ranges if one.sound and one.high is not None]
    for one in sorted(sound, key=lambda one: (one.low is not None, one.low)):
        starts = one.low is None or one.low < reached or (one.low == reached and not one.after)
        if starts and one.high is not None and reached < one.high:
            reached = one.high
            if release.high < reached or (one.including and release.high == reached):
                return True
    return False
