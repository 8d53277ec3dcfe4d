"""Third-party software in executables and other binaries.

How it works: every recogniser looks at the file in turn; each documents how it works and how sure
it is in its own module of `assay.examine.recognition`. What they say of one component in one file
becomes one sighting.

Known false positives: software that speaks of another in that one's own words and is not linked
to its library (a scanner that holds banners, for example).

Known false negatives: components that name no version and have no signature (told without a
version where a SONAME names them, else not at all); components that are not in the knowledge;
texts that are compressed.

Sources: the components' own source and binaries; see `recipes.yaml` and `version_strings.yaml`.
"""

from collections.abc import Iterator
from functools import partial

from assay.examine.contract import Content, Examiner
from assay.examine.recognition.merge import merged
from assay.examine.recognition.signatures import by_signatures
from assay.examine.recognition.subject import Recogniser, Subject, subject
from assay.examine.recognition.version_texts import is_linked_to, version_texts
from assay.knowledge.signatures import signatures_fingerprint
from assay.knowledge.version_strings import fingerprint
from assay.model.observations import ComponentSighting, Observation
from assay.model.tree import File, Kind

_KINDS = frozenset({Kind.ELF, Kind.PE, Kind.MACHO, Kind.DATA})


def _wants(file: File) -> bool:
    return file.kind in _KINDS


_CATALOGUES_OF_TEXTS = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")
"""Magic numbers of gettext's translations: they repeat what programs say, of any version."""


def recognisers(signatures: tuple[str, ...] = ()) -> tuple[Recogniser, ...]:
    """All recognisers; `signatures` are files of a user's own, laid over the shipped ones."""
    return (version_texts, by_signatures(signatures))


def _examine(content: Content, file: File, signatures: tuple[str, ...]) -> Iterator[Observation]:
    if bytes(content.data[:4]) in _CATALOGUES_OF_TEXTS:
        return
    seen = subject(content.data, file)
    told = [one for recognise in recognisers(signatures) for one in recognise(seen)]
    yield from _carried([one for one in told if isinstance(one, ComponentSighting)], seen)
    yield from (one for one in told if not isinstance(one, ComponentSighting))


def _carried(told: list[ComponentSighting], seen: Subject) -> Iterator[ComponentSighting]:
    """Beside another component's code, features of one whose library the file is linked to are
    those of its caller (error texts, wrappers), not a copy."""
    texts = {one.name for one in told if one.method != "signature"}
    for one in merged(told):
        alone = all(other.name == one.name for other in told)
        if alone or one.name in texts or not is_linked_to(one.name, seen):
            yield one


def examiner(signatures: tuple[str, ...] = ()) -> Examiner:
    """The examiner, with a user's own signatures over the shipped ones."""
    return Examiner(
        name="components",
        version=f"2.{fingerprint()}.{signatures_fingerprint(signatures)}",
        wants=_wants,
        examine=partial(_examine, signatures=signatures),
        sees="path",
    )


EXAMINER = examiner()
