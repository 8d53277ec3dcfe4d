"""Third-party software in executables and other binaries.

How it works: every recogniser looks at the file in turn; each documents how it works and how sure
it is in its own module of `assay.examine.recognition`. A recogniser that knows components by
features of their source joins the tuple here.

Known false positives: software that speaks of another in that one's own words and is not linked
to its library (a scanner that holds banners, for example).

Known false negatives: components that name no version (told without one where a SONAME names
them, else not at all); components that are not in the knowledge; texts that are compressed.

Sources: the components' own binaries; see `version_strings.yaml`.
"""

from collections.abc import Iterator

from assay.examine.contract import Content, Examiner
from assay.examine.recognition.subject import Recogniser, subject
from assay.examine.recognition.version_texts import version_texts
from assay.knowledge.version_strings import fingerprint
from assay.model.observations import Observation
from assay.model.tree import File, Kind

RECOGNISERS: tuple[Recogniser, ...] = (version_texts,)

_KINDS = frozenset({Kind.ELF, Kind.PE, Kind.MACHO, Kind.DATA})


def _wants(file: File) -> bool:
    return file.kind in _KINDS


_CATALOGUES_OF_TEXTS = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")
"""Magic numbers of gettext's translations: they repeat what programs say, of any version."""


def _examine(content: Content, file: File) -> Iterator[Observation]:
    if bytes(content.data[:4]) in _CATALOGUES_OF_TEXTS:
        return
    seen = subject(content.data, file)
    for recognise in RECOGNISERS:
        yield from recognise(seen)


EXAMINER = Examiner(
    name="components",
    version=f"1.{fingerprint()}",
    wants=_wants,
    examine=_examine,
    sees="path",
)
