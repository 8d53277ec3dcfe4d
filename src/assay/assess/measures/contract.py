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
    told_by: tuple[str, ...] = ()


def measure(
    name: str, unit: Unit, meaning: str, told_by: tuple[str, ...] = ()
) -> Callable[[Fold], Measure]:
    """Make a measure of a fold. It registers nothing.

    `told_by` names the examiners whose observations are folded. Where none of them finished on
    any file, nothing was looked at and the value is unknown, whatever the fold makes of nothing.
    """

    def make(fold: Fold) -> Measure:
        def heard(facts: Facts) -> Value | Unknown:
            return Unknown(_unheard(facts, told_by)) if _is_silent(facts, told_by) else fold(facts)

        info = MeasureInfo(name=name, unit=unit, meaning=meaning)
        return Measure(info, heard if told_by else fold, told_by)

    return make


def _is_silent(facts: Facts, told_by: tuple[str, ...]) -> bool:
    return not any(facts.finished[name] for name in told_by)


def _unheard(facts: Facts, told_by: tuple[str, ...]) -> str:
    tried = sum(facts.tried[name] for name in told_by)
    if tried:
        return f"{' and '.join(told_by)}: no file could be examined, {tried:,} were tried"
    return f"{' and '.join(told_by)}: no file that it is told from"


def share(part: float, whole: float, why_not: str) -> Value | Unknown:
    """`part / whole`, rounded to six places, or unknown where there is no whole."""
    return round(part / whole, 6) if whole else Unknown(why_not)


def share_of(answers: Iterable[bool | None], why_not: str) -> Value | Unknown:
    """The share of yes among the answers that were given; None is no answer."""
    given = [answer for answer in answers if answer is not None]
    return share(sum(given), len(given), why_not)
