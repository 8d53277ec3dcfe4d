"""Components by the texts in which they name themselves and their version.

How it works: one pass finds all texts of the knowledge. A text counts where the file is the
component's own (by SONAME, file name or a mark), or where it is a copy: the file is not linked to
the component's library, so the text came in with the component's code. What is only used is not
told. In own files, a version may also stand alone, or in the file's name.

Confidence: 0.98 a text in an own file; 0.9 a text elsewhere; 0.9 an own file's name; 0.85 the only
version-like string that stands alone in an own file; 0.8 a SONAME without a version.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from assay.examine.recognition.scan import Found, Place, Scanner
from assay.examine.recognition.subject import Subject, spellings
from assay.knowledge.version_strings import Component, Pattern, load_version_strings
from assay.model.observations import ComponentSighting, Evidence, Unmeasured
from assay.model.tree import Kind

_EVIDENCE_KEPT = 3
_EXCERPT = 120


@dataclass(frozen=True, slots=True)
class _Versioned:
    """A version, how sure it is, and the places that show it."""

    version: str
    confidence: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A component of the knowledge with its patterns made ready.

    `texts`, `own`, `marks` and `beside` hold the numbers that their patterns have in the scanner.
    """

    component: Component
    libraries: re.Pattern[str]
    files: re.Pattern[str]
    texts: tuple[tuple[int, Pattern], ...]
    own: tuple[tuple[int, Pattern], ...]
    marks: tuple[int, ...]
    beside: tuple[int, ...]
    alone: re.Pattern[bytes] | None
    named: tuple[tuple[re.Pattern[str], Pattern], ...]


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """All entries. `entry_of` leads from a pattern's number in the scanner to its entry's place;
    `libraries` and `files` match the names of any."""

    entries: tuple[_Entry, ...]
    scanner: Scanner
    entry_of: tuple[int, ...]
    libraries: re.Pattern[str]
    files: re.Pattern[str]

    def candidates(self, subject: Subject, found: Found) -> Iterator[_Entry]:
        """The entries that anything in the file speaks for: most files know few of them."""
        chosen = {self.entry_of[number] for number in found.places}
        if _is_any(self.libraries, subject.names) or _is(self.files, subject.file.name):
            chosen |= {
                place
                for place, entry in enumerate(self.entries)
                if _is_any(entry.libraries, subject.names) or _is(entry.files, subject.file.name)
            }
        return (self.entries[place] for place in sorted(chosen))


def version_texts(subject: Subject) -> Iterator[ComponentSighting | Unmeasured]:
    """Every component of the knowledge that the file is or carries a copy of."""
    catalogue = _catalogue()
    found = catalogue.scanner.scan(subject.data)
    if not found.complete:
        yield Unmeasured(
            what="components", why="so many texts like versions that not all were read"
        )
    for entry in catalogue.candidates(subject, found):
        yield from _sightings(entry, subject, found)


def _sightings(entry: _Entry, subject: Subject, found: Found) -> Iterator[ComponentSighting]:
    binary = subject.file.kind is not Kind.DATA  # data may speak of any program
    library = _is_any(entry.libraries, subject.names)
    program = binary and not library and _is(entry.files, subject.file.name)
    mark = next((number for number in entry.marks if binary and number in found.places), None)
    own = library or program or mark is not None
    if not own and _only_used(entry, subject, found):
        return
    versions = _versions(entry, subject, found, own=own)
    extent: Literal["full", "partial"] = "full" if library or program else "partial"
    for one in versions:
        yield ComponentSighting(
            name=entry.component.name,
            purl=entry.component.purl_of(one.version),
            version=one.version,
            copy_extent=extent,
            method="version-string" if one.places else "soname",
            confidence=one.confidence,
            evidence=_evidence(one.places, subject),
        )
    if not versions and (library or mark is not None):
        yield _unversioned(entry, subject, found.places[mark] if mark is not None else [])


def is_linked_to(component: str, subject: Subject) -> bool:
    """Whether a file needs one of a component's libraries at run time."""
    return any(
        entry.component.name == component and _is_any(entry.libraries, subject.needed)
        for entry in _catalogue().entries
    )


def _only_used(entry: _Entry, subject: Subject, found: Found) -> bool:
    """Whether a component's texts came in with its headers or its name, not with its code."""
    if _is_any(entry.libraries, subject.needed):
        return True
    return bool(entry.beside) and not any(number in found.places for number in entry.beside)


