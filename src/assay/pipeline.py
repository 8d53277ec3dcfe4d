"""The story: an image becomes an evaluation. Read `evaluate` from top to bottom.

Takes: a request, and the ports that the workspace chose. Gives: an evaluation, and the seals of
the secrets in it. Must not know: where anything is stored, who asked.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from assay import __version__
from assay.assess import Consulted, Rule, SealedSecret, VendorSays, assess, compose, seals
from assay.examine import Examiner
from assay.intake import INTAKE_VERSION, Unpacked, fingerprint, unpack
from assay.intake import Limits as IntakeLimits
from assay.knowledge import KnowledgeBase
from assay.model.base import digest
from assay.model.evaluation import Evaluation, Part, Subject, Tool
from assay.model.outcome import Examined
from assay.model.request import Progress, Request, Step
from assay.model.tree import Tree
from assay.runner import Cache, Engine, examine_all, missing
from assay.runner import Limits as RunLimits

__all__ = ["Evaluated", "Memory", "Ports", "Progress", "Request", "Step", "evaluate"]


class Memory(Cache, Protocol):
    """What was learned before: outcomes by content; trees and evaluations by image."""

    def recall(self, key: str) -> bytes | None:
        """What was remembered under a key."""

    def remember(self, key: str, content: bytes) -> None:
        """Remember content under a key."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the story needs from outside, chosen by the workspace.

    `assessment` names the form of the assessment: rules, measures, and the code that folds them.
    """

    memory: Memory
    engine: Engine
    workers: int
    scratch: Path
    examiners: Sequence[Examiner]
    knowledge: KnowledgeBase
    rules: Sequence[Rule]
    assessment: str
    seal_key: bytes
    intake_limits: IntakeLimits
    run_limits: RunLimits
    progress: Progress
    vendor_says: VendorSays = field(default_factory=VendorSays)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, and what of it stays in the workspace."""

    evaluation: Evaluation
    seals: tuple[SealedSecret, ...]


_EVALUATED = TypeAdapter(Evaluated)
_TREE = TypeAdapter(Tree)
T = TypeVar("T")


def evaluate(request: Request, ports: Ports) -> Evaluated:
    """Take a release apart, examine it, assess it; or recall what came of it before.

    Raises:
        InputError: the image can't be read.
    """
    ports.progress(Step("Reading"))
    image = fingerprint(request.image)
    if known := _recall(_EVALUATED, _evaluation_key(image, ports), ports.memory):
        return replace(known, evaluation=_of(request, known.evaluation, ports.vendor_says))
    with TemporaryDirectory(prefix="assay-", dir=ports.scratch) as scratch:
        unpacked = _unpack(request.image, image, Path(scratch), ports)
        examined = _examine(unpacked, ports)
    ports.progress(Step("Assessing"))
    assessment = assess(
        unpacked.tree,
        examined,
        classes=ports.knowledge.functions,
        rules=ports.rules,
        as_of=ports.knowledge.info.as_of,
        consulted=Consulted(ports.knowledge.background, ports.vendor_says),
    )
    evaluation = compose(
        assessment,
        subject=_subject(request, unpacked.tree.sha256, unpacked.tree.size, ports.vendor_says),
        tool=_tool(ports.examiners),
        knowledge=ports.knowledge.info,
        rules=ports.rules,
    )
    evaluated = Evaluated(evaluation, seals(assessment.facts))
    _remember(evaluated, image, unpacked, ports)
    return evaluated


def _evaluation_key(image: str, ports: Ports) -> str:
    """Everything that an evaluation depends on, but for the names in its subject."""
    if not image:
        return ""  # a folder: to know its content costs as much as to take it
    parts = [
        _tree_key(image, ports),
        ports.run_limits.model_dump_json(),
        _tool(ports.examiners).model_dump_json(),
        ports.knowledge.info.model_dump_json(),
        ports.assessment,
        TypeAdapter(VendorSays).dump_json(ports.vendor_says).decode(),
        hashlib.sha256(ports.seal_key).hexdigest(),
    ]
    return f"evaluation:{digest(parts)}"


def _tree_key(image: str, ports: Ports) -> str:
    limits = ports.intake_limits.model_dump_json()
    return f"tree:{image}:{INTAKE_VERSION}:{limits}" if image else ""


def _recall(form: TypeAdapter[T], key: str, memory: Memory) -> T | None:
    encoded = memory.recall(key) if key else None
    try:
        return form.validate_json(encoded) if encoded else None
    except ValidationError:  # written by a version that gave it another form
        return None


def _remember(evaluated: Evaluated, image: str, unpacked: Unpacked, ports: Ports) -> None:
    """What a limit, a missing extractor or a worker's death cut short is not remembered: the next
    try may get further."""
    lasting = unpacked.complete and not _missing(unpacked.tree, ports)
    if image and lasting:
        key = _evaluation_key(image, ports)
        ports.memory.remember(key, _EVALUATED.dump_json(evaluated, by_alias=True))


def _of(request: Request, evaluation: Evaluation, says: VendorSays) -> Evaluation:
    """The same evaluation for another name of the same image."""
    named = _subject(request, evaluation.subject.sha256, evaluation.subject.size, says)
    return evaluation.model_copy(update={"subject": named})


def _unpack(image: Path, sha256: str, scratch: Path, ports: Ports) -> Unpacked:
    """Unpack; or, where the same image was unpacked before and every outcome that its files ask
    for is known, recall its tree."""
    key = _tree_key(sha256, ports)
    tree = _recall(_TREE, key, ports.memory)
    if tree and not _missing(tree, ports):
        return Unpacked(tree, {})
    ports.progress(Step("Unpacking"))
    unpacked = unpack(
        image,
        scratch,
        ports.intake_limits,
        jobs=ports.workers,
        progress=lambda files: ports.progress(Step("Unpacking", files)),
    )
    if key and unpacked.complete:
        ports.memory.remember(key, _TREE.dump_json(unpacked.tree))
    return unpacked


def _missing(tree: Tree, ports: Ports) -> bool:
    return missing(tree.files, ports.examiners, ports.memory, ports.run_limits)


def _examine(unpacked: Unpacked, ports: Ports) -> tuple[Examined, ...]:
    return examine_all(
        unpacked.tree.files,
        unpacked.contents,
        ports.examiners,
        cache=ports.memory,
        engine=ports.engine,
        workers=ports.workers,
        limits=ports.run_limits,
        seal_key=ports.seal_key,
        progress=lambda files, done, total: ports.progress(Step("Examining", files, done, total)),
    )


def _subject(request: Request, sha256: str, size: int, says: VendorSays) -> Subject:
    return Subject(
        vendor=request.vendor,
        product=request.product,
        release=request.release,
        name=request.image.resolve().name,
        sha256=sha256,
        size=size,
        supported_until=says.supported_until,
    )


def _tool(examiners: Sequence[Examiner]) -> Tool:
    parts = [Part(name="intake", version=INTAKE_VERSION)]
    parts += [Part(name=examiner.name, version=examiner.version) for examiner in examiners]
    return Tool(version=__version__, parts=tuple(parts))
