"""What is known beforehand: function classes, defaults, version strings, component signatures.

Takes: data files that ship or that users bring. Gives: frozen lists, with version and date.
Must not know: any image.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from assay.knowledge.functions import load_functions
from assay.knowledge.signatures import shipped_snapshot, snapshot_digest
from assay.model.evaluation import Knowledge, Part
from assay.model.functions import FunctionClasses

AS_OF = "2026-11-24"
"""The day that the shipped lists were last gone over; dated judgements refer to it."""


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """What an evaluation needs to know, and how it is named in the evaluation."""

    info: Knowledge
    functions: FunctionClasses


def knowledge_base(
    extra_functions: Path | None = None, signatures: tuple[Path, ...] = ()
) -> KnowledgeBase:
    """The shipped knowledge, with a user's own list of functions and signatures added to it.

    Raises:
        DataError: a list is malformed; names file and entry.
    """
    functions = load_functions(extra_functions)
    files = sorted(resources.files(__name__).joinpath("data").iterdir(), key=lambda file: file.name)
    parts = [
        Part(name=file.name, version=hashlib.sha256(file.read_bytes()).hexdigest()[:16])
        for file in files
        if file.name.endswith(".yaml")
    ]
    if shipped := shipped_snapshot():
        parts.append(Part(name=shipped.name, version=snapshot_digest(shipped)[:16]))
    for file in signatures:
        parts.append(Part(name=f"user: {file.name}", version=snapshot_digest(file)[:16]))
    if extra_functions:
        version = hashlib.sha256(extra_functions.read_bytes()).hexdigest()[:16]
        parts.append(Part(name=f"user: {extra_functions.name}", version=version))
    return KnowledgeBase(Knowledge(version=AS_OF, as_of=AS_OF, parts=tuple(parts)), functions)


__all__ = ["AS_OF", "KnowledgeBase", "knowledge_base"]
