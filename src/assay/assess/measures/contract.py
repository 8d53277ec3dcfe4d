"""What a measure is: a name, a unit, a meaning, and a pure fold over the facts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assay.assess.facts import Facts
from assay.model.measure import MeasureInfo, Unit, Value


@dataclass(frozen=True, slots=True)
class Unknown:
    """A measure's value where it is *not measured*, and why."""

    why: str


Fold = Callable[[Facts], Value | Unknown]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure, listed by hand in `MEASURES`."""

    info: MeasureInfo
    fold: Fold


def measure(name: str, unit: Unit, meaning: str) -> Callable[[Fold], Measure]:
    """Make a measure of a fold. It registers nothing."""

    def make(fold: Fold) -> Measure:
        return Measure(MeasureInfo(name=name, unit=unit, meaning=meaning), fold)

    return make


def share(part: float, whole: float, why_not: str) -> Value | Unknown:
    """`part / whole`, rounded to six places, or unknown where there is no whole."""
    return round(part / whole, 6) if whole else Unknown(why_not)


def share_of(answers: Iterable[bool | None], why_not: str) -> Value | Unknown:
    """The share of yes among the answers that were given; None is no answer."""
    given = [answer for answer in answers if answer is not None]
    return share(sum(given), len(given), why_not)
