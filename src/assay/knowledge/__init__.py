"""What is known beforehand: function classes, version texts, signatures, advisories, lifecycles.

Takes: data files that ship or that users bring. Gives: frozen lists, with version and date.
Must not know: any image.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from assay.knowledge.functions import load_functions
from assay.knowledge.signatures import shipped_snapshot, snapshot_digest
from assay.model.base import digest
from assay.model.evaluation import Knowledge, Part
from assay.model.functions import FunctionClasses
from assay.model.known import Background

AS_OF = "2026-11-24"
"""The day that the shipped lists were last gone over; dated judgements refer to it."""


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """What an evaluation needs to know, and how it is named in the evaluation."""

    info: Knowledge
    functions: FunctionClasses
    background: Background


def knowledge_base(
    extra_functions: Path | None = None,
    advisories: Path | None = None,
    signatures: tuple[Path, ...] = (),
) -> KnowledgeBase:
    """The shipped knowledge, with a user's own lists added to it.

    Args:
        extra_functions: a list in the form of the shipped one.
        advisories: the folder of advisories that users brought in.
        signatures: snapshots of signatures that users brought in.

    Raises:
        DataError: a list is malformed; names file and entry.
    """
    functions = load_functions(extra_functions)
    data = resources.files(__name__).joinpath("data")
    parts = [*_parts(data), *_parts(data.joinpath("advisories"))]
    if shipped := shipped_snapshot():
        parts.append(Part(name=shipped.name, version=snapshot_digest(shipped)[:16]))
    for file in signatures:
        parts.append(Part(name=f"user: {file.name}", version=snapshot_digest(file)[:16]))
    if extra_functions:
        version = hashlib.sha256(extra_functions.read_bytes()).hexdigest()[:16]
        parts.append(Part(name=f"user: {extra_functions.name}", version=version))
    # Imported here: examiners' processes read this room too, and need no version schemes.
    from assay.knowledge.advisories.update import brought_in, library_of  # noqa: PLC0415

    library = library_of(advisories)
    own = brought_in(advisories) if advisories else ()
    parts += [Part(name=f"advisories: {one.name}", version=one.index.as_of) for one in own]
    as_of = max([AS_OF, *(one.index.as_of for one in own)])
    version = f"{as_of}+{digest([one.name for one in own])[:8]}" if own else as_of
    info = Knowledge(version=version, as_of=as_of, parts=tuple(parts), sources=library.sources)
    return KnowledgeBase(info, functions, library)


def _parts(folder: Traversable) -> list[Part]:
    """The data files of a folder, each with the beginning of its SHA-256 as its version."""
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [
        Part(name=file.name, version=hashlib.sha256(file.read_bytes()).hexdigest()[:16])
        for file in files
        if file.name.endswith((".yaml", ".zip"))
    ]


__all__ = ["AS_OF", "KnowledgeBase", "knowledge_base"]