def _versions(entry: _Entry, subject: Subject, found: Found, *, own: bool) -> list[_Versioned]:
    """The versions that the file shows, by the surest way that shows any."""
    numbered = (*entry.texts, *entry.own) if own else entry.texts
    by_text: dict[str, list[Place]] = {}
    for number, pattern in numbered:
        for place in found.places.get(number, []):
            by_text.setdefault(pattern.given(place.groups), []).append(place)
    if by_text or not own:
        sure = 0.98 if own else 0.9
        return [_Versioned(v, sure, tuple(places)) for v, places in sorted(by_text.items())]
    for exact, pattern in entry.named:
        for name in spellings(subject.file.name):
            if match := exact.fullmatch(name):
                return [_Versioned(pattern.given(match.groups()), 0.9, ())]
    return _alone(entry, found.alone)


def _alone(entry: _Entry, strings: Iterable[Place]) -> list[_Versioned]:
    """A version that stands alone: only if there is one alone of its form, for it says no name."""
    if entry.alone is None:
        return []
    fitting = [(match, place) for place in strings if (match := entry.alone.fullmatch(place.text))]
    versions = {match[1].decode("latin-1") for match, _ in fitting}
    if len(versions) != 1:
        return []
    return [_Versioned(versions.pop(), 0.85, tuple(place for _, place in fitting))]


def _unversioned(entry: _Entry, subject: Subject, places: list[Place]) -> ComponentSighting:
    """An own file that does not say its version: the SONAME may bound it."""
    component = entry.component
    known = [interval for interval in component.intervals if interval.library in subject.names]
    return ComponentSighting(
        name=component.name,
        purl=component.purl_of(""),
        low=known[0].low if known else "",
        high=known[0].high if known else "",
        copy_extent="partial" if places else "full",
        method="version-string" if places else "soname",
        confidence=0.8,
        evidence=_evidence(tuple(places), subject),
    )


def _evidence(places: tuple[Place, ...], subject: Subject) -> tuple[Evidence, ...]:
    if not places:
        said = f"SONAME {subject.soname}" if subject.soname else f"file name {subject.file.name}"
        return (Evidence(excerpt=said[:_EXCERPT]),)
    return tuple(
        Evidence(offset=place.offset, excerpt=_printable(place.text))
        for place in places[:_EVIDENCE_KEPT]
    )


def _printable(text: bytes) -> str:
    shown = text.decode("latin-1").strip("\x00\n")
    return "".join(c if c.isprintable() else "." for c in shown)[:_EXCERPT]


def _is(pattern: re.Pattern[str], name: str) -> bool:
    return pattern.fullmatch(name) is not None


def _is_any(pattern: re.Pattern[str], names: Iterable[str]) -> bool:
    return any(pattern.fullmatch(name) for name in names)


def _entry(component: Component, numbered: Callable[[str], int]) -> _Entry:
    return _Entry(
        component=component,
        libraries=_any_of(component.libraries),
        files=_any_of(component.files),
        texts=tuple((numbered(one.pattern), one) for one in component.texts),
        own=tuple((numbered(one.pattern), one) for one in component.own),
        marks=tuple(numbered(mark) for mark in component.marks),
        beside=tuple(numbered(text) for text in component.beside),
        alone=_standing_alone(component.alone) if component.alone else None,
        named=tuple((re.compile(one.pattern), one) for one in component.named),
    )


def _standing_alone(version: str) -> re.Pattern[bytes]:
    """The version as the whole string, with a `v` before or a distribution's number behind it."""
    return re.compile(b"v?(" + version.encode() + rb")(?:[+~][\w.+~-]*|-[0-9][\w.+~-]*)?")


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    # Nothing matches an empty list.
    return re.compile("|".join(patterns) if patterns else "(?!)")


@cache
def _catalogue() -> _Catalogue:
    patterns: list[bytes] = []
    entry_of: list[int] = []
    entries: list[_Entry] = []

    def numbered(pattern: str) -> int:
        patterns.append(pattern.encode("latin-1"))
        entry_of.append(len(entries))
        return len(patterns) - 1

    components = load_version_strings().components
    for component in components:
        entries.append(_entry(component, numbered))
    return _Catalogue(
        tuple(entries),
        Scanner(patterns),
        tuple(entry_of),
        _any_of(tuple(name for component in components for name in component.libraries)),
        _any_of(tuple(name for component in components for name in component.files)),
    )
