"""Ranges of software that is mended on several branches at once, made disjoint.

The kernel's CVE records name one first release and a fix on each branch. Written as one range for
each fix (6.5 to 6.6.17, 6.5 to 6.7.5, 6.5 to 6.8), the ranges overlap, and whoever takes a release
for affected that lies in any of them takes 6.6.20 for affected by what 6.6.17 mended. A release is
affected only if it comes before the fix of its own branch; where its branch has none, before the
first fix of a later branch.

Source: kernel.org, Documentation/process/cve.rst and the records themselves.
"""

import re
from collections.abc import Iterable

from assay.knowledge.versions import key
from assay.model.advisory import Range

_BRANCH = re.compile(r"([0-9]+)\.([0-9]+)")
BRANCHED = frozenset({"linux"})


def disjoint(component: str, ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same ranges without overlap where the component has branches; else as they are."""
    listed = tuple(dict.fromkeys(ranges))
    if component not in BRANCHED:
        return listed
    by_start: dict[str, list[Range]] = {}
    for one in listed:
        by_start.setdefault(one.introduced, []).append(one)
    found: list[Range] = []
    for start, same in by_start.items():
        fixes = [one.fixed for one in same if one.fixed and key(component, one.fixed)]
        found += between(component, start, fixes) if len(fixes) > 1 else same
        found += [one for one in same if len(fixes) > 1 and not one.fixed and one.last_affected]
    return tuple(dict.fromkeys(found))


def between(component: str, start: str, fixes: Iterable[str]) -> list[Range]:
    """The ranges that one first release and the fixes on its branches leave."""
    keyed = {fix: place for fix in fixes if (place := key(component, fix))}
    ordered = sorted(keyed, key=lambda fix: keyed[fix])
    first = key(component, start)
    found: list[Range] = []
    low = start
    for fix in ordered:
        low_key = key(component, low)
        begun = first is None or start == "0" or first < keyed[fix]
        if begun and (low_key is None or low == "0" or low_key < keyed[fix]):
            found.append(Range(introduced=low, fixed=fix))
        low = _later(component, low, next_branch(fix))
    return found


def next_branch(version: str) -> str:
    """The first number after a branch: `6.6.17` → `6.7`; no release needs to have it."""
    match = _BRANCH.match(version)
    return f"{match[1]}.{int(match[2]) + 1}" if match else version


def _later(component: str, one: str, other: str) -> str:
    first, second = key(component, one), key(component, other)
    if first is None or one == "0":
        return other
    return other if second is not None and first < second else one
