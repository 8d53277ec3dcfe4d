"""Measures of each component by its own name: `components.openssl.copies.full`.

Their names are not known before an image is: they are made for the components that it holds, and
listed with them. Criteria may also speak of a component that is not there: `value_of` gives zero
copies of one that would have been recognised, if components were looked for at all, and *not
measured* for everything else.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from assay.assess.known import unplaced
from assay.model.evaluation import ComponentCopy
from assay.model.known import NO_RELEASE, Known, identity
from assay.model.measure import MeasureInfo, Unit, Value

_ROOM = "components"
_TAKEN = frozenset({"count", "places", "several_versions"})
_COPIES = ("copies.full", "copies.partial", "copies.fragment")

KINDS: Mapping[str, tuple[Unit, str]] = {
    "copies.full": (Unit.COUNT, "files that carry all of {name}"),
    "copies.partial": (Unit.COUNT, "files that carry a part of {name}"),
    "copies.fragment": (Unit.COUNT, "files that carry a fragment of {name}"),
    "versions": (Unit.SET, "releases of {name}, the oldest first; an interval as `low to high`"),
    "oldest": (Unit.SET, "the oldest release of {name} (a set of one)"),
    "unsupported": (Unit.COUNT, "releases of {name} whose support has ended"),
    "vulnerabilities": (Unit.COUNT, "vulnerabilities of the releases of {name}"),
}


@dataclass(frozen=True, slots=True)
class ComponentMeasure:
    """A measure of one component with its value; None is *not measured*, which `why` explains."""

    info: MeasureInfo
    value: Value
    why: str = ""


def component_key(name: str) -> str:
    """A component's name as it stands in measures: lower case, what is no letter or digit as `_`.

    Names that fixed measures have taken get a `_` behind them.
    """
    plain = re.sub(r"[^a-z0-9]", "_", name.lower()) or "_"
    return f"{plain}_" if plain in _TAKEN else plain


def component_measures(
    copies: Iterable[ComponentCopy], known: Known | None
) -> tuple[ComponentMeasure, ...]:
    """All measures of the components that are there, by component and then as `KINDS` has them."""
    by_key: dict[str, list[ComponentCopy]] = {}
    for copy in copies:
        by_key.setdefault(component_key(identity(copy.name, copy.purl)), []).append(copy)
    found: list[ComponentMeasure] = []
    for name, listed in sorted(by_key.items()):
        values = _values(name, listed, known)
        for kind, (unit, meaning) in KINDS.items():
            value, why = values[kind]
            info = MeasureInfo(
                name=f"{_ROOM}.{name}.{kind}", unit=unit, meaning=meaning.format(name=name)
            )
            found.append(ComponentMeasure(info, value, why))
    return tuple(found)


def value_of(
    name: str,
    measures: Mapping[str, Value],
    recognisable: Collection[str],
) -> Value:
    """The value that a criterion gets for a measure's name.

    Args:
        name: the measure, such as `components.openssl.copies.full`.
        measures: the evaluation's.
        recognisable: names of the components that the knowledge can recognise.
    """
    if name in measures:
        return measures[name]
    room, _, rest = name.partition(".")
    component, _, kind = rest.partition(".")
    looked = measures.get("components.count") is not None
    absent = component in {component_key(one) for one in recognisable}
    if room != _ROOM or kind not in KINDS or not looked or not absent:
        return None
    if any(other.startswith(f"{_ROOM}.{component}.") for other in measures):
        return None
    if kind in ("versions", "oldest"):
        return ()
    return 0


def _values(
    name: str, copies: list[ComponentCopy], known: Known | None
) -> dict[str, tuple[Value, str]]:
    told: dict[str, tuple[Value, str]] = {
        f"copies.{extent}": (len({one.path for one in copies if one.extent == extent}), "")
        for extent in ("full", "partial", "fragment")
    }
    if known is None:
        why = "no advisories were consulted"
        return told | dict.fromkeys((one for one in KINDS if one not in _COPIES), (None, why))
    told["versions"], told["oldest"] = _releases(name, known)
    told["unsupported"] = _unsupported(name, known)
    told["vulnerabilities"] = _vulnerabilities(name, known)
    return told


def _releases(name: str, known: Known) -> tuple[tuple[Value, str], tuple[Value, str]]:
    releases = tuple(
        release
        for one in known.coverage
        if component_key(one.component) == name
        for release in one.releases
        if release != NO_RELEASE
    )
    if not releases:
        return (None, NO_RELEASE), (None, NO_RELEASE)
    return (releases, ""), (releases[:1], "")


def _unsupported(name: str, known: Known) -> tuple[Value, str]:
    told = [
        one.supported
        for one in known.support
        if component_key(one.component) == name and one.supported is not None
    ]
    if not told:
        return None, "no source dates the support of its series"
    return sum(one is False for one in told), ""


def _vulnerabilities(name: str, known: Known) -> tuple[Value, str]:
    found = {
        one.id
        for one in known.vulnerabilities
        if component_key(one.component) == name and one.state == "affected"
    }
    for one in known.coverage:
        silent = not one.is_measured or unplaced(one.releases)
        if component_key(one.component) == name and silent and not found:
            return None, f"coverage is {one.judgement.value}"
    return len(found), ""
