"""Components by features of their source: texts, names of functions, constant tables.

How it works: what stands in the file is looked up in the signatures (see
`assay.knowledge.signatures`). The releases that the features allow make an interval; where a
version of that interval stands in the file as a word, and no other does, it is that one.

A part or a fragment has no `version`: its interval says what release the code was taken from, even
where that is one alone, not that the release is there.

`low` and `high` are the first and last release of the interval. `high` is empty where the newest
known release fits and nothing in the file says that it is that one: the file's may be newer than
the signatures know ("from `low` on"). Where the newest known release of an older series fits that
was kept up beside the next one, `high` is the first release of the next.

Confidence: full copy 0.95, partial 0.85, fragment 0.7; 0.1 less where more than a twentieth of the
features speak against the release, 0.1 less where the file is no program that a loader knows.

Known false positives: files that carry a component's texts without its code beside other code.

Known false negatives: components without texts and tables of their own; less than some three
sentences of a component; texts that are encrypted or compressed.
"""

import re
import string
from collections.abc import Callable, Iterator

from assay.examine.recognition.parts import elf_part
from assay.examine.recognition.subject import Subject
from assay.knowledge.signatures import Found, Part, load_signatures
from assay.knowledge.signatures.decision import TOLERANCE, shown_hits
from assay.knowledge.signatures.versions import series
from assay.model.observations import ComponentSighting, Evidence
from assay.model.tree import Kind

_LETTERS = (string.ascii_letters + string.digits + "_").encode()
_WORDY = frozenset(bytes([one]) for one in _LETTERS + b"." if one not in b"vVrR")
_WORDY_BEHIND = frozenset(bytes([one]) for one in _LETTERS)
_VERSION_IN_NAME = re.compile(r"(?:\.so\.|[-_])([0-9]+(?:\.[0-9]+)+)$")
_SHORTEST_VERSION = 3
_WIDER = 3 * TOLERANCE
_EVIDENCE, _EXCERPT = 3, 120
_CONFIDENCE = {"full": 0.95, "partial": 0.85, "fragment": 0.7}
_LESS, _FEW_AGAINST = 0.1, 0.05


def by_signatures(
    files: tuple[str, ...] = (),
) -> "Callable[[Subject], Iterator[ComponentSighting]]":
    """The recogniser for the shipped signatures with a user's own over them."""

    def recognise(subject: Subject) -> Iterator[ComponentSighting]:
        part = _part(subject)
        if part is None:
            return
        words: _Words | None = None
        for found in load_signatures(files).find(subject.data, part):
            words = words or _Words(subject, part)
            yield _sighting(found, words)

    return recognise


def _part(subject: Subject) -> Part | None:
    if subject.elf is not None:
        return elf_part(subject.elf, subject.data)
    program = subject.file.kind in (Kind.PE, Kind.MACHO)
    everything = ((0, len(subject.data)),)
    return Part(text=everything, tables=everything if program else (), strict=not program)


class _Words:
    """What of a file is quoted, and the versions that stand in it as words."""

    def __init__(self, subject: Subject, part: Part) -> None:
        self.subject = subject
        self.part = part
        self._pieces = [(start, bytes(subject.data[start:end])) for start, end in part.text]
        in_name = _VERSION_IN_NAME.search(subject.file.name)
        self._in_name = in_name[1] if in_name else ""

    def place(self, version: str) -> int | None:
        """Where a version stands as a word; -1 where it ends the file's name, None if nowhere."""
        if version == self._in_name:
            return -1
        word = version.encode()
        if len(word) < _SHORTEST_VERSION:
            return None
        for start, piece in self._pieces:
            at = piece.find(word)
            while at >= 0:
                end = at + len(word)
                behind = piece[end : end + 2]
                goes_on = behind[:1] in _WORDY_BEHIND or (
                    behind[:1] == b"." and behind[1:].isdigit()
                )
                if piece[at - 1 : at] not in _WORDY and not goes_on:
                    return start + at
                at = piece.find(word, end)
        return None

    def excerpt(self, offset: int, length: int) -> str:
        """A text of the file, as it may be shown."""
        text = bytes(self.subject.data[offset : offset + min(length, _EXCERPT)]).decode("latin-1")
        return "".join(c if c.isprintable() else "." for c in text)


def _sighting(found: Found, words: _Words) -> ComponentSighting:
    decision, about = found.decision, found.profile.about
    low, high = found.versions[decision.low], _highest(found)
    one = _named(found, words) or (low if low == high else "")
    low, high = (one, one) if one else (low, high)
    version = one if decision.extent == "full" else ""
    against = decision.contradicted > _FEW_AGAINST * len(decision.hits.features)
    confidence = _CONFIDENCE[decision.extent] - _LESS * (against + words.part.strict)
    return ComponentSighting(
        name=about.name,
        purl=f"{about.purl}@{version}" if version else about.purl,
        version=version,
        low="" if version else low,
        high="" if version else high,
        copy_extent=decision.extent,
        method="signature",
        confidence=round(confidence, 2),
        evidence=tuple(_evidence(found, words, one)),
    )


def _highest(found: Found) -> str:
    """The interval's end. Behind the newest known release of a series there may be newer ones: of
    the last series the end is open, of one that went on beside the next it is that one's first."""
    releases, high = found.profile.about.releases, found.decision.high
    if high == len(releases) - 1:
        return ""
    this, following = releases[high], releases[high + 1]
    beside = bool(following.date) and following.date <= this.date
    if beside and series(this.version) != series(following.version):
        return following.version
    return this.version


def _named(found: Found, words: _Words) -> str:
    """The one release near the interval that the file names by a word; empty where none or more."""
    decision, versions = found.decision, found.versions
    for floor in (TOLERANCE, _WIDER):
        near = [
            version
            for number, version in enumerate(versions)
            if decision.scores[number] >= decision.scores[decision.best] - floor
        ]
        named = [version for version in near if words.place(version) is not None]
        if len(named) == 1:
            return named[0]
        if named:
            return ""
    return ""


def _evidence(found: Found, words: _Words, named: str) -> Iterator[Evidence]:
    decision, about = found.decision, found.profile.about
    first, last = found.versions[decision.low], found.versions[decision.high]
    releases = first if first == last else f"{first} to {last}"
    yield Evidence(
        excerpt=f"{len(decision.hits.features)} features in {decision.files} of "
        f"{decision.expected_files} source files fit {about.name} {releases}"[:_EXCERPT]
    )
    at = words.place(named) if named else None
    if at is not None:
        place = f"file name {words.subject.file.name}"[:_EXCERPT]
        yield Evidence(offset=at, excerpt=named) if at >= 0 else Evidence(excerpt=place)
    for offset, length, path in shown_hits(found.profile, decision, _EVIDENCE):
        excerpt = words.excerpt(offset, length) if length else "constant table"
        yield Evidence(offset=offset, excerpt=excerpt, symbol=path[-_EXCERPT:])
